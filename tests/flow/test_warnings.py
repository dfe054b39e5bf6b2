"""What a person should know of a source's types is in its schema and in the plan that they read."""

from octo_resources.flow import schemas
from tests.flow.shop import Shop, sales


def test_dates_that_fit_two_orders_are_in_the_plan_until_the_file_says_the_order(shop: Shop) -> None:
    shop.drop("sales", "a", sales(range(1, 20), paid="03/04/2021"))
    shop.sales_pipeline()
    said = "paid: 03/04/2021 reads as 3 April"
    assert any(warning.startswith(said) for warning in shop.plan().plan.warnings)
    source = {"kind": "file", "path": "in/sales/*.jsonl", "key": ["id"], "fields": {"paid": {"format": "%m/%d/%Y"}}}
    shop.sales_pipeline(sources={"sales": source})
    assert not any(said in warning for warning in shop.plan().plan.warnings)
    field = schemas(shop.space, shop.pipeline())["sales"].field("paid")
    assert field is not None
    assert field.format == "%m/%d/%Y"


def test_a_pipeline_that_was_renamed_is_told_what_it_would_do_to_the_rows_of_before(shop: Shop) -> None:
    shop.drop("sales", "a", sales(range(1, 20)))
    shop.sales_pipeline(table={"write": "append"})
    shop.start()
    (shop.root / "pipelines" / "sales").rename(shop.root / "pipelines" / "sold")
    shop.land("sold")
    [said] = [one for one in shop.plan("sold").plan.warnings if "sales has loaded" in one]
    assert said == (
        "shop.sale: the pipeline sales has loaded 19 rows into it, and this one would append: what both read comes in "
        "twice (there is no sales here any more: was it renamed?)"
    )


def test_pipelines_that_merge_into_one_table_are_no_news(shop: Shop) -> None:
    shop.drop("sales", "a", sales(range(1, 20)))
    shop.sales_pipeline()
    shop.start()
    shop.sales_pipeline("more")
    shop.land("more")
    assert not [one for one in shop.plan("more").plan.warnings if "has loaded" in one]
    shop.sales_pipeline("all", table={"write": "replace"})
    shop.land("all")
    assert [one for one in shop.plan("all").plan.warnings if "rows that only the other brought" in one]
