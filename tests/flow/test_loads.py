"""A load from the source's file to the last row of the ledger: append, merge, replace, twice, in part, in order."""

import json

import pytest

from octo_core.errors import QuarantineLimit, SpecError, UsageError
from octo_core.ledger import LoadResult, TableLedger
from octo_resources.flow import waiting
from tests.flow.shop import VISIT, Shop, sale, sales


def ledger(result: LoadResult, table: str = "shop.sale") -> dict[str, int]:
    """The counts that are not zero."""
    counts = result.tables[table].model_dump(exclude={"seconds"})
    return {name: rows for name, rows in counts.items() if rows}


def the_books(shop: Shop, result: LoadResult, table: str = "shop.sale") -> None:
    """The result, the registry and the destination say the same of a load, and it adds up."""
    said = result.tables[table]
    assert said.balanced
    kept = shop.registry.executions.get(result.load_id)
    assert kept is not None
    assert kept.result == result
    assert kept.status == result.status
    assert kept.total_rows == sum(one.read for one in result.tables.values())
    assert kept.inserts == sum(one.inserted for one in result.tables.values())
    assert kept.updates == sum(one.updated for one in result.tables.values())
    names = [name for name in TableLedger.model_fields if name != "seconds"]
    rows = shop.sql(
        f"SELECT {', '.join(names)} FROM _octopipe.ledger WHERE load_id = %s AND table_name = %s",
        result.load_id,
        table,
    )
    assert [dict(zip(names, row, strict=True)) for row in rows] == [said.model_dump(exclude={"seconds"})]


def test_merge_inserts_then_changes_nothing_then_counts_updates(shop: Shop) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 201)))
    first = shop.start()
    assert first.status == "loaded"
    assert ledger(first) == {"read": 200, "inserted": 200}
    the_books(shop, first)

    again = shop.run()
    assert again.status == "nothing_new"
    assert ledger(again) == {}
    assert shop.count() == 200

    shop.drop("sales", "b", [*sales(range(1, 101)), *sales(range(101, 151), total="7.25"), *sales(range(201, 211))])
    third = shop.run()
    assert ledger(third) == {"read": 160, "inserted": 10, "updated": 50, "unchanged": 100}
    the_books(shop, third)
    assert shop.count() == 210
    assert shop.sql("SELECT count(*) FROM shop.sale WHERE amount = 7.25") == [(50,)]


def test_append_adds_and_never_twice(shop: Shop) -> None:
    shop.pipeline_file(
        "visits",
        {
            "sources": {"visits": {"kind": "file", "path": "in/visits/*.csv"}},
            "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
            "tables": {"shop.visit": {"write": "append"}},
        },
        {"shop.visit": VISIT},
    )
    shop.drop_text("visits", "a.csv", "id,page,seconds\n1,/home,5\n1,/home,5\n2,/cart,9\n")
    first = shop.start("visits")
    assert ledger(first, "shop.visit") == {"read": 3, "inserted": 3}
    the_books(shop, first, "shop.visit")
    assert shop.run("visits").status == "nothing_new"
    shop.drop_text("visits", "b.csv", "id,page,seconds\n1,/home,5\n")
    assert ledger(shop.run("visits"), "shop.visit") == {"read": 1, "inserted": 1}
    assert shop.count("shop.visit") == 4


def test_replace_takes_away_what_the_source_has_not_any_more(shop: Shop) -> None:
    shop.sales_pipeline(table={"write": "replace"})
    path = shop.drop("sales", "all", sales(range(1, 51)))
    assert ledger(shop.start()) == {"read": 50, "inserted": 50}
    path.write_text(
        "".join(json.dumps(one) + "\n" for one in [*sales(range(1, 40)), sale(60), sale(1, total="9.99")][1:])
    )
    second = shop.run()
    assert ledger(second) == {"read": 40, "inserted": 1, "updated": 1, "unchanged": 38, "removed": 11}
    the_books(shop, second)
    assert shop.count() == 40


def test_the_plan_of_a_replace_looks_at_the_whole_reading_that_its_load_takes(shop: Shop) -> None:
    """Two whole readings wait: the newest is what the source holds now."""
    shop.sales_pipeline(table={"write": "replace"})
    shop.drop("sales", "all", sales(range(1, 51)))
    shop.land()
    shop.drop("sales", "all", [*sales(range(2, 50)), sale(60, total="much")])
    shop.land()
    planned = shop.plan().plan.tables["shop.sale"]
    assert (planned.rows_read, planned.rows_quarantined, planned.key_collisions) == (49, 1, 0)
    assert planned.would is not None
    result = shop.start()
    assert ledger(result) == {"read": 49, "inserted": 48, "quarantined": 1}
    assert (planned.would["inserted"], planned.would["deduplicated"]) == (48, 0)


def test_replace_keeps_the_row_whose_new_version_was_set_aside(shop: Shop) -> None:
    """The source has it still: by the engine's word (no number) as by the destination's (a check)."""
    shop.sales_pipeline(table={"write": "replace"})
    path = shop.drop("sales", "all", sales(range(1, 51)))
    shop.start()
    before = shop.sql("SELECT * FROM shop.sale WHERE sale_id IN (1, 2) ORDER BY 1")
    spoilt = [sale(1, total="much"), sale(2, total="-5"), *sales(range(3, 40))]
    path.write_text("".join(json.dumps(one) + "\n" for one in spoilt))
    second = shop.run()
    assert ledger(second) == {"read": 39, "unchanged": 37, "quarantined": 2, "removed": 11}
    the_books(shop, second)
    assert shop.sql("SELECT * FROM shop.sale WHERE sale_id IN (1, 2) ORDER BY 1") == before
    assert shop.count() == 39


def test_rows_of_one_key_in_one_batch_are_deduplicated_and_the_last_read_wins(shop: Shop) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", [*sales(range(1, 31)), sale(5, total="1.00"), sale(5, total="2.00")])
    result = shop.start()
    assert ledger(result) == {"read": 32, "inserted": 30, "deduplicated": 2}
    assert shop.sql("SELECT amount::text FROM shop.sale WHERE sale_id = 5") == [("2.00",)]


def test_a_nul_in_a_csv_sets_one_row_aside(shop: Shop) -> None:
    shop.shop_pipeline()
    shop.drop("sales", "a", sales(range(1, 4)))
    shop.drop_text("customers", "a.csv", "id,name,level\n1,Ana,gold\n2,B\0o,basic\n3,Cy,basic\n4,Di,gold\n")
    ledger_ = shop.start("shop").tables["shop.customer"]
    assert (ledger_.read, ledger_.quarantined) == (4, 1)


def test_spoilt_rows_are_set_aside_exactly_as_they_came(shop: Shop) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 201)))
    shop.start()
    spoilt = [
        '{"id": 301,  "customer": 1, "total": "a lot", "state": "paid", "at": "2026-03-01T10:00:00Z", "email": null}',
        '{"id": 302, "customer": 99, "total": "1.0000", "state": "paid", "at": "2026-03-01T10:00:00Z", "email": "x"}',
        '{"id": 303, "customer": 1, "total": "1.00", "state": "l\\u00f6st", "at": "2026-03-01T10:00:00Z"}',
        '{"id": 304, "customer": 1, "total": "-1.00", "state": "paid", "at": "2026-03-01T10:00:00Z", "email": "x"}',
        '{"id": 305, "customer": 1, "total": "1.00", "state": "paid", "at": null, "email": "x"}',
        '{"id": 306, "customer": 1, "total": ',
    ]
    good = [json.dumps(one) for one in sales(range(401, 601))]
    shop.drop_text("sales", "b.jsonl", "\n".join([*good[:100], *spoilt, *good[100:]]) + "\n")
    result = shop.run()
    assert ledger(result) == {"read": 206, "inserted": 200, "quarantined": 6}
    the_books(shop, result)
    file, checksum = shop.sql(
        "SELECT quarantine_file, quarantine_sha256 FROM _octopipe.ledger WHERE load_id = %s", result.load_id
    )[0]
    assert (shop.root / ".octopipe" / "quarantine" / "sales" / file).is_file()
    rows = shop.quarantined(result.load_id, sha256=checksum)
    assert [row.payload for row in rows] == spoilt
    assert [row.row for row in rows] == list(range(101, 107))
    assert [row.column for row in rows[:4]] == ["amount", "customer_id", "status", "amount"]
    assert len({row.id for row in rows}) == 6
    assert all(row.reason for row in rows)


@pytest.mark.parametrize("limits", [{"max_rows": 2}, {"max_ratio": 0.001}])
def test_past_a_quarantine_limit_nothing_is_committed(shop: Shop, limits: dict[str, float]) -> None:
    shop.sales_pipeline(quarantine=limits)
    shop.drop("sales", "a", sales(range(1, 101)))
    shop.start()
    before = shop.state()
    shop.drop("sales", "b", [*sales(range(101, 1101)), *sales(range(2000, 2003), customer=77)])
    with pytest.raises(QuarantineLimit, match=r"3 of 1,003 rows"):
        shop.run()
    assert shop.state() == before
    failed = shop.registry.executions.newest("sales")
    assert failed is not None
    assert failed.status == "failed"
    assert shop.octopipe("quarantine", "list", "sales").stdout.strip() == "no row of sales is set aside"

    shop.sales_pipeline(quarantine={"max_rows": 3})  # limits are no part of what is approved
    assert ledger(shop.run()) == {"read": 1003, "inserted": 1000, "quarantined": 3}


def test_a_ratio_says_nothing_of_a_few_rows(shop: Shop) -> None:
    shop.sales_pipeline(quarantine={"max_ratio": 0.0})
    shop.drop("sales", "a", sales(range(1, 101)))
    shop.start()
    shop.drop("sales", "b", [*sales(range(101, 110)), sale(111, customer=77)])
    assert ledger(shop.run()) == {"read": 10, "inserted": 9, "quarantined": 1}


def test_tables_that_refer_to_one_another_load_in_one_transaction(shop: Shop) -> None:
    shop.shop_pipeline()
    shop.sql("DELETE FROM shop.customer")
    shop.drop_text("customers", "a.csv", "id,name,level\n1,Ana,gold\n2,Bo,basic\n3,Cy,basic\n")
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.land("shop")
    shop.approve("shop")
    seen = []

    def look(point: str) -> None:
        if point == "before_commit":
            seen.append((shop.count(), shop.count("shop.customer"), shop.count("_octopipe.batches")))

    result = shop.load("shop", stage=look).result
    assert ledger(result) == {"read": 30, "inserted": 30}
    assert ledger(result, "shop.customer") == {"read": 3, "inserted": 3}
    for table in ("shop.sale", "shop.customer"):
        the_books(shop, result, table)
    assert set(result.sources) == {"sales", "customers"}
    assert seen == [(0, 0, 0)]  # nobody sees one of the tables before the others

    # One spoilt customer takes its sales with it, not the others.
    shop.drop_text("customers", "b.csv", "id,name,level\n4,Di,gold\n5,Ed,silver\n")
    shop.drop("sales", "b", [sale(31, customer=4), sale(32, customer=5)])
    second = shop.run("shop")
    assert ledger(second, "shop.customer") == {"read": 2, "inserted": 1, "quarantined": 1}
    assert ledger(second) == {"read": 2, "inserted": 1, "quarantined": 1}


def test_one_table_that_fails_keeps_the_other_out_too(shop: Shop) -> None:
    shop.shop_pipeline(quarantine={"max_rows": 0})
    shop.drop_text("customers", "a.csv", "id,name,level\n1,Ana,gold\n4,Di,basic\n")
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.land("shop")
    shop.approve("shop")
    shop.drop("sales", "b", [sale(40, customer=77)])
    shop.land("shop")
    with pytest.raises(QuarantineLimit):
        shop.load("shop")
    assert shop.count() == 0
    assert shop.sql("SELECT full_name, tier::text FROM shop.customer WHERE customer_id = 1") == [("Ana", "basic")]


def test_a_subset_of_tables_loads_and_the_rest_later(shop: Shop) -> None:
    shop.shop_pipeline()
    shop.drop_text("customers", "a.csv", "id,name,level\n1,Ana,gold\n7,Gi,basic\n")
    shop.drop("sales", "a", sales(range(1, 31)))
    shop.land("shop")
    shop.approve("shop")
    part = shop.load("shop", tables=["shop.customer"]).result
    assert set(part.tables) == {"shop.customer"}
    assert shop.count() == 0
    rest = shop.load("shop").result
    assert set(rest.tables) >= {"shop.sale"}
    assert ledger(rest) == {"read": 30, "inserted": 30}
    assert shop.sql("SELECT count(*) FROM _octopipe.batches") == [(2,)]
    with pytest.raises(UsageError, match=r"shop\.sale"):
        shop.load("shop", tables=["shop.sales"])


def test_a_dry_run_says_all_and_changes_nothing(shop: Shop) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 101)))
    shop.start()
    before = shop.state()
    shop.drop("sales", "b", [*sales(range(1, 11), total="3.00"), sale(300), sale(301, customer=77)])
    shop.land()
    dry = shop.load(dry_run=True).result
    assert ledger(dry) == {"read": 12, "inserted": 1, "updated": 10, "quarantined": 1}
    assert shop.state() == before
    assert [one.load_id for one in shop.registry.executions.recent("sales")] != [dry.load_id]
    assert not list((shop.root / ".octopipe" / "quarantine").rglob("*.zst"))
    wet = shop.load().result
    assert ledger(wet) == ledger(dry)
    said = "this was a dry run: nothing was committed"
    assert said in dry.warnings
    assert said not in wet.warnings


def test_reading_all_and_reading_what_is_newer_do_not_go_together(shop: Shop) -> None:
    shop.sales_pipeline()
    with pytest.raises(UsageError, match="give one of the two"):
        shop.land(full=True, since="3")


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_a_first_run_that_waits_counts_what_landed(shop: Shop, engine: str) -> None:
    shop.sales_pipeline(engine=engine)
    shop.drop("sales", "a", sales(range(1, 8)))
    shop.land()
    (batch,) = shop.space.landing.batches("sales", "sales")
    said = waiting(shop.space, shop.pipeline(), {"sales": {"batch": batch.id, "bytes": batch.bytes}})
    assert said.status == "waiting_for_approval"
    assert said.sources["sales"].extracted == 7
    assert said.engine == engine


@pytest.mark.parametrize(("said", "refused"), [({}, True), ({"key": []}, True), ({"key": ["visit_id"]}, False)])
def test_a_merge_without_a_key_is_refused_before_there_is_a_plan(
    shop: Shop, said: dict[str, list[str]], refused: bool
) -> None:
    shop.pipeline_file(
        "sales",
        {
            "sources": {"sales": {"kind": "file", "path": "in/sales/*.jsonl"}},
            "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
            "tables": {"shop.visit": {"write": "merge"} | said},
        },
        {"shop.visit": VISIT},
    )
    shop.drop("sales", "a", [{"id": 1, "page": "/", "seconds": 1}])
    if not refused:
        assert shop.plan().plan.tables["shop.visit"].key == ("visit_id",)
        return
    with pytest.raises(SpecError, match=r"merge needs a key, and shop\.visit has no primary key") as caught:
        shop.plan()
    assert "pipeline.yaml:" in str(caught.value)


def test_batches_load_oldest_first(shop: Shop) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 11)))
    shop.start()
    for name, total in (("b", "1.00"), ("c", "2.00"), ("d", "3.00")):
        shop.drop("sales", name, [sale(5, total=total)])
        shop.land()
    result = shop.load().result
    assert len(result.batches) == 3
    assert ledger(result) == {"read": 3, "updated": 1, "deduplicated": 2}
    assert shop.sql("SELECT amount::text FROM shop.sale WHERE sale_id = 5") == [("3.00",)]
    position, epoch = shop.sql("SELECT position ->> 'batch', epoch FROM _octopipe.positions")[0]
    assert position == max(result.batches)
    assert epoch == 2


def test_the_answer_has_the_contracts_keys_and_no_others(shop: Shop) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", sales(range(1, 11)))
    document = json.loads(shop.start().model_dump_json(by_alias=True))
    assert list(document) == [
        "pipeline", "load_id", "batches", "fingerprint", "engine", "engine_why", "status", "sources", "tables",
        "phases", "seconds", "warnings",
    ]  # fmt: skip
    assert list(document["sources"]["sales"]) == ["extracted", "bytes", "from", "to"]
    assert list(document["tables"]["shop.sale"]) == [
        "read", "inserted", "updated", "unchanged", "deduplicated", "filtered", "quarantined", "tombstoned",
        "soft_deleted", "removed", "seconds",
    ]  # fmt: skip
    assert list(document["phases"]) == ["extract", "transform", "copy", "merge", "after", "commit"]
    assert document["sources"]["sales"]["extracted"] == 10
    assert document["engine_why"]


def test_the_plan_counts_rows_whose_parent_comes_with_the_same_load_or_does_not(shop: Shop) -> None:
    """Sales of customers that another table's rows bring, that are set aside there, and that nobody brings."""
    shop.shop_pipeline()
    shop.drop_text("customers", "a.csv", "id,name,level\n4,Di,gold\n5,Ed,silver\n")
    shop.drop("sales", "a", [sale(1), sale(2, customer=4), sale(3, customer=5), sale(4, customer=99)])
    shop.land("shop")
    planned = shop.plan("shop").plan.tables
    assert planned["shop.sale"].would is not None
    assert (planned["shop.sale"].would["inserted"], planned["shop.sale"].rows_quarantined) == (2, 2)
    assert [one.reason for one in planned["shop.sale"].quarantined] == ["no such customer_id in shop.customer"]
    assert ledger(shop.start("shop")) == {"read": 4, "inserted": 2, "quarantined": 2}


def test_the_plan_tries_generated_columns_and_names_what_it_cannot_try(shop: Shop) -> None:
    shop.sql(
        """
        CREATE TABLE shop.rate (
            id integer PRIMARY KEY, part integer, whole integer, "no" serial, made timestamptz NOT NULL DEFAULT now(),
            share numeric(3, 2) NOT NULL GENERATED ALWAYS AS (part::numeric / whole) STORED CHECK (share <> 0.5),
            EXCLUDE (part WITH =) WHERE (part > 90)
        )
        """
    )
    shop.drop("rates", "a", [{"id": n, "part": n, "whole": 100} for n in range(1, 91)])
    shop.drop("rates", "b", [{"id": 200 + n, "part": 7, "whole": whole} for n, whole in enumerate([0, 14, None, 20])])
    document = {
        "sources": {"rates": {"kind": "file", "path": "in/rates/*.jsonl"}},
        "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
        "tables": {"shop.rate": {}},
    }
    shop.pipeline_file("rates", document)
    shop.land("rates")
    found = shop.plan("rates").plan
    planned = found.tables["shop.rate"]
    assert {(one.reason, one.rows) for one in planned.quarantined} == {
        ("division by zero", 1),
        ('null value in column "share" of relation "rate" violates not-null constraint', 1),
        ('new row for relation "rate" violates check constraint "rate_share_check"', 2),
    }
    assert any("exclusion constraint" in warning and "only in a load" in warning for warning in found.warnings)
    assert shop.sql("SELECT last_value, is_called FROM shop.rate_no_seq") == [(1, False)]  # a plan takes no number
    assert ledger(shop.start("rates"), "shop.rate") == {"read": 94, "inserted": 90, "quarantined": 4}


def test_the_destinations_own_words_show_nothing_personal_in_a_plan(shop: Shop) -> None:
    shop.sql(
        "CREATE TABLE shop.caller (id integer PRIMARY KEY, phone text, digits bigint GENERATED ALWAYS AS"
        " (phone::bigint) STORED)"
    )
    shop.drop("calls", "a", [{"id": n, "tel": "call-me-7" if n == 5 else str(n)} for n in range(9)])
    document = {
        "sources": {"calls": {"kind": "file", "path": "in/calls/*.jsonl"}},
        "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
        "tables": {"shop.caller": {"labels": {"phone": {"label": "phone number", "pii": True}}}},
    }
    shop.pipeline_file("calls", document, {"shop.caller": {"id": "id", "phone": "tel"}})
    shop.land("calls")
    planned = shop.plan("calls").plan.tables["shop.caller"]
    assert [(one.reason, one.rows) for one in planned.quarantined] == [("the table refuses it (‹masked›)", 1)]
    assert "call-me-7" not in planned.model_dump_json()


def test_the_list_of_what_is_set_aside_counts_a_reason_once_for_all_values(shop: Shop) -> None:
    shop.sales_pipeline()
    shop.drop("sales", "a", [*sales(range(1, 301)), *(sale(301 + n, total=f'{n} "or" so') for n in range(3))])
    shop.start()
    listed = json.loads(shop.octopipe("quarantine", "list", "sales", "--json").stdout)["reasons"]
    assert [(one["column"], one["reason"], one["rows"]) for one in listed] == [("amount", "a value is no number", 3)]


def test_a_field_that_the_file_says_is_text_keeps_the_words_that_were_no_numbers(shop: Shop) -> None:
    """Of a field of numbers `NA` is a null; of codes, which a person says they are, it is one of them."""
    shop.drop("visits", "a", [{"id": n, "page": "NA" if n % 20 == 0 else str(n)} for n in range(1, 61)])
    document = {
        "sources": {"visits": {"kind": "file", "path": "in/visits/*.jsonl", "fields": {"page": {"type": "text"}}}},
        "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
        "tables": {"shop.visit": {}},
    }
    mapping = {"shop.visit": {"visit_id": "id", "page": "page", "seconds": {"unmapped": "nothing says it"}}}
    shop.pipeline_file("visits", document, mapping)
    assert ledger(shop.start("visits"), "shop.visit") == {"read": 60, "inserted": 60}
    assert shop.sql("SELECT count(*) FROM shop.visit WHERE page = 'NA'") == [(3,)]
