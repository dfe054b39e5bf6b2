"""Makes the forest that tells a field's role, from SortingHat's labelled columns.

Usage: python -m benchmarks.train_roles FOLDER
FOLDER holds `sortinghat/train.csv` (benchmarks/sortinghat.py says where it comes from). The same file and seed give
the same forest, byte by byte.
"""

import argparse
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier

from benchmarks.sortinghat import Labelled, read
from octo_core.inference import FieldProfile
from octo_core.inference.decide import reading
from octo_core.inference.forest import LEAF, Forest
from octo_core.inference.role_features import features
from octo_core.inference.roles import SHIPPED

TREES: Final = 60
SEED: Final = 0
_BINS: Final = 250


@dataclass(frozen=True, slots=True)
class Row:
    """The features of a column as a whole, and of its five samples alone."""

    whole: list[float]
    alone: list[float]


def rows_of(columns: Sequence[Labelled]) -> list[Row]:
    return [Row(_features(column.profile, column.name), _features(column.samples, column.name)) for column in columns]


def _features(profile: FieldProfile, name: str) -> list[float]:
    return features(profile, name, *reading(profile, name))


def fit(rows: Sequence[Row], roles: Sequence[str], seed: int = SEED) -> Forest:
    """Extremely randomized trees on binned features: each column twice, as it is and by its samples alone."""
    table = np.array([features for row in rows for features in (row.whole, row.alone)])
    labels = np.repeat(np.array(roles), 2)
    edges = [_edges(table[:, place]) for place in range(table.shape[1])]
    binned = np.column_stack([np.searchsorted(column, table[:, place]) for place, column in enumerate(edges)])
    trees = ExtraTreesClassifier(TREES, max_features=0.1, random_state=seed, n_jobs=2)
    trees.fit(binned.astype(np.float32), labels)
    return _exported(trees, edges)


def _edges(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[float, ...]:
    """At most so many values between which a feature is not told apart."""
    distinct = np.unique(values)
    if len(distinct) > _BINS:
        distinct = np.unique(np.quantile(values, np.linspace(0, 1, _BINS), method="nearest"))
    return tuple(float(f"{value:.9g}") for value in distinct[:-1])


def _exported(trees: ExtraTreesClassifier, edges: Sequence[tuple[float, ...]]) -> Forest:
    feature, limit, jump, roots = array("H"), bytearray(), array("H"), []
    for one in trees.estimators_:
        tree = one.tree_
        roots.append(len(limit))
        for node in range(tree.node_count):
            leaf = tree.children_left[node] < 0
            assert leaf or tree.children_left[node] == node + 1
            feature.append(0 if leaf else int(tree.feature[node]))
            limit.append(int(tree.value[node][0].argmax()) if leaf else int(np.floor(tree.threshold[node])))
            jump.append(LEAF if leaf else int(tree.children_right[node] - node))
    return Forest(tuple(map(str, trees.classes_)), tuple(edges), tuple(roots), feature, bytes(limit), jump)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    columns = read(options.folder / "sortinghat" / "train.csv")
    packed = fit(rows_of(columns), [column.role for column in columns]).pack()
    SHIPPED.write_bytes(packed)
    print(f"{SHIPPED}: {len(packed):,} bytes, {TREES} trees from {len(columns):,} columns")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
