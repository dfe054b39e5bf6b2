"""Fits the matcher's combiner to labelled pairs of tables and writes octo_core/mapping/combiner.json.

Usage: python benchmarks/train_mapping.py DIR [--to FILE]
DIR is what eval_mapping.py takes; how to get it: docs/quality.md. scikit-learn is in the extra `dev`.
"""

import argparse
import json
import random
import sys
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.mapping_cases import Case, cases
from octo_core.mapping import combiner, embedding, scoring
from octo_core.mapping.attribute import Attribute

STRENGTH = 0.2
"""scikit-learn's C: small, for there are some 150 true pairs. 0.1 and 1 give much the same, 0.03 less."""
HOME = Path(combiner.__file__).with_name("combiner.json")
Kind = Literal["plain", "embedding"]


@cache
def encoder() -> embedding.Encoder | None:
    """The product's encoder, which here reads no text twice: the variants of a case share most of theirs."""
    encode = embedding.installed()
    known: dict[str, np.ndarray] = {}

    def kept(texts: tuple[str, ...]) -> np.ndarray:
        new = tuple(dict.fromkeys(text for text in texts if text not in known))
        if new and encode:
            known.update(zip(new, encode(new), strict=True))
        return np.array([known[text] for text in texts])

    return kept if encode else None


def features(case: Case, kind: Kind) -> tuple[combiner.Table, np.ndarray]:
    """The candidate pairs of a case, and which of them are true."""
    hand, shares = scoring.weighed(case.source, case.target)
    encode = encoder() if kind == "embedding" else None
    read = (embedding.described, embedding.called)
    alike = [embedding.likeness(case.source, case.target, encode, said) for said in read] if encode else []
    found = combiner.table(combiner.Sides(case.source, case.target, hand.score, {**hand.parts, **shares}, *alike))
    pairs = zip(found.rows.tolist(), found.columns.tolist(), strict=True)
    return found, np.array([(case.source[row].name, case.target[column].name) in case.truth for row, column in pairs])


def variants(case: Case) -> list[Case]:
    """A case as it is, without half of the true targets, and that again by names alone.

    So that what is merely the best of what there is does not count as found, and nameless values are not all.
    """
    draw = random.Random(case.name)
    true = sorted({target for _, target in case.truth})
    gone = set(draw.sample(true, len(true) // 2))
    left = [one for one in case.target if one.name not in gone]
    fewer = Case(case.name, case.source, left, {pair for pair in case.truth if pair[1] not in gone})
    bare = [[Attribute(one.name, text=one.text) for one in side] for side in (case.source, left)]
    return [case, fewer, Case(case.name, *bare, fewer.truth)]


def fit(tables: Sequence[tuple[combiner.Table, np.ndarray]]) -> combiner.Model:
    """A logistic regression; a case of many pairs counts for more, but less than they are more."""
    from sklearn.linear_model import LogisticRegression

    values = np.nan_to_num(np.concatenate([table.values for table, _ in tables]))
    true = np.concatenate([truth for _, truth in tables])
    weight = np.concatenate([np.full(len(truth), max(1, truth.sum()) ** -0.5) for _, truth in tables])
    mean, spread = values.mean(axis=0), values.std(axis=0)
    spread[spread < 1e-9] = 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = LogisticRegression(C=STRENGTH, max_iter=2000).fit((values - mean) / spread, true, sample_weight=weight)
    rounded = [tuple(round(float(one), 6) for one in row) for row in (mean, spread, found.coef_[0])]
    return combiner.Model(tables[0][0].names, *rounded, round(float(found.intercept_[0]), 6))


def left_out(every: Sequence[Case], kind: Kind) -> dict[str, combiner.Model]:
    """For every case the model that was fitted to all the others."""
    tables = {case.name: [features(one, kind) for one in variants(case)] for case in every}
    return {
        name: fit([table for other, found in tables.items() if other != name for table in found]) for name in tables
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--to", type=Path, default=HOME)
    options = parser.parse_args(arguments)
    if embedding.installed() is None:
        print("The extra `embedding` is needed: pip install 'octopipe[embedding]'", file=sys.stderr)
        return 2
    found = [case for group in cases(options.folder).values() for case in group]
    kinds: tuple[Kind, ...] = ("plain", "embedding")
    models = {kind: fit([features(one, kind) for case in found for one in variants(case)]) for kind in kinds}
    said = {
        kind: {name: getattr(model, name) for name in ("features", "mean", "spread", "weight", "intercept")}
        for kind, model in models.items()
    }
    options.to.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {options.to}: {len(models['embedding'].features)} features, {len(found)} cases")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
