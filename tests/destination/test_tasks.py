"""Rows that tasks bring by themselves: what counts is moved or attached once, and nothing of a loser stays."""

from collections.abc import Callable
from typing import Any

import pytest

from octo_resources.destinations.postgres import PostgresDestination
from tests.destination.tasks import Attempt, bring

Execute = Callable[..., list[tuple[Any, ...]]]
COLUMNS = ("id", "day", "note")
PARTED = """
CREATE TABLE sale (id bigint NOT NULL, day date NOT NULL, note text DEFAULT 'none') PARTITION BY RANGE (day);
CREATE TABLE sale_1 PARTITION OF sale FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE sale_2 PARTITION OF sale FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
COMMENT ON TABLE sale_1 IS 'January';
GRANT SELECT ON sale_1 TO PUBLIC;
"""
LISTED = """
CREATE TABLE sale (id bigint, day date NOT NULL, note text, PRIMARY KEY (id, day)) PARTITION BY LIST (day);
CREATE TABLE sale_1 PARTITION OF sale FOR VALUES IN ('2026-01-10', '2026-01-11');
CREATE TABLE sale_2 PARTITION OF sale FOR VALUES IN ('2026-02-10');
"""


def rows(*numbers: int, month: int = 1) -> list[dict[str, Any]]:
    return [{"id": number, "day": f"2026-{month:02d}-10", "note": f"n{number}"} for number in numbers]


@pytest.fixture(autouse=True)
def _nothing_is_left(destination: PostgresDestination, execute: Execute) -> Any:
    yield
    assert execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'octo_ld%'") == []
    assert execute("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'octo_ld%'") == []


def dated(attempts: list[Attempt]) -> list[Attempt]:
    from datetime import date

    return [
        Attempt(
            one.part,
            [row | {"day": date.fromisoformat(row["day"])} for row in one.rows],
            one.counts,
            one.commits,
        )
        for one in attempts
    ]


TWICE = [
    Attempt(0, rows(1, 2)),
    Attempt(1, rows(3, 4, 5), counts=False),
    Attempt(1, rows(3, 4, 5)),
    Attempt(2, rows(6), counts=False, commits=False),
    Attempt(2, rows(6, 7, month=2)),
    Attempt(2, rows(6, month=2), counts=False),
]
"""One loser commits before the attempt that counts, one after it with a part of its rows, and one never does."""


@pytest.mark.parametrize("write", ["append", "merge", "replace"])
@pytest.mark.parametrize("there", [(), (1, 100)])
def test_losers_leave_nothing_in_a_plain_table(
    destination: PostgresDestination, execute: Execute, write: Any, there: tuple[int, ...]
) -> None:
    execute("CREATE TABLE sale (id bigint PRIMARY KEY, day date NOT NULL, note text)")
    for number in there:
        execute("INSERT INTO sale VALUES (%s, '2026-01-01', 'old')", number)
    done, _ = bring(destination, "public.sale", COLUMNS, dated(TWICE), write)
    kept = 100 in there and write != "replace"
    assert execute("SELECT id FROM sale ORDER BY 1") == [(n,) for n in (*range(1, 8), *([100] if kept else []))]
    known = {"append": {"rejected": 1}, "merge": {"updated": 1}, "replace": {"updated": 1, "removed": 1}}[write]
    assert done.counts == {"read": 7, "inserted": 6 if there else 7} | (known if there else {})


def test_rows_without_a_key_are_moved_while_tasks_still_bring(
    destination: PostgresDestination, execute: Execute
) -> None:
    execute("CREATE TABLE sale (id bigint NOT NULL, day date NOT NULL, note text); INSERT INTO sale VALUES (9, now())")
    done, _ = bring(destination, "public.sale", COLUMNS, dated(TWICE), key=())
    assert done.counts == {"read": 7, "inserted": 7}
    assert execute("SELECT count(*), count(DISTINCT id) FROM sale") == [(8, 8)]


def test_a_row_that_the_table_refuses_is_set_aside_after_all(
    destination: PostgresDestination, execute: Execute
) -> None:
    execute("CREATE TABLE sale (id bigint PRIMARY KEY, day date NOT NULL, note text NOT NULL)")
    attempts = dated([Attempt(0, rows(1, 2)), Attempt(1, [*rows(3, 2), rows(4)[0] | {"note": None}])])
    done, _ = bring(destination, "public.sale", COLUMNS, attempts, "merge")
    assert done.counts == {"read": 5, "inserted": 3, "deduplicated": 1, "rejected": 1}


def test_empty_partitions_are_exchanged_for_full_ones(destination: PostgresDestination, execute: Execute) -> None:
    execute(PARTED)
    before = execute("SELECT 'sale_1'::regclass::oid, relacl::text FROM pg_class WHERE relname = 'sale_1'")[0]
    done, tasks = bring(destination, "public.sale", COLUMNS, dated(TWICE), attach=True)
    assert tasks.depots == ["PartedDepot"]
    assert done.counts == {"read": 7, "inserted": 7}
    assert execute("SELECT tableoid::regclass::text, array_agg(id ORDER BY id) FROM sale GROUP BY 1 ORDER BY 1") == [
        ("sale_1", [1, 2, 3, 4, 5]),
        ("sale_2", [6, 7]),
    ]
    after = execute("SELECT 'sale_1'::regclass::oid, relacl::text FROM pg_class WHERE relname = 'sale_1'")[0]
    assert after[0] != before[0]
    assert after[1] == before[1]
    assert execute("SELECT obj_description('sale_1'::regclass), relpersistence::text FROM pg_class WHERE oid = "
                   "'sale_1'::regclass") == [("January", "p")]  # fmt: skip
    assert execute("SELECT count(*) FROM pg_constraint WHERE conname = 'octo_bound'") == [(0,)]
    assert execute("INSERT INTO sale (id, day) VALUES (50, '2026-01-31') RETURNING note") == [("none",)]


def test_partitions_that_hold_rows_get_theirs_inserted(destination: PostgresDestination, execute: Execute) -> None:
    execute(PARTED + "INSERT INTO sale VALUES (100, '2026-01-05')")
    done, tasks = bring(destination, "public.sale", COLUMNS, dated(TWICE), key=(), attach=True)
    assert tasks.depots == ["PartedDepot"]
    assert done.counts == {"read": 7, "inserted": 7}
    assert execute("SELECT count(*) FROM sale_1") == [(6,)]
    assert execute("SELECT count(*) FROM sale_2") == [(2,)]


def test_a_key_is_kept_when_partitions_are_attached(destination: PostgresDestination, execute: Execute) -> None:
    execute(LISTED)
    done, tasks = bring(destination, "public.sale", COLUMNS, dated(TWICE), "merge", attach=True)
    assert tasks.depots == ["PartedDepot"]
    assert done.counts == {"read": 7, "inserted": 7}
    valid = "SELECT count(*) FROM pg_index WHERE indrelid IN ('sale_1'::regclass, 'sale_2'::regclass) AND indisprimary"
    assert execute(valid + " AND indisvalid") == [(2,)]


@pytest.mark.parametrize(
    ("attempts", "counts"),
    [
        ([Attempt(0, rows(1, 2)), Attempt(1, rows(2))], {"inserted": 2, "deduplicated": 1}),
        ([Attempt(0, rows(1)), Attempt(1, rows(5, month=7))], {"inserted": 1, "rejected": 1}),
    ],
    ids=["a key that is there twice", "a row of no partition"],
)
def test_what_cannot_be_attached_is_loaded_the_ordinary_way(
    destination: PostgresDestination, execute: Execute, attempts: list[Attempt], counts: dict[str, int]
) -> None:
    execute(LISTED)
    done, tasks = bring(destination, "public.sale", COLUMNS, dated(attempts), "merge", attach=True)
    assert tasks.depots == ["PartedDepot", "PostgresDepot"]
    assert done.counts == {"read": sum(len(one.rows) for one in attempts)} | counts


@pytest.mark.parametrize(
    "why",
    [
        "INSERT INTO sale VALUES (1, '2026-01-02'), (2, '2026-02-02')",
        "CREATE INDEX ON sale_1 (note); CREATE INDEX ON sale_2 (note)",
        "ALTER TABLE sale_1 ADD CHECK (id > 0); ALTER TABLE sale_2 SET (fillfactor = 70)",
        "CREATE PUBLICATION told FOR TABLE sale",
        "ALTER TABLE sale ENABLE ROW LEVEL SECURITY",
        "CREATE TABLE other PARTITION OF sale DEFAULT; INSERT INTO sale VALUES (1, '2030-01-01')",
    ],
    ids=["rows", "indexes", "settings", "a publication", "policies", "rows elsewhere"],
)
def test_partitions_that_something_hangs_on_stay_themselves(
    destination: PostgresDestination, execute: Execute, why: str
) -> None:
    execute(PARTED)
    before = "SELECT 'sale_1'::regclass::oid, 'sale_2'::regclass::oid"
    there = execute(before)
    execute(why)
    done, tasks = bring(destination, "public.sale", COLUMNS, dated(TWICE), key=(), attach=True)
    assert tasks.depots == ["PostgresDepot"]
    assert done.counts == {"read": 7, "inserted": 7}
    assert execute(before) == there


def test_a_view_on_a_partition_keeps_it_where_it_is(destination: PostgresDestination, execute: Execute) -> None:
    execute(PARTED + "CREATE VIEW january AS SELECT * FROM sale_1; INSERT INTO sale VALUES (100, '2026-02-05')")
    done, tasks = bring(destination, "public.sale", COLUMNS, dated(TWICE), key=(), attach=True)
    assert tasks.depots == ["PartedDepot", "PostgresDepot"]
    assert done.counts == {"read": 7, "inserted": 7}
    assert execute("SELECT count(*) FROM january") == [(5,)]
