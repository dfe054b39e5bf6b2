"""Measures type inference on public labelled columns: ptype's types and SortingHat's nine roles, with intervals.

Usage: python benchmarks/eval_types.py DIR [--wrong N]
DIR holds `ptype/` (annotations.json, data/*.csv) and `sortinghat/train.csv`.
"""

import argparse
import csv
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from octo_core.inference import FieldProfile, decide, infer_column
from octo_core.inference.observe import profile_values
from octo_core.schema import Field

csv.field_size_limit(2**31 - 1)

HEADERLESS = frozenset({"auto"})
"""Files of the ptype set whose first line is data."""


def ptype_answer(field: Field) -> str:
    """Our type as the ptype set names types: whole numbers, fractions, truth, dates, and text for all else."""
    if field.type.family == "integer":
        return "integer"
    if field.type.family in ("decimal", "float"):
        return "float"
    if field.type.kind == "boolean":
        return "boolean"
    return "date" if field.type.kind in ("date", "time", "timestamp", "timestamptz") else "string"


def ptype_truth(label: str) -> str:
    if label.startswith("date"):
        return "date"
    return label if label in ("integer", "float", "boolean") else "string"


def ptype(folder: Path) -> list[tuple[str, str, str]]:
    """(column, truth, answer) of every labelled column."""
    found = []
    labels = json.loads((folder / "annotations.json").read_text())
    for name, types in sorted(labels.items()):
        path = folder / "data" / f"{name}.csv"
        if not path.exists():
            continue
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
        header = [f"column_{i + 1}" for i in range(len(types))] if name in HEADERLESS else rows.pop(0)
        for position, label in enumerate(types):
            values = [row[position] or None for row in rows if position < len(row)]
            field = infer_column(values, header[position])
            found.append((f"{name}.{header[position]}", ptype_truth(label), ptype_answer(field)))
    return found


def sortinghat_profile(row: dict[str, str]) -> FieldProfile:
    """The set gives five sample values and counts of the whole column; a profile of the samples takes its counts."""
    samples = [row[f"sample_{i}"] or None for i in range(1, 6)]
    seen = profile_values(samples)
    total, nulls = int(float(row["total_vals"])), int(float(row["num_nans"]))
    filled = max(total - nulls, 0)
    carriers = {"text": filled} if filled else {}
    distinct = int(float(row["num_of_dist_val"]))
    return replace(seen, rows=total, nulls=min(nulls, total), carriers=carriers, known_distinct=distinct)


def sortinghat(path: Path) -> list[tuple[str, str, str]]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        (row["Attribute_name"], row["y_act"], decide(sortinghat_profile(row), row["Attribute_name"]).role or "")
        for row in rows
    ]


def interval(right: Sequence[bool], seed: int = 0, rounds: int = 1000) -> tuple[float, float]:
    """95 % bootstrap interval of the share that is right."""
    dice = random.Random(seed)
    shares = sorted(sum(dice.choices(right, k=len(right))) / len(right) for _ in range(rounds))
    return shares[int(0.025 * rounds)], shares[int(0.975 * rounds)]


def report(name: str, answers: list[tuple[str, str, str]], seconds: float, wrong: int) -> None:
    right = [truth == answer for _, truth, answer in answers]
    low, high = interval(right)
    print(
        f"{name}: {sum(right) / len(right):.3f} right [{low:.3f}, {high:.3f}] of {len(right)} columns, {seconds:.1f} s"
    )
    confused = Counter((truth, answer) for _, truth, answer in answers if truth != answer)
    for (truth, answer), count in confused.most_common(wrong):
        examples = [column for column, t, a in answers if (t, a) == (truth, answer)][:4]
        print(f"  {count:5} {truth} taken for {answer}: {', '.join(examples)}")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--wrong", type=int, default=0, metavar="N", help="show the N most frequent confusions")
    options = parser.parse_args(arguments)
    for name, run in (
        ("ptype, type of a column", lambda: ptype(options.folder / "ptype")),
        ("SortingHat, nine roles", lambda: sortinghat(options.folder / "sortinghat" / "train.csv")),
    ):
        start = time.perf_counter()
        report(name, run(), time.perf_counter() - start, options.wrong)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
