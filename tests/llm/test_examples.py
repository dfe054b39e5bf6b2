"""Approved mappings as examples: the nearest first, and no value of the data in them unless samples may leave."""

import pytest

from octo_core.asking.examples import ApprovedColumn, nearest
from octo_core.asking.sharing import of_example
from octo_core.spec.llm import Share

KNOWN = [
    ApprovedColumn("a", "orders", "public.sale", "status", "case state when 'planted' then 'A' else 'B' end"),
    ApprovedColumn("a", "orders", "public.sale", "placed_at", "parse_timestamp(at, '%d.%m.%Y %H:%M')"),
    ApprovedColumn("b", "people", "public.person", "born", "birth_date"),
]


@pytest.mark.parametrize(("share", "planted"), [("statistics", False), ("samples", True)])
def test_texts_leave_with_samples_only_and_formats_always(share: Share, planted: bool) -> None:
    found = nearest(KNOWN, "public.sale", ["status", "placed_at"], ["state", "at"], 12)
    assert [one["column"] for one in found] == ["placed_at", "status"]
    leaving = str([of_example(one, share) for one in found])
    assert ("planted" in leaving) == planted
    assert "'%d.%m.%Y %H:%M'" in leaving


def test_only_what_is_like_the_question_goes_along() -> None:
    assert nearest(KNOWN, "public.other", ["weight"], ["grams"], 12) == []
    assert [one["column"] for one in nearest(KNOWN, "x", ["born"], ["dob"], 12)] == ["born"]
