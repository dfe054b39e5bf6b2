"""Data and tables as strangers have them: Parquet of other tools, odd names, names as a shell hands them on."""

import pyarrow as pa
from pyarrow import parquet

from octo_resources.flow import correct
from tests.flow.shop import REVIEWER, Shop
from tests.flow.test_loads import ledger

DESTINATION = {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"}


def test_nanoseconds_are_times_maps_are_json_and_a_refused_row_is_shown(shop: Shop) -> None:
    shop.sql("CREATE TABLE shop.tick (id bigint PRIMARY KEY, seen timestamptz, at_ time, tags jsonb, size smallint)")
    nanoseconds = [1_767_225_600_000_000_000 + number for number in range(30)]
    table = pa.table(
        {
            "id": pa.array(range(30), pa.int64()),
            "seen": pa.array(nanoseconds, pa.timestamp("ns", "America/New_York")),
            "at_": pa.array([3_600_000_000_000 + number * 1000 for number in range(30)], pa.time64("ns")),
            "tags": pa.array([[("k", number)] for number in range(30)], pa.map_(pa.string(), pa.int64())),
            "size": pa.array(range(30), pa.int16()),
        }
    )
    folder = shop.root / "in" / "ticks"
    folder.mkdir(parents=True)
    parquet.write_table(table, folder / "a.parquet")
    document = {"sources": {"ticks": {"kind": "file", "path": "in/ticks/*"}}, "destination": DESTINATION}
    shop.pipeline_file("ticks", document | {"tables": {"shop.tick": {}}})
    assert "finer than a microsecond are cut off" in "".join(shop.plan("ticks").plan.warnings)
    assert ledger(shop.start("ticks"), "shop.tick") == {"read": 30, "inserted": 30}
    row = shop.sql("SELECT seen::text, at_::text, tags FROM shop.tick WHERE id = 7")
    assert row == [("2026-01-01 00:00:00+00", "01:00:00.000007", {"k": 7})]

    sizes = pa.array(["8" if number != 3 else "much" for number in range(30)])
    parquet.write_table(table.set_column(4, "size", sizes), folder / "b.parquet")
    shop.land("ticks")
    quarantined = shop.plan("ticks").plan.tables["shop.tick"].quarantined
    assert all(one.row.get("id") is not None for one in quarantined)


def test_names_with_percent_signs_and_dots(shop: Shop) -> None:
    shop.sql('CREATE TABLE shop."Odd.Names" (id int PRIMARY KEY, "100%" numeric, "%s" text, "a.b" text)')
    shop.drop("odd", "a", [{"id": number, "100%": 1.5, "%s": "p", "a.b": "d", "c": "e"} for number in range(1, 30)])
    document = {"sources": {"odd": {"kind": "file", "path": "in/odd/*"}}, "destination": DESTINATION}
    shop.pipeline_file("odd", document | {"tables": {'shop."Odd.Names"': {}}})
    shop.plan("odd")
    space = shop.space
    correct(space, space.pipeline("odd"), {"shop.Odd.Names.a.b": "c"}, reviewer=REVIEWER)  # a shell took the quotes off
    assert ledger(shop.start("odd"), 'shop."Odd.Names"') == {"read": 29, "inserted": 29}
    assert [str(one) for one in shop.sql('SELECT * FROM shop."Odd.Names"')[0]] == ["1", "1.5", "p", "e"]
