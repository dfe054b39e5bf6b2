"""What was learned from labelled pairs of tables: how likely a pair is true, given its evidence and its rivals'.

A logistic regression over the evidence, over how far a pair is ahead of the next best in its row and column, and over
what is known of both columns. `benchmarks/train_mapping.py` fits it and writes `combiner.json`; here is numpy alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal

from octo_core.mapping import evidence
from octo_core.mapping.attribute import Attribute

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CANDIDATES: Final = 25
"""Pairs of a row that are looked at: the best by the hand's weights, and the best by meaning."""
_KINDS: Final = (
    "name", "text", "values", "shape", "range", "kind", "key", "type", "name_left", "name_right", "name_unsaid",
    "text_left", "text_right",
)  # fmt: skip
_MEANINGS: Final = ("meaning", "name_meaning")


@dataclass(frozen=True, slots=True)
class Model:
    """Of each feature its mean and spread in training, and its weight; NaN counts as 0."""

    features: tuple[str, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    weight: tuple[float, ...]
    intercept: float


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides' columns, the hand's score, the kinds of evidence, and the likeness of meaning where there is one: of
    all that is said of two columns, and of their names.
    """

    source: Sequence[Attribute]
    target: Sequence[Attribute]
    hand: Floats
    parts: dict[str, Floats]
    meaning: Floats | None = None
    name_meaning: Floats | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Features of the candidate pairs: `values[n]` belongs to the pair (rows[n], columns[n])."""

    names: tuple[str, ...]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    values: Floats


@lru_cache(maxsize=2)
def shipped(kind: Literal["plain", "embedding"]) -> Model:
    """The model that comes with Octopipe, for with or without vectors."""
    found = json.loads(files("octo_core.mapping").joinpath("combiner.json").read_text(encoding="utf-8"))[kind]
    columns = {key: tuple(found[key]) for key in ("features", "mean", "spread", "weight")}
    return Model(**columns, intercept=found["intercept"])


def probability(sides: Sides, model: Model) -> Floats:
    """How likely each pair is true (source × target); 0 for what is no candidate."""
    import numpy as np

    found = table(sides)
    used = [found.names.index(name) for name in model.features]
    scaled = (np.nan_to_num(found.values[:, used]) - np.array(model.mean)) / np.array(model.spread)
    logit = scaled @ np.array(model.weight) + model.intercept
    likely = np.zeros(sides.hand.shape)
    likely[found.rows, found.columns] = 1 / (1 + np.exp(-np.clip(logit, -50, 50)))
    return likely


def table(sides: Sides) -> Table:
    """The features of all candidate pairs."""
    import numpy as np

    rivals = {"hand": sides.hand, "values": np.nan_to_num(sides.parts["values"])}
    rivals |= {kind: part for kind in _MEANINGS if (part := getattr(sides, kind)) is not None}
    near = np.zeros(sides.hand.shape, dtype=bool)
    for kind in ("hand", "meaning"):
        if kind in rivals:
            near |= _ranks(rivals[kind]) < CANDIDATES
    rows, columns = np.nonzero(near)
    nothing = np.full(len(rows), np.nan)
    found = {"hand": sides.hand[near]}
    found |= {kind: sides.parts[kind][near] if kind in sides.parts else nothing for kind in _KINDS}
    found |= {kind: rivals[kind][near] for kind in _MEANINGS if kind in rivals}
    for kind, matrix in rivals.items():
        found[f"{kind}_lead"], found[f"{kind}_rank"] = _lead(matrix)[near], np.log1p(_ranks(matrix))[near]
        found[f"{kind}_lead_back"] = _lead(matrix.T).T[near]
        found[f"{kind}_rank_back"] = np.log1p(_ranks(matrix.T)).T[near]
    found |= {f"source_{name}": one[rows] for name, one in _about(sides.source, sides.hand, 1).items()}
    found |= {f"target_{name}": one[columns] for name, one in _about(sides.target, sides.hand, 0).items()}
    found["targets"] = np.full(len(rows), math.log10(len(sides.target)))
    return Table(tuple(found), rows, columns, np.stack(list(found.values()), axis=1))


def _about(side: Sequence[Attribute], hand: Floats, axis: int) -> dict[str, Floats]:
    """What is known of each column by itself."""
    import numpy as np

    names = evidence.name_words(side)
    weights = evidence.Weights(names, evidence.context_words(side))
    facts: dict[str, Callable[[int], float]] = {
        "words": lambda n: len(names[n]),
        "rare": lambda n: max(map(weights.of, names[n]), default=0.0),
        "text": lambda n: min(40, len(side[n].text.split())),
        "values": lambda n: min(50, len(side[n].values)),
        "closed": lambda n: side[n].closed,
        "number": lambda n: (kind := side[n].type) is not None and kind.is_numeric,
        "untyped": lambda n: side[n].type is None,
    }
    found = {name: np.array([float(fact(n)) for n in range(len(side))]) for name, fact in facts.items()}
    return {**found, "best": hand.max(axis=axis)}


def _ranks(matrix: Floats) -> NDArray[np.intp]:
    """Of every cell its place in its row, 0 for the greatest."""
    import numpy as np

    order = np.argsort(-matrix, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(matrix.shape[1])[None, :], axis=1)
    return ranks


def _lead(matrix: Floats) -> Floats:
    """How far a cell is above the greatest of the others in its row; below 0 where another is greater."""
    import numpy as np

    if matrix.shape[1] < 2:
        return matrix
    top = -np.partition(-matrix, 1, axis=1)[:, :2]
    lead: Floats = matrix - np.where(matrix >= top[:, :1], top[:, 1:], top[:, :1])
    return lead
