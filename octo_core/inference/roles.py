"""The role of a field for whoever analyses it: SortingHat's nine classes, by structure or by a small forest.

The forest is made by `python -m benchmarks.train_roles FOLDER` and ships beside this file.
"""

from functools import cache
from pathlib import Path
from typing import Final, get_args

from octo_core.inference.forest import Forest, unpack
from octo_core.inference.profile import FieldProfile
from octo_core.inference.role_features import features
from octo_core.schema import Role
from octo_core.types import DataType

SHIPPED: Final = Path(__file__).with_name("roles.forest")
_TEMPORAL: Final = frozenset({"date", "time", "timestamp", "timestamptz", "interval"})
_ROLES: Final[dict[str, Role]] = {role: role for role in get_args(Role)}


@cache
def shipped() -> Forest:
    """The forest of this version, read when the first field is decided."""
    return unpack(SHIPPED.read_bytes())


def role_of(
    kind: DataType, profile: FieldProfile, name: str, written: str | None, *, forest: Forest | None = None
) -> Role:
    """The role. `written`: the format found; `forest`: another one than the shipped, as cross-validation has."""
    said = by_structure(kind, profile)
    if said is not None:
        return said
    role, _share = (forest or shipped()).choose(features(profile, name, kind, written))
    return _ROLES[role]


def by_structure(kind: DataType, profile: FieldProfile) -> Role | None:
    """What needs no judgement: nothing there, structured values, and what the source itself types."""
    if profile.values - sum(profile.spelled_nulls.values()) <= 0:
        return "not-generalizable"
    if kind.kind == "record":
        return "context-specific"
    if kind.kind in ("list", "json"):
        return "list"
    if kind.kind in ("uuid", "bytes"):
        return "not-generalizable"
    if profile.carriers.get("typed") and kind.kind in _TEMPORAL:
        return "datetime"
    if kind.kind == "boolean" and not profile.carriers.get("text"):
        return "categorical"
    return None
