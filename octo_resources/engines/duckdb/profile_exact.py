"""Puts right what DuckDB's JSON reader rounds: number tokens with exponents or more digits than a double holds."""
# ruff: noqa: S608  (SQL is made of names through `quoted`, texts through `literal`, and constants)

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from octo_core.inference import claims as c
from octo_core.inference.observe import NumberToken
from octo_core.inference.profile import Candidate, Evidence, FieldProfile, add_claim

if TYPE_CHECKING:
    import duckdb

_ROUNDED: Final = r"[:\[,]\s*-?[0-9.]*([0-9][eE]|[0-9.]{17})"
"""After a colon, comma or bracket: a number that a double may not hold. Texts may match too; that costs time only."""
_MAX_LINES: Final = 50_000
_FIRST_LINES: Final = 100_000


def with_exact_numbers(
    con: "duckdb.DuckDBPyConnection", objects: str, profiles: dict[str, FieldProfile]
) -> dict[str, FieldProfile]:
    """The profiles with the evidence of such tokens as they stand in the lines. Lines beyond 50,000 are not looked at:
    by then the sample says as much. The scan is made only where a number looks as if it had been rounded.
    """
    seen = {_suspicious(profile) for profile in profiles.values()}
    if seen == {""}:
        return profiles
    # A few exponents among very many decimals change nothing, as a decimal field reads them: a part will do.
    lines = objects if "digits" in seen else f"(SELECT json FROM {objects} LIMIT {_FIRST_LINES})"
    rows = con.execute(
        f"SELECT json::VARCHAR FROM {lines} WHERE regexp_matches(json::VARCHAR, ?) LIMIT {_MAX_LINES}", [_ROUNDED]
    )
    tokens: dict[tuple[str, ...], Counter[str]] = {}
    while chunk := rows.fetchmany(1000):
        for (line,) in chunk:
            _collect(json.loads(line, parse_float=NumberToken, parse_int=NumberToken), (), tokens)
    found = dict(profiles)
    for path, counts in tokens.items():
        if path[0] in found:
            found[path[0]] = _put(found[path[0]], path[1:], counts)
    return found


def _suspicious(profile: FieldProfile) -> Literal["", "point", "digits"]:
    """Whether fractions were seen that a double prints when it rounds: many digits, or `.0` for an exponent."""
    found: Literal["", "point", "digits"] = ""
    for (kind, layout), evidence in profile.claims.items():
        if layout is None and kind in (c.DECIMAL, c.POINT3, c.FLOAT):
            if kind == c.FLOAT or evidence.digits + evidence.scale > 14:
                return "digits"
            if any(text.endswith(".0") for text, _ in profile.sketch.entries.values()):
                found = "point"
    inner = list((profile.children or {}).values()) + ([profile.element] if profile.element else [])
    return max([found, *map(_suspicious, inner)], key=("", "point", "digits").index)


def _collect(value: Any, path: tuple[str, ...], tokens: dict[tuple[str, ...], Counter[str]]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _collect(inner, (*path, key), tokens)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, (*path, "[]"), tokens)
    elif isinstance(value, NumberToken) and path and _rounds(value):
        tokens.setdefault(path, Counter())[str(value)] += 1


def _rounds(token: str) -> bool:
    return "e" in token or "E" in token or ("." in token and len(token) > 15 and repr(float(token)) != token)


def _put(profile: FieldProfile, path: tuple[str, ...], counts: Counter[str]) -> FieldProfile:
    if path and path[0] == "[]":
        return profile if profile.element is None else replace(profile, element=_put(profile.element, path[1:], counts))
    if path:
        children = dict(profile.children or {})
        if path[0] not in children:
            return profile
        children[path[0]] = _put(children[path[0]], path[1:], counts)
        return replace(profile, children=children)
    claims = dict(profile.claims)
    exact: dict[Candidate, Evidence] = {}
    for token, count in counts.items():
        for claim in c.claims(token):
            add_claim(exact, claim, token, count)
    _take(claims, sum(counts.values()))
    for key, evidence in exact.items():
        claims[key] = claims[key].merge(evidence) if key in claims else evidence
    return replace(profile, claims=claims)


def _take(claims: dict[Candidate, Evidence], count: int) -> None:
    """Leave out the rounded spellings of the same tokens, which DuckDB wrote as decimals or as floats."""
    for key in ((c.DECIMAL, None), (c.FLOAT, None), (c.POINT3, None)):
        taken = min(count, claims[key].count) if key in claims else 0
        if taken:
            count -= taken
            claims[key] = replace(claims[key], count=claims[key].count - taken)
            if not claims[key].count:
                del claims[key]
