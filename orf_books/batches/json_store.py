"""The simplest store: a folder with a JSON file for each item, failure and report.

Belongs here: what a small project needs to start with, and tests of the driver. Does not belong
here: tables, which scale (`orf_books/records/items.py`).
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orf_books.batches.batch import ItemFailure
from orf_books.batches.report import BatchReport
from orf_books.batches.store import ItemStore


@dataclass(frozen=True, slots=True)
class JsonResult:
    """What became of an item.

    Args:
        key: the partition.
        fingerprint: of the input.
        code_version: of the code that made it.
        value: the result itself; anything that JSON can hold.
        made_at: now, unless given.
    """

    key: str
    fingerprint: str
    code_version: str
    value: Any
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def data_version(self) -> str:
        """The same for the same value."""
        return json.dumps(self.value, sort_keys=True)


@dataclass(frozen=True, slots=True)
class JsonFailure:
    """Why an item failed, in which run."""

    key: str
    category: str
    message: str
    run_id: str


class JsonStore(ItemStore[JsonResult, JsonResult, BatchReport]):
    """Results, failures and reports of one kind of item, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._results = folder / "results"
        self._failures = folder / "failures"
        self._reports = folder / "reports"
        for each in (self._results, self._failures, self._reports):
            each.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    @property
    def place(self) -> str:
        """The folder."""
        return self._folder.absolute().as_uri()

    def latest(self, keys: Collection[str]) -> dict[str, JsonResult]:
        """The result of each item that has one."""
        files = {key: _file(self._results, key) for key in keys}
        return {key: _read(file) for key, file in files.items() if file.exists()}

    def all_results(self) -> list[JsonResult]:
        """The results of all items, by key."""
        return sorted(map(_read, self._results.glob("*.json")), key=lambda result: result.key)

    def failed_since(
        self,
        results: Mapping[str, JsonResult],  # noqa: ARG002 - each removed the failure before it
        keys: Collection[str],
    ) -> dict[str, JsonFailure]:
        """Why items failed that have not succeeded since."""
        return self.standing_failures(keys)

    def standing_failures(self, keys: Collection[str] | None = None) -> dict[str, JsonFailure]:
        """Why items are failed: these, or all."""
        if keys is None:
            files = list(self._failures.glob("*.json"))
        else:
            files = [file for key in keys if (file := _file(self._failures, key)).exists()]
        failures = [JsonFailure(**json.loads(file.read_text("utf-8"))) for file in files]
        return {failure.key: failure for failure in failures}

    def add_results(self, results: Sequence[JsonResult]) -> Sequence[JsonResult]:
        """Store results, and forget why these items failed before."""
        for result in results:
            document = asdict(result) | {"made_at": result.made_at.isoformat()}
            _write(_file(self._results, result.key), json.dumps(document))
            _file(self._failures, result.key).unlink(missing_ok=True)
        return results

    def add_failures(self, failures: Iterable[ItemFailure], run_id: str) -> None:
        """Store why items failed."""
        for failure in failures:
            stored = JsonFailure(failure.key, failure.category.value, failure.message, run_id)
            _write(_file(self._failures, failure.key), json.dumps(asdict(stored)))

    def add_report(self, report: BatchReport) -> None:
        """Store the report of a batch."""
        _write(_file(self._reports, report.run_id), json.dumps(report.document(), default=str))

    def report_of_run(self, run_id: str) -> BatchReport | None:
        """The report of a run's batch; None for a run without one."""
        file = _file(self._reports, run_id)
        if not file.exists():
            return None
        document = json.loads(file.read_text("utf-8"))
        document["started_at"] = datetime.fromisoformat(document["started_at"])
        return BatchReport(**document)


def _file(folder: Path, key: str) -> Path:
    return folder / f"{quote(key, safe='')}.json"


def _read(file: Path) -> JsonResult:
    document = json.loads(file.read_text("utf-8"))
    document["made_at"] = datetime.fromisoformat(document["made_at"])
    return JsonResult(**document)


def _write(file: Path, text: str) -> None:
    # Whoever reads meanwhile finds the old text or the new one, whole.
    unfinished = file.with_suffix(".tmp")
    unfinished.write_text(text, "utf-8")
    unfinished.replace(file)
