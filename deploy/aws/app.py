"""The platform on AWS: `cdk deploy` with the account and region of the shell.

Belongs here: which environments there are and how they differ. Does not belong here: what an
environment is made of (`stack.py`).
"""

import os

import aws_cdk as cdk
from stack import PlatformStack, Size

SIZES = {
    "dev": Size(
        database_class="t4g.micro", multi_az=False, backup_days=1, most_workers=2, keeps_data=False
    ),
    "staging": Size(
        database_class="t4g.small", multi_az=False, backup_days=7, most_workers=4, keeps_data=True
    ),
    "production": Size(
        database_class="t4g.medium", multi_az=True, backup_days=35, most_workers=16, keeps_data=True
    ),
}


def main() -> None:
    """Write the templates of the environment that the context names."""
    app = cdk.App()
    name = app.node.try_get_context("environment") or "dev"
    PlatformStack(
        app,
        f"orf-books-{name}",
        size=SIZES[name],
        image=app.node.get_context("image"),
        domain=app.node.get_context("domain"),
        certificate_arn=app.node.get_context("certificate_arn"),
        alarm_email=app.node.get_context("alarm_email"),
        monthly_budget_dollars=float(app.node.get_context("monthly_budget_dollars")),
        contact=app.node.get_context("contact"),
        env=cdk.Environment(
            account=os.environ["CDK_DEFAULT_ACCOUNT"], region=os.environ["CDK_DEFAULT_REGION"]
        ),
        termination_protection=SIZES[name].keeps_data,
    )
    cdk.Tags.of(app).add("project", "orf-books")
    cdk.Tags.of(app).add("environment", name)
    app.synth()


if __name__ == "__main__":
    main()
