"""Mapping: `match` two lists of columns, `propose` a pipeline's mapping, and lay its layers over one another.

The three are imported when they are first asked for: the models alone cost nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from octo_core.mapping.layers import layered
    from octo_core.mapping.matching import Match, ScoredPair, match
    from octo_core.mapping.proposal import propose
    from octo_core.mapping.remembered import Remembered

__all__ = ["Match", "Remembered", "ScoredPair", "layered", "match", "propose"]

_HOMES = {
    "Match": "matching",
    "ScoredPair": "matching",
    "match": "matching",
    "propose": "proposal",
    "Remembered": "remembered",
    "layered": "layers",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"octo_core.mapping.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
