"""Writes the templates of every environment: `python synth.py FOLDER`. No account is asked."""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """Synthesise each environment below the folder."""
    from app import SIZES

    folder = Path(sys.argv[1])
    for environment in SIZES:
        context = json.loads((HERE / "cdk.json").read_text())["context"]
        context["environment"] = environment
        subprocess.run(
            [sys.executable, "app.py"],
            cwd=HERE,
            env=os.environ
            | {
                "CDK_CONTEXT_JSON": json.dumps(context),
                "CDK_DEFAULT_ACCOUNT": "123456789012",
                "CDK_DEFAULT_REGION": "eu-west-1",
                "CDK_OUTDIR": str((folder / environment).absolute()),
                "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
                "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
                "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
            },
            check=True,
        )


if __name__ == "__main__":
    main()
