"""`sample`: how much a first plan reads of a source of which nothing landed yet."""

from typing import Any

import pytest

from tests.flow.shop import Shop, sales
from tests.servers.api import Api, paged

ROWS = 60_000


def from_file(shop: Shop, **sample: Any) -> None:
    shop.drop("sales", "a", sales(range(1, ROWS + 1)))
    shop.sales_pipeline(
        sources={"sales": {"kind": "file", "path": "in/sales/*.jsonl", "key": ["id"], "sample": sample}}
    )


@pytest.mark.parametrize("sample", [{"rows": 1000}, {"bytes": "50 KB"}])
def test_a_first_plan_looks_at_so_much_of_a_file_and_says_so(shop: Shop, sample: dict[str, Any]) -> None:
    from_file(shop, **sample)
    prepared = shop.plan()
    source = prepared.plan.sources["sales"]
    assert source.complete is False
    assert source.rows_total is None
    assert 0 < source.rows_examined < ROWS / 10
    assert prepared.plan.tables["shop.sale"].rows_read < ROWS
    assert shop.space.landing.batches("sales", "sales") == []


def test_the_load_takes_all_by_the_plan_that_a_sample_made(shop: Shop) -> None:
    from_file(shop, rows=1000)
    print_ = shop.approve()
    result = shop.run()
    assert result.fingerprint == print_
    assert result.tables["shop.sale"].inserted == ROWS
    assert shop.space.samples.batches("sales", "sales") == []
    assert shop.plan().plan.state == "approved"


def test_a_source_within_its_sample_is_seen_whole(shop: Shop) -> None:
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.sales_pipeline(
        sources={"sales": {"kind": "file", "path": "in/sales/*.jsonl", "key": ["id"], "sample": {"rows": 1000}}}
    )
    source = shop.plan().plan.sources["sales"]
    assert (source.complete, source.rows_examined, source.rows_total) == (True, 30, 30)


def test_no_further_page_is_asked_for(shop: Shop) -> None:
    with Api({"/sales": paged(sales(range(1, 501)), 20, "next_url")}) as api:
        source = {"kind": "rest", "url": f"{api.url}/sales", "key": ["id"], "sample": {"rows": 50}}
        shop.sales_pipeline(sources={"sales": source})
        plan = shop.plan().plan
        assert len(api.asked) == 3
        assert (plan.sources["sales"].complete, plan.sources["sales"].rows_examined) == (False, 50)
        shop.plan()
        assert len(api.asked) == 3  # the sample is kept until the source lands
        shop.approve()
        assert shop.run().tables["shop.sale"].inserted == 500
