"""Measures `octo_core.mapping.match` on labelled pairs of tables: Recall@GT, MRR and F1 one-to-one, with intervals.

Usage: python -m benchmarks.eval_mapping DIR [--worst]
DIR holds `gdc/` and `web/pair_*/`, see mapping_cases.py; how to get them: docs/quality.md. Learned methods are judged
on each case by a model that was fitted to all the others, never on what they were fitted to.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from benchmarks.mapping_cases import Case, cases
from octo_core.mapping import Remembered, combiner, embedding, match
from octo_core.mapping.attribute import Attribute
from octo_core.mapping.matching import Match, ScoredPair, assign
from octo_core.mapping.scoring import Method

SEED = 7
TARGETS = {"gdc": (0.50, 0.75, 0.55), "web": (None, None, 0.90)}
TITLES = {"gdc": "GDC, studies to 736 columns with descriptions", "web": "Web tables, pairs"}


@dataclass(frozen=True)
class Result:
    """One case by one method: three figures of 0..1, and seconds."""

    recall: float
    mrr: float
    f1: float
    seconds: float


Matcher = Callable[[Case], Match]
"""The columns of a case matched."""


class Learned:
    """The combiner, for each case the model that was fitted to all the others; with decisions made before, if any."""

    def __init__(self, encoder: embedding.Encoder | None, models: Mapping[str, combiner.Model]) -> None:
        self.encoder, self.models = encoder, models

    def __call__(self, case: Case, remembered: Sequence[Remembered] = ()) -> Match:
        method = Method(self.encoder, self.models[case.name])
        return match(case.source, case.target, remembered=remembered, source_name=case.name, method=method)


def methods(every: Sequence[Case]) -> dict[str, Matcher]:
    """The methods to compare, the simplest first; the last is the product's."""
    hand = Method()
    found: dict[str, Matcher] = {
        "Jaro-Winkler of the names": jaro_winkler,
        "hand weights: names": lambda case: match(bare(case.source), bare(case.target), method=hand),
        "hand weights: names, descriptions": lambda case: match(
            bare(case.source, text=True), bare(case.target, text=True), method=hand
        ),
        "hand weights: all evidence": lambda case: match(case.source, case.target, method=hand),
    }
    if plain := learned(every, None):
        found["learned: all evidence"] = plain
    encoder = embedding.installed()
    if encoder is not None and (meaning := learned(every, encoder)):
        found["learned: all evidence, embedding"] = meaning
    return found


def learned(every: Sequence[Case], encoder: embedding.Encoder | None) -> Learned | None:
    """The combiner, for each case fitted to the others; None without scikit-learn or with fewer than three cases."""
    try:
        import sklearn  # noqa: F401 - whether the extra `dev` is there
    except ImportError:
        return None
    if len(every) < 3:
        return None
    from benchmarks.train_mapping import left_out

    models = left_out(every, "embedding" if encoder else "plain")
    return Learned(encoder, models)


def jaro_winkler(case: Case) -> Match:
    """The baseline: likeness of the names' letters, pairs of at least 0.8, one to one."""
    from rapidfuzz.distance import JaroWinkler
    from rapidfuzz.process import cdist

    sources, targets = [one.name.lower() for one in case.source], [two.name.lower() for two in case.target]
    likeness = cdist(sources, targets, scorer=JaroWinkler.similarity, dtype=np.float64)
    pairs = [
        ScoredPair(case.source[row].name, case.target[int(column)].name, float(likeness[row, column]))
        for row in range(len(sources))
        for column in np.argsort(-likeness[row], kind="stable")[:100]
    ]
    chosen = assign(np.where(likeness >= 0.8, likeness, 0.0))
    named = {
        one.name: None if column is None else case.target[column].name
        for one, column in zip(case.source, chosen, strict=True)
    }
    return Match(tuple(sorted(pairs, key=lambda pair: -pair.score)), named)


def bare(side: Sequence[Attribute], text: bool = False) -> list[Attribute]:
    return [Attribute(one.name, text=one.text if text else "") for one in side]


def judge(case: Case, matcher: Matcher) -> tuple[Result, Match]:
    began = time.perf_counter()
    found = matcher(case)
    seconds = time.perf_counter() - began
    pairs = [(pair.source, pair.target) for pair in found.pairs]
    recall = len(set(pairs[: len(case.truth)]) & case.truth) / len(case.truth)
    ranks = []
    for source in {pair[0] for pair in case.truth}:
        mine = [pair for pair in pairs if pair[0] == source]
        ranks.append(next((1 / rank for rank, pair in enumerate(mine, start=1) if pair in case.truth), 0.0))
    decided = {(one, other) for one, other in found.assignment.items() if other is not None}
    f1 = 2 * len(decided & case.truth) / (len(decided) + len(case.truth))
    return Result(recall, sum(ranks) / len(ranks), f1, seconds), found


def interval(values: Sequence[float], seed: int = SEED) -> str:
    """Mean and the 95 % bootstrap interval over the cases."""
    draw = random.Random(seed)
    means = sorted(fmean(draw.choices(values, k=len(values))) for _ in range(2000))
    return f"{fmean(values):.3f} [{means[50]:.3f}, {means[1949]:.3f}]"


def report(groups: Mapping[str, Sequence[Case]], found: Mapping[str, Matcher], worst: bool) -> None:
    """One table a group of cases: a line a method."""
    for name, group in groups.items():
        print(f"\n{TITLES[name]}: {len(group)} cases, seed {SEED}; mean [95 %]; learned ones leave the case out")
        print(f"  {'':34} {'Recall@GT':22} {'MRR':22} {'F1 one-to-one':22} seconds")
        last = list(found)[-1]
        for method, matcher in found.items():
            judged = [judge(case, matcher) for case in group]
            print(f"  {method:34} {_figures([result for result, _ in judged])}")
            if worst and method == last:
                for case, (result, matched) in zip(group, judged, strict=True):
                    size = f"{len(case.source)}×{len(case.target)}"
                    print(f"    {case.name} {size}: {result.recall:.3f} {result.mrr:.3f} {result.f1:.3f}")
                    print("\n".join(misses(case, matched)))
        aims = "".join(f"{'' if aim is None else f'{aim:.2f}':23}" for aim in TARGETS[name])
        print(f"  {'target':34} {aims}")


def _figures(results: Sequence[Result]) -> str:
    figures = [interval([getattr(one, kind) for one in results]) for kind in ("recall", "mrr", "f1")]
    return " ".join(f"{one:22}" for one in figures) + f" {sum(one.seconds for one in results):.1f}"


def misses(case: Case, found: Match) -> Iterator[str]:
    decided = {(one, other) for one, other in found.assignment.items() if other is not None}
    scores = {(pair.source, pair.target): pair for pair in found.pairs}
    for kind, pairs in (("missed", case.truth - decided), ("wrong", decided - case.truth)):
        for pair in sorted(pairs):
            scored = scores.get(pair)
            yield f"      {kind}: {pair[0]} → {pair[1]} {f'{scored.score:.2f} {scored.evidence}' if scored else '-'}"


def wide(sources: int = 200, targets: int = 736, values: int = 100) -> str:
    """The time of one wide match in this process, on made-up columns with values, the model's start included."""
    draw = random.Random(SEED)
    syllables = [a + b for a in "bcdfglmnprst" for b in ("a", "e", "i", "o", "u")]

    def word() -> str:
        return "".join(draw.choices(syllables, k=draw.randint(2, 3)))

    known = [word() for _ in range(900)]

    def column(number: int, described: bool) -> Attribute:
        name = "_".join(draw.choices(known, k=3)) + str(number)
        text = " ".join(draw.choices(known, k=15)) if described else ""
        return Attribute(name, text=text, values=tuple(" ".join(draw.choices(known, k=2)) for _ in range(values)))

    left = [column(number, False) for number in range(sources)]
    right = [column(number, True) for number in range(targets)]
    took = []
    for encoder in dict.fromkeys((None, embedding.installed())):
        began = time.perf_counter()
        match(left, right, method=Method(encoder, combiner.shipped("embedding" if encoder else "plain")))
        took.append(f"{time.perf_counter() - began:.1f} s {'with' if encoder else 'without'} the embedding")
    return f"{sources} × {targets} columns with {values} values each, one process: {', '.join(took)}; target 10 s"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--worst", action="store_true", help="also list the pairs missed and the pairs wrongly made")
    options = parser.parse_args(arguments)
    from benchmarks import eval_memory

    found = cases(options.folder)
    if not found:
        print(f"{options.folder} holds neither gdc/ nor web/", file=sys.stderr)
        return 2
    every = [case for group in found.values() for case in group]
    matchers = methods(every)
    report(found, matchers, options.worst)
    if "gdc" in found and isinstance(last := list(matchers.values())[-1], Learned):
        eval_memory.report(found["gdc"], last)
    print(f"\n{wide()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
