"""Whole loads on Spark end as the same loads on the embedded engine: rows, quarantine, ledger."""

from octo_resources.engines.spark import SparkEngine
from tests.flow.shop import Shop, sales

LOCAL = {"kind": "spark", "master": "local[2]"}


def test_a_load(shop: Shop, spark: SparkEngine) -> None:
    shop.sales_pipeline(engine=LOCAL)
    shop.drop("sales", "a", sales(range(100)))
    shop.land()
    shop.approve()
    result = shop.load().result
    assert result.status == "loaded"
    assert result.engine == "spark"
    assert result.tables["shop.sale"].inserted == 100
