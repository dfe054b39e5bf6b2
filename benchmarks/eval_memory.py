"""Measures what remembered mappings save: corrections that a reviewer makes, without and with what was approved before.

A correction is a column of the source whose proposed target is wrong, missing, or should not be. Three ways: half of a
destination's studies are approved and the others proposed (of an odd number a little less and a little more than half);
half of the columns of every study; half of one study's.
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
MOST_COMBINATIONS = 12
"""Of approved studies, for each that is proposed: with ten studies there are 126 halves."""


def decisions(case: Case, fields: Iterable[str] | None = None) -> list[Remembered]:
    """A case's true pairs, and its fields that belong nowhere, as a reviewer would have left them."""
    about = {one.name: one for one in case.source}
    wanted = set(about) if fields is None else set(fields)
    mapped = {field for field, _ in case.truth}
    known = [(field, column) for field, column in sorted(case.truth) if field in wanted]
    left: list[tuple[str, str | None]] = [(field, None) for field in sorted(wanted - mapped)]
    return [Remembered(field, column, case.name, about=about.get(field)) for field, column in [*known, *left]]


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
    halves = sorted({len(cases) // 2, (len(cases) + 1) // 2})
    found: dict[str, list[list[int]]] = {kind: [] for kind in (*map(str, halves), "columns", "both")}
    for case in cases:
        names = [one.name for one in case.source]
        others = [one for one in cases if one is not case]
        before = matcher(case)
        each: dict[str, list[int]] = {kind: [0, 0] for kind in found}

        def count(kind: str, known: Sequence[Remembered], rest: Sequence[str]) -> None:
            each[kind][0] += corrections(case, before, rest)  # noqa: B023 - called in the same turn
            each[kind][1] += corrections(case, matcher(case, known), rest)  # noqa: B023

        for half in halves:
            every = list(combinations(others, half))
            for approved in random.Random(SEED).sample(every, min(MOST_COMBINATIONS, len(every))):
                count(str(half), [one for other in approved for one in decisions(other)], names)
        for _ in range(TURNS):
            reviewed = set(draw.sample(names, len(names) // 2))
            rest = [name for name in names if name not in reviewed]
            mine = decisions(case, reviewed)
            count("columns", mine, rest)
            for other in others:
                theirs = [one.name for one in other.source]
                mine = mine + decisions(other, draw.sample(theirs, len(theirs) // 2))
            count("both", mine, rest)
        for kind, counted in each.items():
            found[kind].append(counted)
    print(f"\nMemory: corrections without and with what was approved, seed {SEED}; target: at least a third fewer")
    for name, kind in (
        *((f"{half} of {len(cases)} studies approved, one of the others proposed", str(half)) for half in halves),
        ("half of every study's columns approved, the others proposed", "both"),
        ("half of one study's columns approved, the other half proposed", "columns"),
    ):
        print(f"  {name:62} {_fewer(found[kind])}")


def _fewer(counted: Sequence[Sequence[int]], seed: int = SEED) -> str:
    """The corrections without and with memory, and what is saved with its 95 % bootstrap interval over the studies."""

    def saved(some: Sequence[Sequence[int]]) -> float:
        return 1 - sum(one[1] for one in some) / max(1, sum(one[0] for one in some))

    draw = random.Random(seed)
    drawn = sorted(saved(draw.choices(counted, k=len(counted))) for _ in range(2000))
    without, with_memory = (sum(one[side] for one in counted) for side in (0, 1))
    return f"{without} → {with_memory}: {saved(counted):.0%} fewer [{drawn[50]:.0%}, {drawn[1949]:.0%}]"
