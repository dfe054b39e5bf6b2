"""Measures `octo_core.mapping.match` on labelled pairs of tables: Recall@GT, MRR and F1 one-to-one, with intervals.

Usage: python benchmarks/eval_mapping.py DIR [--worst]
DIR holds `gdc/` (studies with source.csv, gt.csv; target.csv and gdc_schema.json beside them) and `web/pair_*/`.
"""

import argparse
import csv
import json
import random
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from octo_core.inference import infer_column
from octo_core.mapping import match
from octo_core.mapping.attribute import MAX_VALUES, Attribute, from_field
from octo_core.mapping.matching import Match

csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Case:
    name: str
    source: list[Attribute]
    target: list[Attribute]
    truth: set[tuple[str, str]]


@dataclass(frozen=True)
class Result:
    recall: float
    mrr: float
    f1: float
    seconds: float


def table(path: Path, schema: dict[str, dict[str, object]] | None = None) -> list[Attribute]:
    """The columns of a CSV as attributes, with all distinct values; `schema` adds descriptions and allowed values."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = list(csv.reader(file))
    found = []
    for position, name in enumerate(header):
        values = dict.fromkeys(row[position].strip() for row in rows if position < len(row) and row[position].strip())
        about = (schema or {}).get(name, {})
        allowed = about.get("value_data")
        listed = tuple(allowed) if isinstance(allowed, dict) else ()
        inferred = from_field(infer_column(list(values)[:MAX_VALUES], name), name)
        text = str(about.get("column_description") or "")
        known = (listed or tuple(values))[:MAX_VALUES]
        found.append(replace(inferred, text=text, values=known, closed=bool(listed)))
    return [one for one in found if one.name]


def truth(path: Path) -> set[tuple[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {(row["source_column"], row["target_column"]) for row in csv.DictReader(file)}


def cases(folder: Path) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    gdc = folder / "gdc"
    if gdc.is_dir():
        schema = json.loads((gdc / "gdc_schema.json").read_text(encoding="utf-8"))
        target = table(gdc / "target.csv", schema)
        found["gdc"] = [
            Case(path.parent.name, table(path.parent / "source.csv"), target, truth(path))
            for path in sorted(gdc.glob("*/gt.csv"))
        ]
    web = [
        Case(path.parent.name, table(path.parent / "source.csv"), table(path.parent / "target.csv"), truth(path))
        for path in sorted((folder / "web").glob("*/gt.csv"))
    ]
    return found | ({"web": web} if web else {})


def judge(case: Case) -> tuple[Result, Match]:
    began = time.perf_counter()
    found = match(case.source, case.target)
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


def interval(values: list[float], seed: int = 7) -> str:
    """Mean and the 95 % bootstrap interval over the cases."""
    draw = random.Random(seed)
    means = sorted(sum(draw.choices(values, k=len(values))) / len(values) for _ in range(2000))
    return f"{sum(values) / len(values):.3f} [{means[50]:.3f}, {means[1949]:.3f}]"


def show_misses(case: Case, found: Match) -> None:
    decided = {(one, other) for one, other in found.assignment.items() if other is not None}
    scores = {(pair.source, pair.target): pair for pair in found.pairs}
    for kind, pairs in (("missed", case.truth - decided), ("wrong", decided - case.truth)):
        for pair in sorted(pairs):
            scored = scores.get(pair)
            print(f"    {kind}: {pair[0]} → {pair[1]}", f"{scored.score:.2f} {scored.evidence}" if scored else "-")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--worst", action="store_true", help="also list the pairs missed and the pairs wrongly made")
    options = parser.parse_args()
    found = cases(options.folder)
    if not found:
        print(f"{options.folder} holds neither gdc/ nor web/", file=sys.stderr)
        return 2
    for name, group in found.items():
        results = []
        for case in group:
            result, matched = judge(case)
            results.append(result)
            size = f"{len(case.source)}×{len(case.target)}"
            figures = f"{result.recall:.3f} {result.mrr:.3f} {result.f1:.3f} {result.seconds:.2f}s"
            print(f"  {case.name:12} {size:>9}  {figures}")
            if options.worst:
                show_misses(case, matched)
        recall, mrr, f1 = (interval([getattr(one, kind) for one in results]) for kind in ("recall", "mrr", "f1"))
        print(f"{name}: Recall@GT {recall}  MRR {mrr}  F1 one-to-one {f1}  (mean [95 %], seed 7)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
