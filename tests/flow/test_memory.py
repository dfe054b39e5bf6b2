"""What people approved and corrected in one pipeline is evidence for the next one's proposal."""

import pytest

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


@pytest.mark.parametrize("expr", ["upper(ww)", "concat(ww, '/', qq)"])
def test_a_correction_that_was_approved_is_proposed_the_next_time(shop: Shop, expr: str) -> None:
    tills(shop, "first")
    space = shop.space
    before = shop.plan("first").mapping.tables["shop.visit"].column("page")
    assert before is not None
    assert before.expr != expr
    correct(space, space.pipeline("first"), {"shop.visit.page": expr}, reviewer="ana@shop.example")
    correct(space, space.pipeline("first"), {"shop.visit.visit_id": "slip"}, reviewer="ana@shop.example")
    shop.approve("first")
    tills(shop, "second")
    found = shop.plan("second").mapping.tables["shop.visit"].column("page")
    assert found is not None
    assert (found.layer, found.expr) == ("embedded", expr)
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


def test_how_one_column_was_corrected_is_carried_to_another_like_it(shop: Shop) -> None:
    shop.sql("CREATE TABLE shop.stay (id bigint PRIMARY KEY, arrived timestamptz, gone timestamptz)")
    document = {
        "sources": {"stays": {"kind": "file", "path": "in/stays/*", "key": ["id"]}},
        "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
        "tables": {"shop.stay": {"write": "merge"}},
    }
    shop.pipeline_file("stays", document)
    rows = [
        {"id": n, "arrived_at": f"2026-03-{n:02d} 10:00", "gone_at": f"2026-04-{n:02d} 11:00"} for n in range(1, 25)
    ]
    shop.drop("stays", "a", rows)
    shop.land("stays")
    space = shop.space
    local = "at_zone(arrived_at, 'Europe/Madrid')"
    correct(space, space.pipeline("stays"), {"shop.stay.arrived": local}, reviewer="ana@shop.example")
    table = prepare(space, space.pipeline("stays"), again=True).mapping.tables["shop.stay"]
    gone = table.column("gone")
    assert gone is not None
    assert (gone.layer, gone.expr) == ("embedded", "at_zone(gone_at, 'Europe/Madrid')")
    assert "written as arrived was approved before" in gone.why
