"""The columns of tables, as Dagster's page shows them on an asset.

Belongs here: making a schema from the class of a table's rows, and lineage between columns. Does
not belong here: the tables (`orf_books/records`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import dagster as dg

from orf_books.resources.tables import Table

_TYPES = {
    str: "string",
    int: "int",
    float: "float",
    bool: "bool",
    date: "date",
    datetime: "timestamp",
    tuple: "list",
}
"""What a column of these is called; a kind that is stored as text is a string."""


def columns_of(table: Table[Any]) -> dg.TableSchema:
    """The columns of a table, with those that may be empty."""
    hints = get_type_hints(table.row)
    return dg.TableSchema(
        [
            dg.TableColumn(
                table.columns.get(field.name, field.name),
                _name_of(hints[field.name]),
                constraints=dg.TableColumnConstraints(nullable=_may_be_none(hints[field.name])),
            )
            for field in fields(table.row)
        ]
    )


def shown_columns(
    table: Table[Any],
    made_of: Mapping[str, Sequence[str]] | None = None,
    upstream: dg.AssetKey | None = None,
) -> dict[str, Any]:
    """The columns of a table as metadata of its asset.

    Args:
        table: of the asset.
        made_of: for columns that are made of columns of another asset, which.
        upstream: that asset.
    """
    shown = {"dagster/column_schema": columns_of(table), "dagster/table_name": table.name}
    if made_of is None or upstream is None:
        return shown
    lineage = dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(upstream, source) for source in sources]
            for column, sources in made_of.items()
        }
    )
    return shown | {"dagster/column_lineage": lineage}


def _may_be_none(hint: object) -> bool:
    return type(None) in get_args(hint)


def _name_of(hint: Any) -> str:  # noqa: ANN401 - a type
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_name_of(each) for each in get_args(hint) if each is not type(None))
    return _TYPES.get(get_origin(hint) or hint, "string")
