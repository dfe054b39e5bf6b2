"""A claimed semantic type, held against every distinct value of a field where a sample of them bears it out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final

from octo_core.asking.nested import Asked, elements_of
from octo_core.asking.schema_question import Verdict
from octo_core.expressions import parse
from octo_core.inference.bearing import Bearing
from octo_core.inference.overrides import laid
from octo_core.inference.sketch import SIZE
from octo_core.schema import SourceSchema
from octo_core.types import TEXT, DataType
from octo_resources.flow.ground import Ground

MOST: Final = 1_000_000
"""Distinct values that are looked at: their hashes are held meanwhile."""
SECONDS: Final = 20.0
"""How long all of one reply's claims may take. The slowest validator, of telephone numbers, does 25,000 a second."""


@dataclass(frozen=True, slots=True)
class Looked:
    """How many distinct values were looked at, how many of them are not of the kind, and whether these were all."""

    values: int
    invalid: int
    holds: bool
    all: bool


def hold(
    ground: Ground, schema: SourceSchema, asked: Mapping[str, Asked], verdicts: Mapping[str, Verdict]
) -> dict[str, str]:
    """Refuse semantic types that all values together contradict; path → what to say where not all were looked at.

    Fields whose distinct values were all seen already are passed over, as are claims that the sample has refused.
    """
    until, partly = monotonic() + SECONDS, {}
    for path, verdict in verdicts.items():
        semantic, one = verdict.taken.get("semantic"), asked[path]
        stats = one.field.stats
        if semantic is None or stats is None or (stats.distinct or 0) <= SIZE:
            continue
        kind = verdict.taken.get("type", one.field.type)
        found = looked(ground, schema, path, one, semantic, kind, until)
        if found is None:
            continue
        if not found.holds:
            del verdict.taken["semantic"]
            verdict.refused["semantic"] = f"{found.invalid} of {found.values} distinct values are not of that kind"
        elif not found.all:
            partly[path] = f"semantic type held against {found.values:,} distinct values, not all"
    return partly


def looked(
    ground: Ground, schema: SourceSchema, path: str, one: Asked, semantic: str, kind: DataType, until: float
) -> Looked | None:
    """All distinct values of a field, as they are written, judged; None for a list that no table could be made of."""
    if one.field.carrier != "typed" and one.field.type.kind != "text":
        as_text = {"type": TEXT, "format": None}
        fields = laid(schema.fields, one.parts, as_text, schema.source, why="as it is written")
        schema = schema.model_copy(update={"fields": fields})
    if one.steps:
        made = elements_of(schema, one.steps)
        if made is None:
            return None
        origin, elements = made
        known = {schema.source: schema, elements.source: elements}
        ground, schema, path = replace(ground, origin=origin, schemas=known), elements, one.inner
    return judged(ground.values(schema, parse(path, schema)), semantic, kind, until)


def judged(batches: Iterable[Sequence[str]], semantic: str, kind: DataType, until: float) -> Looked:
    """Values in batches that may repeat each other's, judged until there are too many or it takes too long."""
    bearing, seen, whole = Bearing(semantic, kind), set[int](), True
    for batch in batches:
        fresh = {hash(value): value for value in batch if hash(value) not in seen}
        for value in list(fresh.values())[: MOST - len(seen)]:
            bearing.add(value)
            if not bearing.values % 1000 and monotonic() > until:
                whole = False
                break
        seen.update(fresh)
        if not whole or len(seen) >= MOST or monotonic() > until:
            whole = False
            break
    return Looked(bearing.values, bearing.invalid, bearing.holds, whole)
