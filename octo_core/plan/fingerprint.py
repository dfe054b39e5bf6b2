"""The fingerprint of a recipe: one canonical spelling of all that decides what rows become, hashed."""

import hashlib
import json
from typing import Any

from octo_core.plan.model import Recipe

_DOMAIN = b"octopipe recipe 1\n"
"""Hashed first, so that a fingerprint can never be the hash of some other document."""


def canonical_json(value: Any) -> str:
    """One spelling of a JSON value: keys sorted, ASCII, no blanks, no nulls in objects; TypeError for a float.

    A key whose value is None is left out, so that a field added to a recipe later changes no old fingerprint.
    Text is kept code point by code point: were `é` and `e´` made equal here, two mappings with different meanings
    could share one approval.
    """
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def fingerprint(recipe: Recipe) -> str:
    """64 hex digits that change exactly when something that `docs/approvals.md` lists as covered changes."""
    return hashlib.sha256(_DOMAIN + canonical_json(recipe.model_dump()).encode("ascii")).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, str | int):  # a bool is an int
        return value
    raise TypeError(f"{type(value).__name__} has no canonical spelling; recipes hold text, whole numbers and booleans")
