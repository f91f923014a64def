"""What somebody who knows Dagster types in a checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PROJECT = Path(__file__).parent.parent


def test_dg_launches_assets_and_leaves_nothing_in_the_checkout(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(PROJECT / "dagster.yaml", home)
    environment = os.environ | {
        "DAGSTER_HOME": str(home),
        "ORF_BOOKS_STORAGE": str(tmp_path / "data"),
        "VIRTUAL_ENV": sys.prefix,
    }
    before = set(PROJECT.iterdir())
    done = subprocess.run(
        [Path(sys.executable).with_name("dg"), "launch", "--assets", "dashboard"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "dashboard.html").exists()
    assert set(PROJECT.iterdir()) == before
