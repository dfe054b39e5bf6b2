"""How plans and loads are shown: every fact, nothing personal, nothing that data could do to a terminal or a page."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from octo_core.approvals import Decision
from octo_core.ledger import LoadResult, Phases, SourceCount, TableLedger
from octo_core.mapping.model import Alternative
from octo_core.plan.model import (
    Change,
    ColumnPlan,
    Plan,
    PlanDiff,
    PlannedQuarantine,
    Sample,
    SourcePlan,
    TablePlan,
    UnmappedTarget,
)
from octo_core.plan.reading import rows
from octo_core.plan.show import diff_text, load_markdown, load_text, plan_markdown, plan_text, refusal_text

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOW, BEFORE = "3f2a91c4" + "0" * 56, "91bc02aa" + "0" * 56


def column(target: str, expr: str, confidence: float = 0.99, **more: object) -> ColumnPlan:
    given = {"type": "text", "layer": "embedded", "why": "names match"} | more
    return ColumnPlan(target=target, expr=expr, confidence=confidence, **given)  # type: ignore[arg-type]


COLUMNS = (
    column(
        "departs_at",
        "parse_timestamp(time_hour, '%Y-%m-%dT%H:%M:%SZ')",
        0.62,
        type="timestamptz",
        converted=True,
        alternatives=(Alternative(expr="scheduled", confidence=0.5, why=""),),
    ),
    column("carrier", "carrier"),
    column(
        "distance_km", "cast(distance * 1.609344 as decimal(6,1))", 0.91, why="miles → km, by its label", converted=True
    ),
    column("email", "lower(contact)", 0.95, pii=True, converted=True),
    column("城市", "city"),
    column("status", "state", layer="correction", overrides="file"),
)
SAMPLE = Sample(
    before={
        "time_hour": "2013-01-01T10:00:00Z",
        "carrier": "UA",
        "distance": 1400,
        "contact": "Eve@x.org",
        "city": "東京",
    },
    after={
        "departs_at": "2013-01-01 10:00+00",
        "carrier": "UA",
        "distance_km": "2253.1",
        "email": "eve@x.org",
        "城市": "東京",
    },
)
TABLE = TablePlan(
    columns=COLUMNS,
    unmapped_target=(UnmappedTarget(target="note", why="nothing in the source says it", type="text"),),
    unmapped_source=("tailnum", "year"),
    sample=(SAMPLE,),
    quarantined=(
        PlannedQuarantine(
            reason="no such carrier in public.carrier", column="carrier", row={}, rows=23, first_row=91002
        ),
        PlannedQuarantine(reason='"2460" is no time of day', column="arr_time", row={"contact": "Eve@x.org"}, rows=52),
        PlannedQuarantine(reason='"Eve@x.org" is too long', column="email", row={"email": "eve@x.org"}, rows=1),
    ),
    rows_read=336776,
    rows_quarantined=76,
    key=("carrier", "number"),
    write="merge",
    rows_there=0,
    sql={"duckdb": "SELECT 1 AS x\n```\n<b>", "spark": None},
    suggested_ddl=("ALTER TABLE public.flight ADD COLUMN tailnum text",),
)
DIFF = PlanDiff(
    against=BEFORE,
    approved_by="ana",
    approved_at=NOON,
    changes=(
        Change(what="public.flight.departs_at", kind="changed", before="scheduled", after=COLUMNS[0].expr),
        Change(what="public.flight.distance_km", kind="new", after=COLUMNS[2].expr),
    ),
)
PLAN = Plan(
    pipeline="flights",
    fingerprint=NOW,
    sources={"flights": SourcePlan(kind="rest", rows_examined=336776, rows_total=336776, complete=True)},
    tables={"public.flight": TABLE},
    warnings=("a warning",),
    diff=DIFF,
)


def line_with(text: str, word: str) -> str:
    return next(line for line in text.splitlines() if word in line)


def test_as_many_rows_are_shown_whole_as_are_asked_for() -> None:
    assert "before  " not in plan_text(PLAN).replace("before → after", "")
    text = plan_text(PLAN, samples=2)
    assert text.count("  before  ") == min(len(TABLE.sample), 2)
    assert text.count("  after   ") == min(len(TABLE.sample), 2)
    assert "eve@x.org" not in text.lower()


def test_a_plan_says_all_that_a_reviewer_needs() -> None:
    text = plan_text(PLAN, width=160)
    for fact in (
        "flights → public.flight",
        "plan 3f2a91c4 · waits for approval",
        "336,776 rows, all examined",
        "proposed by the embedded matcher, 1 corrected",
        "merge by (carrier, number) · nothing in the table yet",
        "not used: tailnum, year",
        "would load 336,700   quarantine 76   truncated 0   key collisions 0",
        "first: row 91,002",
        "since the approved plan 91bc02aa: departs_at changed (was: scheduled), distance_km new",
        "octopipe approve flights --fingerprint 3f2a91c4 --reviewer you@example.com",
        "octopipe map flights --set public.flight.departs_at=…",
        "next best: scheduled (50 %)",
        "overrides the file",
        "ALTER TABLE public.flight ADD COLUMN tailnum text",
        "warning: a warning",
    ):
        assert fact in text
    assert line_with(text, "~ email ").split()[-1] == "‹masked›"
    assert "1400 → 2253.1" in line_with(text, "distance_km ")
    assert re.search(r"52  arr_time: .*\n +23  carrier: ", text)  # the most frequent reason first


def test_marks_carry_the_meaning_without_colour() -> None:
    text = plan_text(PLAN, width=160)
    assert "\x1b" not in text
    marks = {line.split()[1]: line[0] for line in text.splitlines() if re.match(r"[!~-] \w", line)}
    assert marks == {"departs_at": "!", "distance_km": "~", "email": "~", "note": "-"}
    assert "\x1b[33m" in plan_text(PLAN, width=160, colour=True)


def test_a_correction_says_who_made_it_and_why_even_where_nothing_is_converted() -> None:
    corrected = column("gate", "dest", layer="correction", why="ana corrected it: there is no other")
    by_file = column("note", "remark", layer="file", why="mapping.yaml says so")
    plan = PLAN.model_copy(update={"tables": {"t": TABLE.model_copy(update={"columns": (corrected, by_file)})}})
    assert "ana corrected it: there is no other" in plan_text(plan)
    assert "mapping.yaml says so" not in plan_text(plan)


def test_a_plan_that_was_kept_shows_the_same_values() -> None:
    typed = (
        column("amount", "amount", type="numeric(9,2)"),
        column("at", "at", type="timestamp with time zone"),
        column("name", "name", type="text"),
    )
    row = {"amount": Decimal("12.50"), "at": NOON, "name": "2026-11-21T12:00:00Z"}
    table = TABLE.model_copy(update={"columns": typed, "sample": (Sample(before={"name": "x"}, after=row),)})
    plan = PLAN.model_copy(update={"tables": {"t": table}})
    kept = Plan.model_validate_json(plan.model_dump_json())
    assert plan_text(kept, samples=1) == plan_text(plan, samples=1)
    assert plan_markdown(kept) == plan_markdown(plan)
    assert 'amount: 12.50 · at: 2026-11-21 12:00:00+00:00 · name: "2026-11-21T12:00:00Z"' in plan_text(plan, samples=1)


def test_what_comes_out_is_seen_however_long_what_came_in_is() -> None:
    typed = column("placed_at", "order_time", type="timestamp with time zone")
    long = Sample(before={"order_time": "2026-03-02T09:40:13.123456Z"}, after={"placed_at": NOON})
    table = TABLE.model_copy(update={"columns": (typed,), "sample": (long,)})
    text = plan_text(PLAN.model_copy(update={"tables": {"t": table}}), width=80)
    assert "→" in text.split("placed_at")[1].splitlines()[0]
    assert "2026-11-21" in text


def test_doubtful_columns_come_first() -> None:
    sure, unsure = column("zz", "z"), [column(f"d{number}", "a", 0.4) for number in range(4)]
    one = TABLE.model_copy(update={"columns": (sure, unsure[0])})
    many = TABLE.model_copy(update={"columns": (*unsure[:2], sure, *unsure[2:])})

    def order(table: TablePlan) -> list[str]:
        text = plan_text(PLAN.model_copy(update={"tables": {"public.flight": table}}), width=160)
        return re.findall(r"^[! ] (zz|d\d)\b", text, re.MULTILINE)

    assert order(one) == ["d0", "zz"]
    assert order(many) == ["d0", "d1", "d2", "d3", "zz"]


@pytest.mark.parametrize("width", [40, 80, 100, 110, 130, 200])
def test_no_expression_is_cut_however_narrow_the_terminal(width: int) -> None:
    text = plan_text(PLAN, width=width)
    table = text.split("\n\n")[1].splitlines()
    begin, end = table[0].index("from"), table[0].index("sure")
    cells = "".join(line[begin:end] for line in table[1:] if line[:end].isascii())
    assert re.sub(r"\s", "", COLUMNS[0].expr) in re.sub(r"\s", "", cells)
    assert max(cell_len(line) for line in table) <= max(width, 80)


def test_wide_characters_stand_in_line() -> None:
    lines = plan_text(PLAN, width=160).splitlines()
    header = next(line for line in lines if " column " in line)
    row = next(line for line in lines if "城市" in line)
    assert cell_len(row[: row.index("city")]) == cell_len(header[: header.index("from")])


@pytest.mark.parametrize("page", [lambda: plan_text(PLAN, width=200), lambda: plan_markdown(PLAN)])
def test_no_page_shows_a_personal_value_even_where_the_plan_holds_one(page: object) -> None:
    assert "eve" not in page().lower()  # type: ignore[operator]
    assert "‹masked›" in page()  # type: ignore[operator]


@settings(deadline=None)
@given(st.text(max_size=40))
def test_data_cannot_steer_the_terminal(hostile: str) -> None:
    hostile += "\x1b[2J\x9b31m\r\u202e\u2028\x07"
    sample = Sample(before={"carrier": hostile}, after={"carrier": hostile})
    table = TABLE.model_copy(
        update={
            "sample": (sample,),
            "unmapped_source": (hostile,),
            "quarantined": (PlannedQuarantine(reason=hostile, column=hostile, row={hostile: hostile}),),
        }
    )
    changes = (Change(what=hostile, kind="changed", before=hostile, after=hostile),)
    plan = PLAN.model_copy(
        update={
            "tables": {"public.flight": table},
            "warnings": (hostile,),
            "diff": DIFF.model_copy(update={"changes": changes, "approved_by": hostile}),
        }
    )
    shown = plan_text(plan) + diff_text(plan) + plan_markdown(plan) + load_text(load(warnings=(hostile,)))
    shown += refusal_text("flights", NOW, since=plan.diff)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)


@pytest.mark.parametrize(
    "hostile",
    [
        "a|b",
        "<script>alert(1)</script>",
        "<!--",
        "![x](http://evil/y)",
        "[x](javascript:1)",
        "`a`",
        "**b**",
        "a\n\n# b",
        "www.evil.org",
    ],
)
def test_data_stays_one_harmless_cell_of_a_page(hostile: str) -> None:
    table = TABLE.model_copy(
        update={
            "columns": (column("carrier", "carrier", why=hostile, converted=True),),
            "sample": (Sample(before={hostile: hostile, "carrier": hostile}, after={"carrier": hostile}),),
            "quarantined": (PlannedQuarantine(reason=hostile, column=hostile, row={hostile: hostile}),),
            "unmapped_target": (UnmappedTarget(target=hostile, why=hostile),),
            "sql": {},
        }
    )
    page = plan_markdown(PLAN.model_copy(update={"tables": {"public.flight": table}, "warnings": (hostile,)}))
    assert hostile not in page
    assert "<script" not in page
    for block in page.split("\n\n"):
        if block.startswith("| "):
            rows = block.splitlines()
            assert len({row.count("|") - row.count("\\|") for row in rows}) == 1


def test_a_pages_table_comes_first_and_the_sql_cannot_end_its_fence() -> None:
    page = plan_markdown(PLAN, {"graph": "http://127.0.0.1:3000/asset groups"})
    order = ["| column |", "Would load", "Sample", "Would be set aside", "SQL for duckdb"]
    assert [page.index(word) for word in order] == sorted(page.index(word) for word in order)
    assert "````sql\nSELECT 1 AS x\n```\n<b>\n````" in page
    assert "[graph](http://127.0.0.1:3000/asset%20groups)" in page
    assert page.count("<details>") == page.count("</details>") == 4


def test_a_diff_shows_only_what_changed() -> None:
    text = diff_text(PLAN)
    assert "plan 3f2a91c4, since 91bc02aa (approved by ana on 2026-11-21)" in text
    assert re.search(r"~ public.flight.departs_at\n    was  scheduled\n    is   parse_timestamp", text)
    assert "carrier" not in text
    same = PLAN.model_copy(update={"diff": None, "state": "approved"})
    assert "nothing changed" in diff_text(same)
    assert "none was approved" in diff_text(PLAN.model_copy(update={"diff": None}))


def test_an_approved_plan_asks_for_no_approval() -> None:
    text = plan_text(PLAN.model_copy(update={"state": "approved", "diff": None}))
    assert "octopipe approve" not in text
    assert "octopipe run flights" in text


def test_several_tables_are_shown_one_after_another_with_full_names() -> None:
    two = PLAN.model_copy(update={"tables": {"public.flight": TABLE, "public.seat": TABLE}})
    text = plan_text(two, width=120)
    assert "flights → public.flight, public.seat" in text
    assert text.count("would load") == 2
    assert "public.flight.distance_km new" in text


def load(**more: object) -> LoadResult:
    given = {
        "pipeline": "flights",
        "load_id": "01JD7C1E",
        "fingerprint": NOW,
        "status": "loaded",
        "engine_why": "0.4 GB fits this machine",
        "sources": {"flights": SourceCount(extracted=336776, to="2013-12-31T23:00:00Z")},
        "tables": {"public.flight": TableLedger(read=336776, inserted=336701, quarantined=75)},
        "phases": Phases(extract=0.9, copy_=0.7, merge=0.2, commit=0.1),
        "seconds": 1.9,
    } | more
    return LoadResult.model_validate(given)


APPROVED = Decision(
    seq=1, pipeline="flights", fingerprint=NOW, decision="approve", reviewer="ana", via="cli", at=NOON, recipe_hash="x"
)


def test_a_load_is_accounted_for_in_one_line_a_table() -> None:
    assert load_text(load(), decision=APPROVED, cursors={"flights": "time_hour"}, width=160).splitlines() == [
        "flights  load 01JD7C1E · plan 3f2a91c4 approved by ana, 2026-11-21 · duckdb (0.4 GB fits this machine)",
        "  public.flight   read 336,776 = 336,701 inserted + 0 updated + 0 unchanged + 0 deduplicated + 0 filtered"
        " + 75 quarantined",
        "  position        time_hour 2013-12-31T23:00:00Z · 1.9 s (extract 0.9, copy 0.7, merge 0.2, commit 0.1)",
        "  75 rows set aside: octopipe quarantine list flights",
    ]


def test_a_ledger_is_folded_on_a_narrow_terminal_and_stays_whole() -> None:
    ledger = TableLedger(read=10, inserted=5, tombstoned=5, soft_deleted=5, removed=1)
    text = load_text(load(tables={"public.flight": ledger}), width=70)
    assert max(cell_len(line) for line in text.splitlines()[1:3]) <= 70
    assert "5 tombstoned · 5 marked deleted · 1 removed" in text


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("nothing_new", "flights  nothing new"),
        ("already_loaded", "loaded before"),
        ("waiting_for_approval", "waits for approval"),
        ("failed", "nothing was committed"),
    ],
)
def test_what_did_not_load_says_why(status: str, said: str) -> None:
    assert said in load_text(load(status=status, tables={}))


def test_a_loads_page_has_the_ledger_as_a_table() -> None:
    page = load_markdown(load(), decision=APPROVED)
    assert "| public.flight | 336,776 | 336,701 | 0 | 0 | 0 | 0 | 75 | 0 |" in page
    assert "approved by ana on 2026-11-21" in page


def test_a_refusal_names_the_batches_that_wait() -> None:
    text = refusal_text("flights", NOW, since=DIFF, batches=["01J"], now=NOON)
    assert text.splitlines() == [
        "Cannot load flights: its plan 3f2a91c4 is not approved.",
        "  Since 91bc02aa (approved by ana today): public.flight.departs_at changed (was: scheduled), "
        "public.flight.distance_km new.",
        "  The data of this run landed as batch 01J; it loads after approval.",
    ]


def test_what_comes_in_is_that_of_the_path_which_is_read() -> None:
    before = {"sender": '{"id":7}', "sender.id": "7", "Größe (cm)": "180"}
    sample = Sample(before=before, after={"sender_id": 7, "height": "1.80"})
    columns = (column("sender_id", "parse_integer(sender.id)"), column("height", '"Größe (cm)" / 100'))
    table = TABLE.model_copy(update={"columns": columns, "sample": (sample,)})
    assert [row.example for row in rows(table)[:2]] == ['"7" → 7', '"180" → 1.80']
