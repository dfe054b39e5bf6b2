"""Measures type inference on public labelled columns: ptype's types and SortingHat's nine roles, with intervals.

Usage: python -m benchmarks.eval_types DIR [--wrong N] [--all]
DIR holds `ptype/` (annotations.json, data/*.csv) and `sortinghat/train.csv`; where `sortinghat/test.csv` is there too,
the forest that ships is measured on it. Folds and forests have one seed, so figures repeat.
"""

import argparse
import csv
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from sklearn.model_selection import GroupKFold, StratifiedKFold

if __name__ == "__main__":  # as a file, not a module: the folder above is where the packages are
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.role_rules import ruled_role
from benchmarks.sortinghat import Labelled, read
from benchmarks.train_roles import SEED, Row, fit, rows_of
from octo_core.inference import FieldProfile, decide, infer_column
from octo_core.inference.decide import reading
from octo_core.inference.role_features import BUCKETS
from octo_core.inference.roles import by_structure
from octo_core.inference.semantics import semantic_of
from octo_core.schema import Field
from octo_core.types import DataType

csv.field_size_limit(2**31 - 1)

FOLDS = 5
Answer = tuple[str, str, str]
"""(column, truth, answer)."""
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


def shipped(path: Path) -> list[Answer]:
    """The forest that ships on columns that it has not seen."""
    return [(one.name, one.role, decide(one.profile, one.name).role or "") for one in read(path)]


def roles(path: Path, everything: bool) -> Iterator[tuple[str, list[Answer]]]:
    """(method, answers) on the training part: what is trained is cross-validated, by columns and by whole files."""
    columns = read(path)
    rows = rows_of(columns)
    yield "the forest, 5-fold", crossed(columns, rows, by_file=False)
    yield "the same of five sample values alone, no counts", crossed(columns, rows, by_file=False, alone=True)
    yield "the forest, 5-fold, a file's columns kept together", crossed(columns, rows, by_file=True)
    if everything:
        for method, own in others(rows).items():
            yield method, crossed(columns, own, by_file=False)
    yield "plain rules", [(one.name, one.role, _by_rules(one)) for one in columns]


def others(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """What else was tried: the same trees on parts of the features."""

    def part(first: int, last: int | None) -> list[Row]:
        return [Row(row.whole[first:last], row.alone[first:last]) for row in rows]

    return {
        "forest without the pieces of names": part(0, -BUCKETS),
        "forest of the pieces of names alone": part(-BUCKETS, None),
    }


def crossed(columns: Sequence[Labelled], rows: Sequence[Row], *, by_file: bool, alone: bool = False) -> list[Answer]:
    """Each column by a forest that did not see it; `by_file`: nor any other column of its file."""
    truth = [one.role for one in columns]
    files = [one.file for one in columns]
    columned = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    folds = GroupKFold(FOLDS).split(truth, truth, files) if by_file else columned.split(truth, truth)
    found: list[Answer] = []
    for seen, unseen in folds:
        forest = fit([rows[i] for i in seen], [truth[i] for i in seen])
        for i in unseen:
            one, row = columns[i], rows[i]
            said = by_structure(*_read(one)) or forest.choose(row.alone if alone else row.whole)[0]
            found.append((one.name, one.role, said))
    return found


def _read(one: Labelled) -> tuple[DataType, FieldProfile]:
    return reading(one.profile, one.name)[0], one.profile


def _by_rules(one: Labelled) -> str:
    kind, written = reading(one.profile, one.name)
    values = [text for text, _ in one.profile.sketch.top() if text not in one.profile.spelled_nulls]
    semantic, _ = semantic_of(kind, one.name, values)
    return ruled_role(kind, one.profile, one.name, semantic=semantic, written=written)


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
    parser.add_argument("--all", action="store_true", help="the other methods tried, too")
    options = parser.parse_args(arguments)
    hat = options.folder / "sortinghat"
    start = time.perf_counter()
    report("ptype, type of a column", ptype(options.folder / "ptype"), time.perf_counter() - start, options.wrong)
    start = time.perf_counter()
    for method, answers in roles(hat / "train.csv", options.all):
        report(f"SortingHat, nine roles, {method}", answers, time.perf_counter() - start, options.wrong)
        start = time.perf_counter()
    if (hat / "test.csv").exists():
        answers = shipped(hat / "test.csv")
        report("SortingHat, nine roles, columns never seen", answers, time.perf_counter() - start, options.wrong)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
