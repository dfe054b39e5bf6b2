"""Any join gives the rows that a join written in plain Python gives, and accounts for every row of both sides."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from octo_core.expressions import parse
from octo_core.relations import join_schema
from octo_core.spec.shapes import JoinFrom, JoinWith
from octo_resources.engines.duckdb.session import Session
from octo_resources.engines.duckdb.shapes.join import Joining, Side
from tests.engine.landed import VARIABLES, Land, schema

Row = dict[str, Any] | None
"""A record; None is a line that is none."""
ORDERS = schema({"n": "int64", "k": "int64", "v": "text"}, {"n": "number", "k": "number"}).model_copy(
    update={"source": "orders"}
)
PEOPLE = schema({"id": "int64", "k": "int64", "w": "text"}, {"id": "number", "k": "number"}).model_copy(
    update={"source": "people"}
)
KEYS = st.one_of(st.integers(0, 4), st.none(), st.just("x"), st.just("missing"))
WORDS = st.sampled_from(["", "a", 'q"uo,te', "null", "ü\n"])


def record(number: int, names: tuple[str, str, str], key: object, word: str) -> dict[str, Any]:
    made = {names[0]: number, names[1]: key, names[2]: word}
    return {name: value for name, value in made.items() if value != "missing"}


def rows(names: tuple[str, str, str], numbers: st.SearchStrategy[int]) -> st.SearchStrategy[list[Row]]:
    one = st.builds(record, numbers, st.just(names), KEYS, WORDS)
    return st.lists(st.one_of(one, one, one, st.none()), max_size=8)


def readable(key: object) -> bool:
    return key is None or isinstance(key, int)


def reference(
    left: Sequence[Row], right: Sequence[Row], kind: str, many: bool, newest: bool
) -> tuple[Counter[tuple[Any, Any, Any]], int, int, int]:
    """(rows of n, v and w; left rows set aside; left rows without a match; right rows that nothing can find)."""
    there = [one for one in right if one is not None and readable(one.get("k"))]
    unread = len(right) - len(there)
    if newest:
        last = {one["id"]: place for place, one in enumerate(there)}
        there = [one for place, one in enumerate(there) if last[one["id"]] == place]
    found: Counter[tuple[Any, Any, Any]] = Counter()
    aside = unmatched = 0
    for one in left:
        if one is None or not readable(one.get("k")):
            aside += 1
            continue
        matches = [other for other in there if one.get("k") is not None and other.get("k") == one["k"]]
        if len(matches) > 1 and not many:
            aside += 1
            continue
        unmatched += not matches
        for other in matches or ([{}] if kind == "left" else []):
            found[one["n"], one.get("v"), other.get("w")] += 1
    return found, aside, unmatched, unread


def text(lines: Sequence[Row]) -> str:
    return "".join((json.dumps(one) if one is not None else "{broken") + "\n" for one in lines)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    left=rows(("n", "k", "v"), st.integers(0, 99)),
    right=rows(("id", "k", "w"), st.integers(0, 3)),
    kind=st.sampled_from(["left", "inner"]),
    many=st.booleans(),
    newest=st.booleans(),
    cut=st.integers(0, 8),
)
def test_any_join_is_the_plain_one(
    left: list[Row], right: list[Row], kind: Literal["left", "inner"], many: bool, newest: bool, cut: int
) -> None:
    with TemporaryDirectory() as folder:
        check(Path(folder), left, right, JoinWith(source="people", on={"k": "k"}, kind=kind, many=many), newest, cut)


def check(folder: Path, left: list[Row], right: list[Row], one: JoinWith, newest: bool, cut: int) -> None:
    for name in ("left", "right", "made"):
        (folder / name).mkdir()
    mine = Land(folder / "left").add(text(left[:cut])).add(text(left[cut:]))  # two files of one batch
    others = Land(folder / "right").add(text(right))
    identity = {"i0": parse("id", PEOPLE)} if newest else {}
    session = Session(memory=None, threads=1, temp=folder / "tmp", variables=None)
    try:
        joining = Joining(mine.engine, session, VARIABLES, folder / "made")
        sides = (
            Side("orders", mine.inputs, ORDERS, {"k0_0": parse("k", ORDERS)}),
            Side("people", others.inputs, PEOPLE, {"k0": parse("k", PEOPLE)}, identity),
        )
        joined = joining.run(sides[0], [(one, sides[1], [("k0_0", "k0")])], with_refused=True)
    finally:
        session.close()
    origin = JoinFrom.model_validate({"join": {"left": "orders", "with": [one.model_dump(by_alias=True)]}})
    whole = join_schema(origin, {"orders": ORDERS, "people": PEOPLE})
    mine.inputs = joined.made.inputs
    seen = mine.evaluate(whole, {"n": "n", "v": "v", "w": "people.w"})
    expected, aside, unmatched, unread = reference(left, right, one.kind, one.many, newest)
    assert Counter((row["n"], row["v"], row["w"]) for row in seen.rows) == expected
    assert (len(seen.refused), joined.unmatched["people"], joined.unread["people"]) == (aside, unmatched, unread)
    assert joined.made.rows_in == len(left)
