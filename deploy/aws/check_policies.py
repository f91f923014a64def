"""What each role may do and may not do, read from a synthesised template.

`python check_policies.py TEMPLATE` evaluates the identity policies of the template: an action is
allowed on a resource if a statement names both. Conditions and resource policies are not evaluated.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

STORE, LOGS, QUEUE, DEAD_LETTERS = "Store", "Logs", "Uploads", "DeadLetters"
RUN, CODE, DAEMON, PAGE, SCHEDULER, WORKERS = (
    "Run",
    "Code",
    "Daemon",
    "Page",
    "Scheduler",
    "Workers",
)
ROLES = (RUN, CODE, DAEMON, PAGE, SCHEDULER, WORKERS)

ALLOWED = {
    ("s3:GetObject", STORE): {RUN, CODE},
    ("s3:PutObject", STORE): {RUN},
    ("s3:DeleteObject", STORE): {RUN},
    ("s3:PutObject", LOGS): {RUN},
    ("s3:GetObject", LOGS): {RUN, PAGE},
    ("sqs:ReceiveMessage", QUEUE): {CODE},
    ("sqs:DeleteMessage", QUEUE): {CODE},
    ("sqs:SendMessage", QUEUE): set[str](),
    ("sqs:GetQueueAttributes", DEAD_LETTERS): {CODE},
    ("sqs:ReceiveMessage", DEAD_LETTERS): set[str](),
    ("ecs:RunTask", "RunTask"): {DAEMON},
    ("ecs:StopTask", "Cluster"): {DAEMON, PAGE},
    ("iam:PassRole", "RunTaskTaskRole"): {DAEMON},
    ("iam:CreateRole", "*"): set[str](),
    ("s3:DeleteBucket", STORE): set[str](),
    ("secretsmanager:GetSecretValue", "Settings"): set[str](),
}
"""Who may do what; all other roles may not. Secrets reach containers through the role of ECS's
agent, which is not one of these."""


@dataclass(frozen=True)
class Statement:
    """What a role is allowed."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def allows(self, action: str, resource: str) -> bool:
        """Whether it allows an action on a resource, named by the beginning of its logical id."""
        return any(fnmatchcase(action, pattern) for pattern in self.actions) and any(
            pattern == "*" or re.search(rf"\b{resource}[0-9A-F]{{8}}\b", pattern)
            for pattern in self.resources
        )


def main() -> None:
    """Compare, and say what differs."""
    template = json.loads(Path(sys.argv[1]).read_text())
    statements = {role: list(statements_of(template, role)) for role in ROLES}
    wrong = []
    for (action, resource), expected in ALLOWED.items():
        allowed = {
            role
            for role in ROLES
            if any(statement.allows(action, resource) for statement in statements[role])
        }
        if allowed != expected:
            wrong.append(f"{action} on {resource}: {sorted(allowed)}, not {sorted(expected)}")
    print("\n".join(wrong) or f"{len(ALLOWED)} actions, {len(ROLES)} roles: as intended")
    sys.exit(bool(wrong))


def statements_of(template: dict[str, Any], role: str) -> Iterator[Statement]:
    """What the task of a role is allowed, by policies of its own."""
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == "AWS::IAM::Policy" and logical_id.startswith(
            f"{role}TaskTaskRoleDefaultPolicy"
        ):
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                if statement["Effect"] != "Allow":
                    raise ValueError(f"{logical_id} has a statement that is not evaluated")
                yield Statement(_texts(statement["Action"]), _texts(statement["Resource"]))


def _texts(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - as CloudFormation has it
    several = value if isinstance(value, list) else [value]
    return tuple(part if isinstance(part, str) else json.dumps(part) for part in several)


if __name__ == "__main__":
    main()
