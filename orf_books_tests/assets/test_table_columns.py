"""The columns of tables on Dagster's page."""

import dagster as dg
import pytest

from orf_books.assets.table_columns import columns_of
from orf_books.definitions import build_defs
from orf_books.records.books import enriched_books
from orf_books.settings import Settings


def test_a_table_shows_its_columns_as_they_are_stored() -> None:
    columns = {column.name: column for column in columns_of(enriched_books).columns}
    assert columns["key"].type == "string"
    assert not columns["key"].constraints.nullable
    assert columns["confidence"].type == "float"
    assert columns["confidence"].constraints.nullable
    assert (columns["genres"].type, columns["enriched_at"].type) == ("list", "timestamp")
    assert "job_id" in columns
    assert "run_id" not in columns


@pytest.mark.parametrize("asset", ["enriched_books", "scored_transcripts"])
def test_lineage_between_columns_names_columns_that_there_are(asset: str) -> None:
    graph = build_defs(Settings()).resolve_asset_graph()

    def metadata(key: dg.AssetKey) -> dict[str, object]:
        return dict(graph.get(key).metadata)

    def names(key: dg.AssetKey) -> set[str]:
        schema = metadata(key)["dagster/column_schema"]
        table = getattr(schema, "value", schema)
        assert isinstance(table, dg.TableSchema)
        return {column.name for column in table.columns}

    lineage = metadata(dg.AssetKey(asset))["dagster/column_lineage"]
    lineage = getattr(lineage, "value", lineage)
    assert isinstance(lineage, dg.TableColumnLineage)
    for column, sources in lineage.deps_by_column.items():
        assert column in names(dg.AssetKey(asset))
        for source in sources:
            assert source.column_name in names(source.asset_key)
