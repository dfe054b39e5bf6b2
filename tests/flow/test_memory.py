"""What people approved and corrected in one pipeline is evidence for the next one's proposal."""

from octo_resources.flow import correct, prepare
from tests.flow.shop import Shop, sale


def tills(shop: Shop, name: str) -> None:
    """A pipeline into shop.visit from fields whose names say nothing, without mapping.yaml."""
    shop.pipeline_file(
        name,
        {
            "sources": {name: {"kind": "file", "path": f"in/{name}/*.jsonl", "key": ["slip"]}},
            "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
            "tables": {"shop.visit": {"write": "append"}},
        },
    )
    records = [{"slip": number, "qq": f"home-{number % 7}", "ww": f"x{number % 5}"} for number in range(40)]
    shop.drop(name, "a", records)
    shop.land(name)


def test_a_correction_that_was_approved_is_proposed_the_next_time(shop: Shop) -> None:
    tills(shop, "first")
    space = shop.space
    before = shop.plan("first").mapping.tables["shop.visit"].column("page")
    assert before is not None
    assert before.expr != "upper(ww)"
    correct(space, space.pipeline("first"), {"shop.visit.page": "upper(ww)"}, reviewer="ana@shop.example")
    correct(space, space.pipeline("first"), {"shop.visit.visit_id": "slip"}, reviewer="ana@shop.example")
    shop.approve("first")
    tills(shop, "second")
    found = shop.plan("second").mapping.tables["shop.visit"].column("page")
    assert found is not None
    assert (found.layer, found.expr) == ("embedded", "upper(ww)")
    assert "before" in found.why


def test_what_nobody_approved_is_no_evidence(shop: Shop) -> None:
    tills(shop, "first")
    space = shop.space
    correct(space, space.pipeline("first"), {"shop.visit.page": "upper(ww)"}, reviewer="ana@shop.example")
    shop.plan("first")
    tills(shop, "second")
    found = shop.plan("second").mapping.tables["shop.visit"].column("page")
    assert found is not None
    assert found.expr != "upper(ww)"


def test_a_pipeline_s_own_approved_mapping_is_proposed_again(shop: Shop) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", [sale(number) for number in range(40)])
    shop.start()
    (shop.root / "pipelines" / "sales" / "mapping.yaml").unlink()
    space = shop.space
    table = prepare(space, space.pipeline("sales"), again=True).mapping.tables["shop.sale"]
    amount = table.column("amount")
    assert amount is not None
    assert (amount.layer, amount.expr) == ("embedded", "total")
