"""Whole loads on Spark end as the same loads on the embedded engine: rows, quarantine with payloads, ledger."""

import threading
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
import yaml

from octo_core.errors import EngineError, OutOfTime
from octo_resources.engines.spark import SparkEngine
from tests.flow.nested import item, order, orders_pipeline
from tests.flow.shop import Shop, sale, sales

LOCAL = {"kind": "spark", "master": "local[2]"}


def start_again(shop: Shop, engine: dict[str, Any] | str, there: str) -> None:
    """The warehouse as it was before any load, and the pipeline on another engine: no part of what was approved."""
    path = shop.root / "pipelines" / "sales" / "pipeline.yaml"
    document = yaml.safe_load(path.read_text()) | {"engine": engine}
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    shop.sql(f"DROP SCHEMA IF EXISTS _octopipe CASCADE; TRUNCATE shop.sale; {there}")


def loaded(shop: Shop) -> dict[str, Any]:
    """What a load leaves behind, without what differs between two runs of the same."""
    result = shop.load().result
    assert result.status == "loaded"
    quarantined = [row.model_dump() for row in shop.quarantined(result.load_id)]
    return {
        "engine": result.engine,
        "rows": shop.sql("SELECT * FROM shop.sale ORDER BY 1"),
        "quarantine": sorted(quarantined, key=lambda row: str(row["id"])),
        "ledger": result.tables["shop.sale"].model_dump(exclude={"seconds"}),
        "stored": shop.sql(
            "SELECT read, inserted, updated, unchanged, deduplicated, quarantined, removed FROM _octopipe.ledger"
        ),
        "positions": shop.sql("SELECT source, position ->> 'batch' FROM _octopipe.positions ORDER BY 1"),
        "warnings": result.warnings,
        "sources": result.sources,
    }


THERE = (
    "INSERT INTO shop.sale SELECT n, 1, n, 'paid', '2026-03-01', NULL, NULL FROM generate_series(0, 9) n;"
    "INSERT INTO shop.sale VALUES (900, 1, 1, 'paid', '2026-03-01')"
)
ODD = [
    sale(20, total="much"), sale(21, total="-1"), sale(22, state="lost"), sale(23, customer=77),
    sale(5, total="1.10", email="twice@shop.example"), sale(30, at="2026-02-30T00:00:00Z"), sale(31, total="1e2"),
    sale(32, total="1234567890123"), sale(33) | {"extra": {"a": [1]}}, sale(34, state="pa\x00id"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("write", "there"), [("merge", THERE), ("replace", THERE), ("append", THERE), ("append", "")], ids=str
)
def test_a_load_leaves_the_same_on_both_engines(shop: Shop, spark: SparkEngine, write: str, there: str) -> None:
    shop.sales_pipeline(table={"write": write}, quarantine={"max_ratio": 1.0}, drift={"new_field": "ignore"})
    shop.drop("sales", "a", sales(range(100)))
    shop.drop_text("sales", "b.jsonl", '{"id": 40, "id": 41}\nno json\n')
    shop.drop("sales", "c", ODD)
    shop.land()
    shop.approve()
    start_again(shop, "duckdb", there)
    wanted = loaded(shop)
    start_again(shop, LOCAL, there)
    found = loaded(shop)
    assert found.pop("engine") == "spark"
    assert wanted.pop("engine") == "duckdb"
    assert found == wanted
    assert wanted["ledger"]["quarantined"] > 5
    assert shop.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'octo_ld%'") == []


def test_a_load_that_takes_too_long_ends_its_jobs(shop: Shop, spark: SparkEngine) -> None:
    shop.sales_pipeline(engine=LOCAL)
    shop.drop("sales", "a", sales(range(10)))
    shop.land()
    shop.approve()
    shop.sales_pipeline(engine=LOCAL, limits={"time": "0.1"})
    with pytest.raises(OutOfTime):
        shop.load()
    assert not spark.spark.sparkContext.statusTracker().getActiveStageIds()
    assert shop.count() == 0
    assert shop.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'octo_ld%'") == []


def test_jobs_are_cancelled_from_another_thread_whatever_their_tasks_wait_for(spark: SparkEngine) -> None:
    def waiting(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import time

        for batch in batches:
            time.sleep(600)
            yield batch

    over = threading.Event()

    def ending() -> None:
        while not over.wait(0.5):
            spark.cancel()

    thread = threading.Thread(target=ending)
    thread.start()
    try:
        with pytest.raises(EngineError, match="cancelled"), spark.watched():
            spark.spark.range(2).mapInArrow(waiting, "id long").collect()
    finally:
        over.set()
        thread.join()


def test_what_a_dead_driver_left_is_swept_by_the_next_load(shop: Shop, spark: SparkEngine) -> None:
    shop.sales_pipeline(engine=LOCAL)
    shop.drop("sales", "a", sales(range(10)))
    shop.sql("CREATE SCHEMA octo_ld_01dead; CREATE UNLOGGED TABLE octo_ld_01dead.s0_0_1 (c0 int)")
    result = shop.start()
    assert result.status == "loaded"
    assert result.engine_why == "the pipeline asks for it (local[2])"
    assert shop.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'octo_ld%'") == []


def test_without_the_right_to_make_a_schema_rows_go_through_the_driver(
    shop: Shop, spark: SparkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.sales_pipeline(engine=LOCAL)
    shop.drop("sales", "a", sales(range(10)))
    shop.land()
    shop.approve()
    shop.space.destination(shop.pipeline()).prepare()
    shop.sql(
        "CREATE ROLE loader LOGIN; GRANT USAGE ON SCHEMA shop, _octopipe TO loader;"
        "GRANT ALL ON ALL TABLES IN SCHEMA shop, _octopipe TO loader;"
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA _octopipe TO loader"
    )
    monkeypatch.setenv("SHOP_WAREHOUSE", shop.url.replace("postgres@", "loader@"))
    assert shop.load().result.tables["shop.sale"].inserted == 10
    assert shop.sql("DROP OWNED BY loader; DROP ROLE loader") == []


def test_the_elements_of_lists_are_told_apart_by_tasks(shop: Shop, spark: SparkEngine) -> None:
    spoilt = [order(50, item("A"), "no record", item("C", "many"), item("D", 0)), order(52, items="none")]
    answers = []
    for engine in ("duckdb", LOCAL):
        shop.sql("DROP SCHEMA IF EXISTS sales CASCADE; DROP SCHEMA IF EXISTS _octopipe CASCADE")
        orders_pipeline(shop, engine=engine, quarantine={"max_ratio": 1.0})
        if engine == "duckdb":
            shop.drop("orders", "a", [order(number, item("A"), item("B", 2)) for number in range(1, 41)])
            shop.drop("orders", "b", spoilt)
            shop.drop_text("orders", "c.jsonl", '{"id": 53, "items": [\n')
            shop.land("orders")
            shop.approve("orders")
        result = shop.load("orders").result
        aside = shop.quarantined(result.load_id, "orders")
        answers.append(
            {
                "items": shop.sql("SELECT * FROM sales.purchase_item ORDER BY 1, 2"),
                "ledger": [one.model_dump(exclude={"seconds"}) for one in result.tables.values()],
                "shapes": result.shapes,
                "aside": sorted((one.model_dump() for one in aside), key=str),
                "sources": result.sources,
                "warnings": result.warnings,
            }
        )
    assert answers[0] == answers[1]
    assert len(answers[0]["aside"]) > 5
