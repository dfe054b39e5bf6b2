"""The SQL that makes tokens of JSON lines that match a grammar, and passes on the rest as they are."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from octo_core.deletes import TOMBSTONE
from octo_core.expressions.tree import path_parts
from octo_resources.engines.duckdb.grammar import TOKEN_WINDOW, Grammar
from octo_resources.engines.duckdb.select import ROW, identifier, literal
from octo_resources.engines.duckdb.template import Template, same, tokens

LINE: Final = "!line"


@dataclass(frozen=True)
class JsonRelation:
    """`sql`: one column a path, `!row`, `!line` (the line where it did not match, else NULL), and the counts' columns.

    `missing`, `new_fields`: field → the boolean column that says so of a row, or True where it is so of every row.
    """

    sql: str
    missing: dict[str, str | bool]
    new_fields: dict[str, str | bool]

    @property
    def extra(self) -> tuple[str, ...]:
        """The columns beside the paths' that have to be carried through the evaluation."""
        flags = [*self.missing.values(), *self.new_fields.values()]
        return (LINE, *(flag for flag in flags if isinstance(flag, str)))


def json_relation(
    grammar: Grammar, paths: Sequence[str], fields: Sequence[str], source: str, template: Template | None = None
) -> JsonRelation:
    """Tokens of `paths` for the lines of `source`, a relation of `!row` and `line`; `fields`: the schema's own.

    With a `template`, which has to be of the grammar's keys, the grammar is asked of the lines that do not fit it only.
    """
    if template is not None and templated(grammar, paths):
        return _by_template(grammar, template, paths, fields, source)
    parts = {path: path_parts(path) for path in paths}
    keys = grammar.required | grammar.optional
    asked = sorted(grammar.optional)
    missing, new = _flags(grammar, keys, fields)
    flags = {flag for flag in (*missing.values(), *new.values()) if isinstance(flag, str)}
    matched = f"regexp_full_match(line, {literal(grammar.regex)})"
    row = identifier(ROW)
    base = f"SELECT {row}, line, {matched} AS _ok FROM {source}"  # noqa: S608  (all quoted)
    if flags or grammar.any_order:  # CASE and not AND, which may ask json_keys of a broken line, and that raises
        base = f"SELECT *, CASE WHEN _ok THEN json_keys(line) END AS _keys FROM ({base})"  # noqa: S608  (all quoted)
    if grammar.any_order:
        distinct = "len(_keys) = len(list_distinct(_keys))"
        base = f"SELECT {row}, line, _keys, CASE WHEN _ok THEN {distinct} ELSE false END AS _ok FROM ({base})"  # noqa: S608  (all quoted)
    inner = [identifier(ROW), "line", "_ok"]
    structure = _structure([part for path, part in parts.items() if part not in grammar.captures and part[0] in keys])
    if structure:
        inner.append(f"CASE WHEN _ok THEN json_transform(line, {literal(json.dumps(structure))}) END AS _s")
    if grammar.captures:
        names = "[" + ", ".join(literal(f"g{place}") for place in range(len(grammar.captures))) + "]"
        inner.append(f"CASE WHEN _ok THEN regexp_extract(line, {literal(grammar.regex)}, {names}) END AS _g")
    if flags:
        inner.append("_keys")
    columns = [identifier(ROW), f"CASE WHEN _ok THEN NULL ELSE line END AS {identifier(LINE)}"]
    columns += [f"{_token(grammar, part, keys)} AS {identifier(path)}" for path, part in parts.items()]
    for place, key in enumerate(asked):
        there = f"list_contains(_keys, {literal(key)})"
        if f"!m{place}" in flags:
            columns.append(f'CASE WHEN _ok AND len(_keys) < {len(keys)} THEN NOT {there} ELSE false END AS "!m{place}"')
        if f"!n{place}" in flags:
            columns.append(f'CASE WHEN _ok THEN {there} ELSE false END AS "!n{place}"')
    sql = f"SELECT {', '.join(columns)} FROM (SELECT {', '.join(inner)} FROM ({base}))"  # noqa: S608  (all quoted)
    return JsonRelation(sql, missing, new)


def templated(grammar: Grammar, paths: Sequence[str]) -> bool:
    """Whether a template can stand for the grammar: the same keys in every record, and no path into one's value."""
    flat = all(
        len(parts) == 1 and (parts[0] in grammar.required or parts[0] == TOMBSTONE) for parts in map(path_parts, paths)
    )
    return flat and not (grammar.optional or grammar.any_order or grammar.captures)


def _by_template(
    grammar: Grammar, template: Template, paths: Sequence[str], fields: Sequence[str], source: str
) -> JsonRelation:
    missing, new = _flags(grammar, grammar.required, fields)
    row = identifier(ROW)
    names = {slot.key: f"_t{place}" for place, slot in enumerate(template.slots)}
    read = f"SELECT {row}, line, {tokens(template)} AS _t FROM {source}"  # noqa: S608  (all quoted)
    parted = ", ".join(f"_t[{place + 1}] AS {name}" for place, name in enumerate(names.values()))
    read = f"SELECT {row}, line, {parted} FROM ({read})"  # noqa: S608  (all quoted)
    looked = f"SELECT *, {same(template, list(names.values()))} AS _same FROM ({read})"  # noqa: S608  (all quoted)
    matched = f"CASE WHEN _same THEN true ELSE regexp_full_match(line, {literal(grammar.regex)}) END"
    judged = f"SELECT *, {matched} AS _ok FROM ({looked})"  # noqa: S608  (all quoted)
    columns = [row, f"CASE WHEN _ok THEN NULL ELSE line END AS {identifier(LINE)}"]
    for path in paths:
        key = str(path_parts(path)[0])
        token = names.get(key, "CAST(NULL AS VARCHAR)")
        if key in grammar.windows:
            token = f"CASE WHEN _same THEN {token} ELSE {_windowed(key, token)} END"
        columns.append(f"{token} AS {identifier(path)}")
    return JsonRelation(f"SELECT {', '.join(columns)} FROM ({judged})", missing, new)  # noqa: S608  (all quoted)


def _flags(
    grammar: Grammar, keys: frozenset[str], fields: Sequence[str]
) -> tuple[dict[str, str | bool], dict[str, str | bool]]:
    place = {key: number for number, key in enumerate(sorted(grammar.optional))}
    missing: dict[str, str | bool] = {}
    for name in fields:
        if name not in keys:
            missing[name] = True
        elif name in place:
            missing[name] = f"!m{place[name]}"
    new: dict[str, str | bool] = {}
    for key in sorted(keys - set(fields)):
        new[key] = f"!n{place[key]}" if key in place else True
    return missing, new


def _structure(paths: Sequence[tuple[str | int, ...]]) -> dict[str, Any]:
    """json_transform's structure for these paths, e.g. {"a": "VARCHAR", "b": {"c": "VARCHAR"}}."""
    structure: dict[str, Any] = {}
    for parts in paths:
        place = structure
        for part in parts[:-1]:
            place = place.setdefault(str(part), {})
        place[str(parts[-1])] = "VARCHAR"
    return structure


def _token(grammar: Grammar, parts: tuple[str | int, ...], keys: frozenset[str]) -> str:
    if parts[0] not in keys:
        return "CAST(NULL AS VARCHAR)"
    if parts in grammar.captures:
        raw = f"_g.g{grammar.captures.index(parts)}"
        return (
            f"CASE WHEN {raw} = '' OR {raw} = 'null' THEN NULL"
            f" WHEN starts_with({raw}, '\"') THEN json_extract_string({raw}, '$') ELSE {raw} END"
        )
    value = "_s" + "".join(f".{identifier(str(part))}" for part in parts)
    if parts[0] in grammar.windows:
        return _windowed(str(parts[0]), value)
    return value


def _windowed(key: str, value: str) -> str:
    """The number as it is written. In a flat record `"key":` stands only where the key does, as quotes are escaped."""
    text = json.dumps(key, ensure_ascii=False) + ":"
    start = f"strpos(line, {literal(text)})"
    cut = f"substr(line, {start} + {len(text)}, {TOKEN_WINDOW})"
    number = f"nullif(regexp_extract({cut}, '^[ \\t\\r]*(-?[0-9][0-9.eE+-]*)', 1), '')"
    return f"CASE WHEN _ok THEN CASE WHEN {start} > 0 THEN coalesce({number}, {value}) END END"
