"""Measures what remembered mappings save: corrections that a reviewer makes, without and with what was approved before.

A correction is a column of the source whose proposed target is wrong, missing, or should not be. Two ways: half of a
destination's studies are approved and the others are proposed; and half of one study's columns are, for the other half.
"""

import random
from collections.abc import Iterable, Sequence
from itertools import combinations

from benchmarks.eval_mapping import SEED, Learned
from benchmarks.mapping_cases import Case
from octo_core.mapping import Remembered
from octo_core.mapping.matching import Match

TARGET = 1 / 3
TURNS = 4


def decisions(case: Case, fields: Iterable[str] | None = None) -> list[Remembered]:
    """A case's true pairs, and its fields that belong nowhere, as a reviewer would have left them."""
    wanted = {one.name for one in case.source} if fields is None else set(fields)
    mapped = {field for field, _ in case.truth}
    pairs = [Remembered(field, column, case.name) for field, column in sorted(case.truth) if field in wanted]
    return pairs + [Remembered(field, None, case.name) for field in sorted(wanted - mapped)]


def corrections(case: Case, found: Match, fields: Iterable[str] | None = None) -> int:
    """How many of a case's columns, or of those, a reviewer has to put right."""
    wrong = 0
    for field in [one.name for one in case.source] if fields is None else fields:
        right = {column for one, column in case.truth if one == field}
        chosen = found.assignment[field]
        wrong += chosen not in right if right else chosen is not None
    return wrong


def report(cases: Sequence[Case], matcher: Learned) -> None:
    """`cases`: the studies of one destination."""
    draw = random.Random(SEED)
    columns, studies = [0, 0], [0, 0]
    half = len(cases) // 2
    for case in cases:
        names = [one.name for one in case.source]
        before = matcher(case)
        for approved in combinations([one for one in cases if one is not case], half):
            known = [one for other in approved for one in decisions(other)]
            studies[0] += corrections(case, before)
            studies[1] += corrections(case, matcher(case, known))
        for _ in range(TURNS):
            reviewed = set(draw.sample(names, len(names) // 2))
            rest = [name for name in names if name not in reviewed]
            columns[0] += corrections(case, before, rest)
            columns[1] += corrections(case, matcher(case, decisions(case, reviewed)), rest)
    print(f"\nMemory: corrections without and with what was approved, seed {SEED}; target: at least a third fewer")
    for name, (without, with_memory) in (
        (f"{half} of {len(cases)} studies approved, one of the others proposed", studies),
        ("half of a study's columns approved, the other half proposed", columns),
    ):
        print(f"  {name:62} {without} → {with_memory}: {1 - with_memory / max(1, without):.0%} fewer")
