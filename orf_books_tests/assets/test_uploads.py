"""How the checks on uploads stand."""

import dagster as dg
import pytest

from orf_books.assets.uploads import refused_uploads

ASSET = dg.AssetKey("uploads")


@pytest.mark.parametrize(
    ("uploads", "refused", "passed", "severity", "says"),
    [
        (0, {}, False, dg.AssetCheckSeverity.WARN, "nothing was checked"),
        (2, {}, True, dg.AssetCheckSeverity.WARN, "none of them refused"),
        (2, {"a": "empty"}, False, dg.AssetCheckSeverity.WARN, "1 of 2 uploads were refused"),
        (1, {"a": "empty"}, False, dg.AssetCheckSeverity.ERROR, "1 of 1 uploads were refused"),
    ],
)
def test_a_check_is_green_only_where_something_was_checked(
    uploads: int,
    refused: dict[str, str],
    passed: bool,
    severity: dg.AssetCheckSeverity,
    says: str,
) -> None:
    found = refused_uploads(ASSET, "is_valid", uploads, refused)
    assert (found.passed, found.severity) == (passed, severity)
    assert says in (found.description or "")
