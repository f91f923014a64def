"""Books in stock Dagster: one dynamic partition and one run per book, one request per run.

Belongs here: the baseline, written as Dagster's documentation teaches it, with default storages,
run coordinator, launcher and executor. Its sensors look as often as the daemon lets them, instead
of every 30 s, so that waiting for them does not count against it. Does not belong here: anything
of the platform.
"""

import csv
import json
import os
from pathlib import Path
from typing import Any

import dagster as dg
import httpx

FOLDER = Path(os.environ.get("STOCK_DAGSTER_FOLDER", "."))
SERVICE = os.environ.get("STOCK_DAGSTER_SERVICE", "")
UPLOAD = FOLDER / "upload.csv"
DASHBOARD = FOLDER / "dashboard.json"

books = dg.DynamicPartitionsDefinition(name="stock_books")


@dg.asset(partitions_def=books)
def stock_book(context: dg.AssetExecutionContext) -> dict[str, Any]:
    """What the service says about one book."""
    row = _rows()[context.partition_key]
    query = f'(title:"{row["Title"]}" AND author:"{row["Author"]}")'
    answer = httpx.get(
        f"{SERVICE}/search.json",
        params={"q": query, "fields": "key,title,subject", "limit": 1},
        headers={"User-Agent": "stock_dagster/1 (benchmark@localhost)"},
        timeout=30,
    )
    found = answer.raise_for_status().json()["docs"]
    return {"title": row["Title"], "genres": found[0].get("subject", []) if found else []}


@dg.asset
def stock_dashboard(stock_book: dict[str, dict[str, Any]]) -> None:
    """All books in one file."""
    half_done = DASHBOARD.with_suffix(".tmp")
    half_done.write_text(json.dumps(list(stock_book.values())))
    half_done.rename(DASHBOARD)


book_job = dg.define_asset_job("book_job", [stock_book])
dashboard_job = dg.define_asset_job("dashboard_job", [stock_dashboard])


@dg.sensor(job=book_job, minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def new_books(_context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Request one run for each row of the upload."""
    if not UPLOAD.exists():
        return dg.SkipReason("No upload.")
    keys = list(_rows())
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=key, partition_key=key) for key in keys],
        dynamic_partitions_requests=[books.build_add_request(keys)],
    )


@dg.sensor(
    job=dashboard_job, minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING
)
def all_books_done(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request the dashboard once every book is there."""
    keys = set(context.instance.get_dynamic_partitions("stock_books"))
    done = context.instance.get_materialized_partitions(dg.AssetKey("stock_book"))
    if not keys or keys - done:
        return dg.SkipReason("Books are missing.")
    return dg.RunRequest(run_key=str(len(keys)))


def _rows() -> dict[str, dict[str, str]]:
    with UPLOAD.open(newline="") as opened:
        return {row["Book Id"]: row for row in csv.DictReader(opened)}


defs = dg.Definitions(
    assets=[stock_book, stock_dashboard],
    jobs=[book_job, dashboard_job],
    sensors=[new_books, all_books_done],
)
