"""Whatever batches come, a table ends as a dictionary would, and the ledger says what the dictionary saw."""

from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from octo_resources.destinations.postgres import PostgresDestination
from tests.destination.support import load_rows

Row = dict[str, Any]
ROWS = st.fixed_dictionaries(
    {
        "a": st.one_of(st.none(), st.integers(0, 3)),
        "b": st.sampled_from(["x", "y"]),
        "v": st.one_of(st.none(), st.integers(0, 3)),
        "x": st.one_of(st.none(), st.text("ab'\\\n é", max_size=3)),
    }
)
BATCHES = st.lists(st.tuples(st.sampled_from(["append", "merge", "replace"]), st.lists(ROWS, max_size=8)), max_size=4)
State = dict[tuple[int, str], tuple[int | None, str | None]]


def modelled(state: State, mode: str, rows: list[Row], versioned: bool) -> tuple[State, dict[str, int]]:
    """The rules of docs/destinations.md in plain Python."""
    good = [row for row in rows if row["a"] is not None]
    counts = {"read": len(rows), "rejected": len(rows) - len(good)}
    if mode == "append":
        fresh = [row for row in good if (row["a"], row["b"]) not in state]
        counts["rejected"] += len(good) - len(fresh)
        good = fresh
    batch: State = {}
    for row in good:
        key = (row["a"], row["b"])
        if not versioned or key not in batch or _age(row["v"]) >= _age(batch[key][0]):
            batch[key] = (row["v"], row["x"])
    counts["deduplicated"] = len(good) - len(batch)
    if mode == "merge" and versioned:
        older = [key for key, (version, _) in batch.items() if key in state and _age(version) < _age(state[key][0])]
        counts["deduplicated"] += len(older)
        batch = {key: value for key, value in batch.items() if key not in older}
    counts["inserted"] = sum(key not in state for key in batch)
    counts["unchanged"] = sum(state.get(key) == value for key, value in batch.items())
    counts["updated"] = len(batch) - counts["inserted"] - counts["unchanged"]
    counts["removed"] = len(state.keys() - batch.keys()) if mode == "replace" else 0
    return (batch if mode == "replace" else {**state, **batch}), {name: n for name, n in counts.items() if n}


def _age(version: int | None) -> int:
    return -1 if version is None else version


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES, versioned=st.booleans())
def test_a_table_ends_as_a_dictionary_would(
    destination: PostgresDestination, url: str, batches: list[tuple[Any, list[Row]]], versioned: bool
) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "drop table if exists m; create table m (a int, b char(2), v int, x text, primary key (a, b))"
        )
        state: State = {}
        for mode, rows in batches:
            state, counts = modelled(state, mode, rows, versioned)
            version = "v" if versioned else None
            done = load_rows(destination, "m", ("a", "b", "v", "x"), rows, mode, version=version)
            assert done.counts == counts
            found = connection.execute("select a, trim(b), v, x from m").fetchall()
            assert {(a, b): (v, x) for a, b, v, x in found} == state
