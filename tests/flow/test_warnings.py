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
