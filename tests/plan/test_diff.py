"""Differences in plain words, and none forgotten: recipes with different fingerprints always differ."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octo_core.plan.diff import change_text, diff
from octo_core.plan.fingerprint import fingerprint
from octo_core.plan.model import Recipe, TableRecipe, TargetColumn, UsedField
from octo_core.schema import SourceSchema
from octo_core.types import DataType

from .test_recipe import COVERED, FIELDS, built

SAID = {
    "field's type": ["source field origin changed from text to integer"],
    "field's unit": ["unit of source field distance changed from miles to feet"],
    "mapping": ["public.flight.origin changed from upper(origin) to lower(origin)"],
    "unmapped": ["use of source field origin gone", "public.flight.origin gone"],
    "newly mapped": ["use of source field unused new", "public.flight.note new"],
    "required column": ["public.flight.note new"],
    "label": ["label of public.flight.departs_at changed from departure to arrival"],
    "label's pii": ["pii of public.flight.departs_at changed from no to yes"],
    "key": ["key of public.flight changed from (id) to (origin)"],
    "write": ["write of public.flight changed from merge to append"],
    "version": ["version of public.flight new"],
    "check": ["check of public.flight: id < 9 new"],
    "foreign key": ["foreign key of public.flight: (origin) → public.airport (code) gone"],
    "trigger": ["trigger of public.flight: CREATE TRIGGER t gone"],
    "drift": ["drift new_field changed from ask to ignore"],
    "text of a transformation": ["text of clean.sql (public.flight) changed"],
    "integer that the target does not hold": ["columns that may be too small of public.flight"],
}


@pytest.mark.parametrize("change", SAID)
def test_a_change_is_said_in_plain_words(change: str) -> None:
    said = [change_text(one) for one in diff(built(), COVERED[change]())]
    assert len(said) == len(SAID[change])
    for text, wanted in zip(sorted(said), sorted(SAID[change]), strict=True):
        assert text.startswith(wanted)


UNUSED = {
    "text": "source field origin changed from text to integer (not used)",
    "same": "use of source field origin gone",
    "none": "source field origin gone",
}


@pytest.mark.parametrize("now", UNUSED)
def test_what_became_of_a_field_that_is_no_longer_used_is_said(now: str) -> None:
    kept = tuple(field for name, field in FIELDS.items() if name != "origin")
    origin = FIELDS["origin"]
    changed = origin.model_copy(update={"type": DataType("int32")})
    fields = {"text": (*kept, changed), "same": (*kept, origin), "none": kept}[now]
    typed = {"flights": SourceSchema(source="flights", fields=fields)}
    assert UNUSED[now] in [change_text(one) for one in diff(built(), COVERED["unmapped"](), typed)]


WORDS = st.sampled_from(["a", "b", "a.b", '"a"', "", "é", "[1]", "null"])
SOME = st.none() | WORDS
ANYTHING = st.recursive(SOME | st.booleans() | st.integers(0, 2), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2), max_leaves=3)  # fmt: skip  # noqa: E501
TARGETS = st.builds(
    TargetColumn, name=WORDS, native=WORDS, nullable=st.booleans(), default=SOME, generated=SOME, identity=SOME,
    enum=st.none() | st.tuples(WORDS), domain=SOME, label=SOME, unit=SOME, pii=st.booleans(),
)  # fmt: skip
MANY = st.lists(ANYTHING, max_size=2).map(tuple)
TUPLES = st.lists(WORDS, max_size=2).map(tuple)
TABLES = st.builds(
    TableRecipe, table=WORDS, source=WORDS, from_=ANYTHING, key=TUPLES, version=SOME, write=WORDS, deletes=ANYTHING,
    columns=st.dictionaries(WORDS, WORDS, max_size=2), targets=st.lists(TARGETS, max_size=2).map(tuple),
    primary_key=TUPLES, uniques=MANY, foreign_keys=MANY,
    checks=TUPLES, triggers=TUPLES, exclusions=TUPLES, files=st.dictionaries(WORDS, WORDS, max_size=2),
    transforms=TUPLES, after=TUPLES, narrowed=TUPLES,
)  # fmt: skip
USED = st.builds(UsedField, name=WORDS, family=WORDS, format=SOME, unit=SOME)
RECIPES = st.builds(
    Recipe, pipeline=WORDS, language=st.integers(1, 2), drift=st.dictionaries(WORDS, WORDS, max_size=1),
    sources=st.dictionaries(WORDS, st.lists(USED, max_size=2).map(tuple), max_size=2),
    tables=st.dictionaries(WORDS, TABLES, max_size=2), plugins=st.dictionaries(WORDS, WORDS, max_size=1),
)  # fmt: skip


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Recipe, Recipe]:
    """A recipe, and the same with one part of it taken from another: the smallest differences are the likeliest."""
    old, other = draw(RECIPES), draw(RECIPES)
    name = draw(st.sampled_from(sorted(Recipe.model_fields)))
    if name == "tables" and old.tables:
        key = draw(st.sampled_from(sorted(old.tables)))
        part = draw(st.sampled_from(sorted(TableRecipe.model_fields)))
        table = old.tables[key].model_copy(update={part: getattr(draw(TABLES), part)})
        return old, old.model_copy(update={"tables": {**old.tables, key: table}})
    return old, old.model_copy(update={name: getattr(other, name)})


@settings(max_examples=150, deadline=None)
@given(pairs())
def test_recipes_differ_exactly_where_their_fingerprints_do(pair: tuple[Recipe, Recipe]) -> None:
    old, new = pair
    changes = diff(old, new)
    assert (changes == ()) == (fingerprint(old) == fingerprint(new))
    assert all(change_text(one) for one in changes)


def test_an_order_that_only_the_fingerprint_sees_is_said_too() -> None:
    old = built()
    table = old.tables["public.flight"]
    turned = table.model_copy(update={"checks": tuple(reversed(table.checks))})
    new = old.model_copy(update={"tables": {"public.flight": turned}})
    assert [change_text(one) for one in diff(old, new)] == ["order within the recipe changed"]
