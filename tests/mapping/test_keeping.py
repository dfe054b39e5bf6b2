"""After drift: what a column's field became is proposed where it is likely, doubtful where it is no more than that."""

import pytest

from octo_core.mapping.keeping import kept
from octo_core.mapping.model import DOUBTFUL, ColumnMapping
from octo_core.plan.recipe import build_recipe
from tests.mapping.build import catalog, column, field, pipeline, schema, table, whole

THERE = catalog(table("parcel", column("crateno", "text"), column("state", "text")))


def after(sure: float) -> ColumnMapping:
    """What becomes of a column whose field is gone, where the proposer is so sure of another one."""
    was = schema(field("crate_no", "text", "C1", "C2"), field("state", "text", "new", "old"), name="parcels")
    now = schema(field("crateno2", "text", "C1", "C2"), field("state", "text", "new", "old"), name="parcels")
    before = whole(was, THERE)
    approved = build_recipe(pipeline("parcels", "public.parcel"), {"parcels": was}, THERE, before, {})
    fresh = whole(now, THERE)
    proposal = fresh.tables["public.parcel"]
    columns = [
        one.model_copy(update={"expr": "crateno2", "confidence": sure}) if one.target == "crateno" else one
        for one in proposal.columns
    ]
    fresh = fresh.model_copy(
        update={"tables": {"public.parcel": proposal.model_copy(update={"columns": tuple(columns)})}}
    )
    found = kept(before, fresh, approved, catalog=THERE, relations={"public.parcel": now})
    assert found.tables["public.parcel"].column("state") == before.tables["public.parcel"].column("state")
    column_now = found.tables["public.parcel"].column("crateno")
    assert column_now is not None
    return column_now


@pytest.mark.parametrize(("sure", "expr"), [(0.9, "crateno2"), (0.78, "crateno2"), (0.5, None)])
def test_a_renamed_field_is_proposed_as_surely_as_anything_says(sure: float, expr: str | None) -> None:
    found = after(sure)
    assert found.expr == expr
    if expr is None:
        assert "no other fits well enough (the nearest: crateno2, 50% sure)" in found.why
    elif sure < 0.8:
        assert found.confidence < DOUBTFUL
        assert found.why.endswith("nothing says: check it")
    else:
        assert found.confidence == sure
