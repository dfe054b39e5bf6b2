"""The forest that tells roles: what ships is whole, what is trained is walked as its maker walks it."""

import random
from typing import get_args

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from benchmarks import train_roles
from octo_core.inference.forest import unpack
from octo_core.inference.profile import FieldProfile
from octo_core.inference.role_features import features
from octo_core.inference.roles import SHIPPED, shipped
from octo_core.schema import Role
from octo_core.types import TEXT

DICE = random.Random(7)
ROWS = [train_roles.Row([float(n % 7), n / 3, DICE.random()], [float(n % 7), 0.0, DICE.random()]) for n in range(200)]
ROLES = ["numeric" if n % 7 > 4 else "list" if n > 90 else "url" for n in range(200)]


def test_the_shipped_forest_knows_all_roles_and_as_many_features_as_there_are() -> None:
    assert set(shipped().classes) == set(get_args(Role))
    assert len(shipped().edges) == len(features(FieldProfile(), "a", TEXT, None))
    assert SHIPPED.stat().st_size < 1_000_000


def test_a_trained_forest_says_what_its_maker_says(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ExtraTreesClassifier] = []
    monkeypatch.setattr(
        train_roles, "ExtraTreesClassifier", lambda *a, **k: made.append(ExtraTreesClassifier(*a, **k)) or made[0]
    )
    forest = train_roles.fit(ROWS, ROLES)
    unseen = [[DICE.uniform(-1, 8), DICE.uniform(-1, 70), DICE.random()] for _ in range(300)]
    binned = [[np.searchsorted(edges, value) for edges, value in zip(forest.edges, row, strict=True)] for row in unseen]
    trees = [one.predict(np.array(binned, np.float32)).astype(int) for one in made[0].estimators_]
    for place, row in enumerate(unseen):
        counted = np.bincount([said[place] for said in trees], minlength=3)
        assert forest.votes(row) == counted.tolist()


def test_the_same_rows_give_the_same_bytes_and_bytes_the_same_forest() -> None:
    forest = train_roles.fit(ROWS, ROLES)
    packed = forest.pack()
    assert packed == train_roles.fit(ROWS, ROLES).pack()
    assert unpack(packed) == forest


def test_other_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="no forest"):
        unpack(b"PK")
