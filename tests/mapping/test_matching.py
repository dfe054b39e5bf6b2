"""`match` finds the pairs that the evidence speaks for, one to one, and leaves the rest."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octo_core.mapping import match
from octo_core.mapping.attribute import Attribute
from octo_core.mapping.matching import KEPT, assign, undecided
from octo_core.mapping.threshold import threshold_of
from octo_core.types import parse_type

from .build import column, field


def test_the_same_names_match_in_any_order() -> None:
    found = match(["id", "name", "price"], ["price", "id", "name"])
    assert found.assignment == {"id": "id", "name": "name", "price": "price"}


def test_abbreviations_and_synonyms() -> None:
    found = match(
        ["cust_nm", "qty", "dep_ts", "tel", "xyzzy"], ["customerName", "Quantity", "departure_time", "phone_number"]
    )
    assert found.assignment == {
        "cust_nm": "customerName",
        "qty": "Quantity",
        "dep_ts": "departure_time",
        "tel": "phone_number",
        "xyzzy": None,
    }


def test_opposites_are_kept_apart() -> None:
    found = match(["arr_delay", "dep_delay"], ["departure_delay_min", "arrival_delay_min"])
    assert found.assignment == {"arr_delay": "arrival_delay_min", "dep_delay": "departure_delay_min"}


def test_labels_are_evidence_where_names_say_nothing() -> None:
    targets = [column("a1", "text", "name of the customer"), column("a2", "text", "city where the customer lives")]
    found = match([field("city", "text"), field("customer_name", "text")], targets)
    assert found.assignment == {"city": "a2", "customer_name": "a1"}


def test_values_alone_are_evidence() -> None:
    sources = [
        Attribute("c1", values=("FR", "DE", "ES", "IT", "PT")),
        Attribute("c2", values=("ana@x.org", "bob@y.com", "eve@z.net")),
        Attribute("c3", values=("2024-01-31", "2023-12-01", "2022-05-05")),
    ]
    targets = [
        Attribute("opened", values=("2021-07-08", "2024-02-29")),
        Attribute("country", values=("ES", "FR", "NL", "PT", "DE")),
        Attribute("contact", values=("kim@w.org", "lee@v.com")),
    ]
    assert match(sources, targets).assignment == {"c1": "country", "c2": "contact", "c3": "opened"}


def test_names_in_chinese_and_arabic() -> None:
    found = match(["name", "price", "address"], ["地址", "产品名称", "价格"])
    assert found.assignment == {"name": "产品名称", "price": "价格", "address": "地址"}
    found = match(["customer_name", "city", "phone"], ["مدينة", "هاتف", "اسم"])
    assert found.assignment == {"customer_name": "اسم", "city": "مدينة", "phone": "هاتف"}


def test_types_that_never_convert_speak_against_a_pair() -> None:
    targets = [column("amount_due", "decimal(10,2)"), column("due", "date")]
    found = match([field("due_date", "date"), field("due_amount", "decimal(8,2)")], targets)
    assert found.assignment == {"due_date": "due", "due_amount": "amount_due"}


def test_equal_evidence_gives_both_pairs_equal_scores() -> None:
    found = match(["status"], ["status_a", "status_b"])
    one, two = found.pairs[0], found.pairs[1]
    assert abs(one.score - two.score) < 0.02


def test_nothing_to_match() -> None:
    assert match([], ["a"]).assignment == {}
    assert match(["a"], []).assignment == {"a": None}
    assert match(["a"], ["a"]).assignment == {"a": "a"}


def test_unrelated_columns_are_left_unmapped() -> None:
    found = match(["humidity", "wind_direction"], ["invoice_number", "salary", "isbn"])
    assert found.assignment == {"humidity": None, "wind_direction": None}


def test_pairs_come_best_first_and_name_their_evidence() -> None:
    found = match(["price", "colour"], ["unit_price", "paint"])
    scores = [pair.score for pair in found.pairs]
    assert scores == sorted(scores, reverse=True)
    assert found.pairs[0].evidence[0][0] == "name"


@pytest.mark.thorough  # tests/cli_files/test_match.py and test_proposal.py have so many too
def test_five_thousand_columns() -> None:
    targets = [Attribute(f"metric_{number:04d}_value") for number in range(4999)] + [Attribute("customer_email")]
    found = match([Attribute("email", type=parse_type("text")), Attribute("zzz")], targets)
    assert found.assignment["email"] == "customer_email"
    assert found.assignment["zzz"] is None


def test_wide_on_both_sides_is_scored_in_blocks_with_the_same_answer() -> None:
    names = [f"field_{number}_{word}" for number in range(300) for word in ("amount", "date", "name", "code", "city")]
    found = match([Attribute(name) for name in names], [Attribute(name) for name in reversed(names)])
    assert all(found.assignment[name] == name for name in names)
    told = Counter(pair.source for pair in found.every())
    assert min(told.values()) >= KEPT
    assert sum(told.values()) <= 2 * KEPT * len(names)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=8, unique=True), st.lists(st.text(max_size=12), max_size=8, unique=True))
def test_any_names_give_a_one_to_one_assignment(left: list[str], right: list[str]) -> None:
    found = match(left, right)
    assert list(found.assignment) == left
    taken = [target for target in found.assignment.values() if target is not None]
    assert len(taken) == len(set(taken))
    assert set(taken) <= set(right)
    assert all(0 <= pair.score <= 1 for pair in found.pairs)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.randoms(use_true_random=False))
def test_nothing_below_the_threshold_is_assigned(rows: int, columns: int, random: object) -> None:
    score = np.random.default_rng(random.getrandbits(32)).random((rows, columns))  # type: ignore[attr-defined]  # a Random
    for row, target in enumerate(assign(score)):
        assert target is None or score[row, target] > threshold_of(columns)


def test_ties_are_told_on_both_sides() -> None:
    found = match(["phone_x", "phone_y"], ["phone", "id"])
    assert set(undecided(found)) == {"phone_x", "phone_y"}
    assert set(undecided(found).values()) == {("phone",)}
    found = match(["phone"], ["phone_x", "phone_y"])
    assert {name: set(theirs) for name, theirs in undecided(found).items()} == {"phone": {"phone_x", "phone_y"}}
    assert undecided(match(["phone", "email"], ["phone", "email"])) == {}
