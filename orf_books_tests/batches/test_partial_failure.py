"""The project in `docs/partial-failure.md`, as somebody else would run it."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import dagster as dg
import pytest

from orf_books.dagster_internals import PartitionStatus, partition_statuses

DOCS = Path(__file__).parents[2] / "docs" / "partial-failure.md"
NOT_UTF_8 = b"caf\xe9"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module, with ten letters of which three are no UTF-8."""
    monkeypatch.setenv("WORD_COUNTS", str(tmp_path / "word_counts"))
    code = DOCS.read_text("utf-8").split("```python\n")[1].split("```")[0]
    file = tmp_path / "word_counts_project.py"
    file.write_text(code, "utf-8")
    spec = importlib.util.spec_from_file_location("word_counts_project", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["word_counts_project"] = module
    spec.loader.exec_module(module)
    module.INBOX.mkdir(parents=True)
    for number in range(10):
        content = NOT_UTF_8 if number in {2, 5, 7} else b"one two three"
        (module.INBOX / f"{number}.txt").write_bytes(content)
    yield module
    del sys.modules["word_counts_project"]


def statuses(project: ModuleType, instance: dg.DagsterInstance) -> dict[str, PartitionStatus]:
    letters = project.LETTERS
    keys = instance.get_dynamic_partitions("letters")
    return partition_statuses(instance, letters.asset, letters.partitions, keys)


def failed(project: ModuleType, instance: dg.DagsterInstance) -> set[str]:
    found = statuses(project, instance)
    return {key for key, status in found.items() if status == PartitionStatus.FAILED}


def run_batch(project: ModuleType, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    job: dg.JobDefinition = project.defs.resolve_job_def("count")
    return job.execute_in_process(instance=instance, raise_on_error=False)


def test_three_items_fail_exactly_those_turn_red_and_the_dashboard_is_built(
    project: ModuleType, instance: dg.DagsterInstance
) -> None:
    assert not run_batch(project, instance).success
    assert failed(project, instance) == {"2.txt", "5.txt", "7.txt"}
    assert len(statuses(project, instance)) == 10
    assert project.PAGE.read_text().splitlines()[:2] == ["0.txt: 3", "1.txt: 3"]
    assert len(project.PAGE.read_text().splitlines()) == 7


def test_a_backfill_of_the_failed_partitions_turns_them_green(
    project: ModuleType, instance: dg.DagsterInstance
) -> None:
    run_batch(project, instance)
    for key in failed(project, instance):
        (project.INBOX / key).write_bytes("caf\xe9".encode())
    for key in failed(project, instance):
        selected = dg.AssetSelection.assets(project.LETTERS.asset)
        job = dg.define_asset_job("backfill", selected)
        backfill = dg.Definitions(
            assets=project.defs.assets,
            jobs=[job],
            resources=project.defs.resources,
            executor=dg.in_process_executor,
        ).resolve_job_def("backfill")
        assert backfill.execute_in_process(instance=instance, partition_key=key).success
    assert failed(project, instance) == set()


def test_the_next_batch_works_on_nothing_but_what_failed_or_is_new(
    project: ModuleType, instance: dg.DagsterInstance
) -> None:
    run_batch(project, instance)
    made = {result.key: result.made_at for result in project.JsonStore(project.HOME).all_results()}
    (project.INBOX / "2.txt").write_bytes(b"mended")
    (project.INBOX / "new.txt").write_bytes(b"new")
    run_batch(project, instance)
    again = {result.key: result.made_at for result in project.JsonStore(project.HOME).all_results()}
    assert again.keys() - made.keys() == {"2.txt", "new.txt"}
    assert all(again[key] == moment for key, moment in made.items())
    assert failed(project, instance) == {"5.txt", "7.txt"}
