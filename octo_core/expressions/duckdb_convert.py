"""Changes of type in DuckDB: every cast is fenced, because DuckDB's own round, guess and overflow."""

import json
from typing import Final

from octo_core.expressions.duckdb_json import flat, quoted_numbers, valid
from octo_core.expressions.duckdb_numbers import finite, native
from octo_core.expressions.engine import Change
from octo_core.expressions.formats import reason_noun, token_sql
from octo_core.expressions.numbers import PLAIN, WITH_EXPONENT, named, text_literal
from octo_core.types import TEXT, DataType

_PART: Final = named("part")
_ITEM: Final = named("item")


def from_token(token: str, kind: DataType, fmt: str | None) -> Change:
    """A VARCHAR token (a name, cheap to repeat) read as `kind`."""
    if kind.kind == "text":
        return Change(token)
    if kind.kind == "json":
        return Change(f"CASE WHEN {valid(token)} THEN {token} END", text_literal(" is no JSON"))
    if kind.kind == "record":
        return Change(token)
    if kind.kind == "list":
        return _list_from_json(token, kind)
    return Change(token_sql(token, kind, fmt), _token_reason(token, kind, fmt))


def _token_reason(token: str, kind: DataType, fmt: str | None) -> str:
    article = " is no " + reason_noun(kind, fmt)
    if not kind.is_numeric or fmt:
        return text_literal(article)
    bare = f"trim({token}, ' ' || chr(9))"
    plain = f"regexp_full_match({bare}, {text_literal(PLAIN)})"
    number = f"regexp_full_match({bare}, {text_literal(f'{PLAIN}|{WITH_EXPONENT}')})"
    decimals = rf"regexp_matches({token}, '[.][0-9]{{{kind.scale or 0}}}[0-9]*[1-9]')"
    more = " is no whole number" if kind.is_integer else f" has more than {kind.scale} decimals"
    precise = f"WHEN {plain} AND {decimals} THEN {text_literal(more)} " if kind.family != "float" else ""
    return (
        f"CASE {precise}WHEN {plain} THEN {text_literal(f' is too large for {kind}')}"
        f" WHEN {number} THEN {text_literal(f' does not fit {kind}')} ELSE {text_literal(' is no number')} END"
    )


def _list_from_json(token: str, kind: DataType) -> Change:
    """Lists of texts by the JSON parser; of anything else by cutting, as the parser would make doubles of numbers."""
    element = kind.element or TEXT
    reason = text_literal(f" is no {kind}")
    if element.kind == "text":
        guard = f"{valid(token)} AND json_type({token}) = 'ARRAY' AND {flat(token)}"
        return Change(f"CASE WHEN {guard} THEN from_json({quoted_numbers(token)}, '[\"VARCHAR\"]') END", reason)
    blank = r"[ \t\r\n]*"
    item = rf'(?:{blank}"(?:[^"\\,]|\\.)*"{blank}|[^",\[\]{{}}]+)'
    grammar = rf"\[{blank}(?:{item}(?:,{item})*)?\]"
    body = f"regexp_extract({token}, '(?s)^\\[{blank}(.*?){blank}\\]$', 1)"
    bare = f"trim({_PART}, chr(9) || chr(10) || chr(13) || ' \"')"
    parts = f"list_transform(string_split({body}, ','), lambda {_PART}: {bare})"
    parts = f"CASE WHEN {body} = '' THEN [] ELSE {parts} END"
    item_value = token_sql(_ITEM, element)
    values = f"list_transform({parts}, lambda {_ITEM}: CASE WHEN {_ITEM} <> 'null' THEN {item_value} END)"
    whole = f"list_count({values}) = len(list_filter({parts}, lambda {_PART}: {_PART} <> 'null'))"
    guard = f"regexp_full_match({token}, {text_literal(grammar)})"
    return Change(f"CASE WHEN {guard} THEN CASE WHEN {whole} THEN {values} END END", reason)


def text_of_value(value: str, kind: DataType) -> str:
    """SQL of the one text of a value, the same whatever the session's settings."""
    if kind.kind in ("text", "uuid", "json", "record"):
        return value
    if kind.kind == "decimal" and kind.precision == kind.scale:  # DuckDB leaves the zero before the point out
        return f"regexp_replace(CAST({value} AS VARCHAR), '^(-?)[.]', '\\1' || '0.')"
    if kind.kind == "timestamp":
        return f"replace(CAST({value} AS VARCHAR), ' ', 'T')"
    if kind.kind == "timestamptz":
        return f"concat(replace(CAST({value} AT TIME ZONE 'UTC' AS VARCHAR), ' ', 'T'), 'Z')"
    if kind.kind == "list":
        return json_text(value, kind)
    return f"to_base64({value})" if kind.kind == "bytes" else f"CAST({value} AS VARCHAR)"


def json_text(value: str, kind: DataType, depth: int = 0) -> str:
    """SQL of a value as JSON, numbers as they are: DuckDB's own to_json makes doubles of decimals."""
    if kind.is_numeric or kind.kind in ("boolean", "json"):
        return text_of_value(value, kind)
    if kind.kind == "list":
        item = named(f"item {depth}")
        shown = f"coalesce({json_text(item, kind.element or TEXT, depth + 1)}, 'null')"
        elements = f"array_to_string(list_transform({value}, lambda {item}: {shown}), ',')"
        return f"('[' || {elements} || ']')"
    if kind.kind == "record" and kind.fields:
        parts = [
            f"{text_literal(json.dumps(name, ensure_ascii=False) + ':')}, "
            f"coalesce({json_text(f'struct_extract({value}, {text_literal(name)})', inner, depth)}, 'null')"
            for name, inner in kind.fields
        ]
        inside = ", ',', ".join(parts)
        return f"CASE WHEN {value} IS NOT NULL THEN concat('{{', {inside}, '}}') END"
    return f"CAST(to_json({text_of_value(value, kind)}) AS VARCHAR)"


def change(value: str, source: DataType, target: DataType, explicit: bool) -> Change:
    """A value (cheap to repeat) of one type as another: lossless or NULL; an explicit cast to a decimal rounds."""
    if source == target:
        return Change(value)
    if source.kind == "text":
        return from_token(value, target, None)
    if target.kind == "text":
        text = text_of_value(value, source)
        return Change(f"CASE WHEN {value} IS NOT NULL THEN {text} END" if source.kind == "timestamptz" else text)
    if source.is_numeric and target.is_numeric:
        return _number(value, source, target, explicit=explicit)
    if source.kind == "boolean":
        return Change(f"CAST({value} AS {native(target)})")
    if target.kind == "boolean":
        return Change(f"CASE {value} WHEN 1 THEN true WHEN 0 THEN false END", text_literal(" is neither 1 nor 0"))
    if (source.kind, target.kind) == ("timestamp", "date"):
        whole = f"CASE WHEN {value} = date_trunc('day', {value}) THEN CAST({value} AS DATE) END"
        return Change(whole, text_literal(" is not at midnight; use date_of"))
    if target.kind == "json":
        return Change(text_of_value(value, source))
    if source.kind == "list" and source.element and target.element:
        inner = change(_PART, source.element, target.element, explicit)
        values = f"list_transform({value}, lambda {_PART}: {inner.value})"
        if inner.reason is None:
            return Change(values)
        fits = f"CASE WHEN list_count({values}) = list_count({value}) THEN {values} END"
        return Change(fits, text_literal(f" holds what is no {target.element}"))
    return Change(f"CAST({value} AS {native(target)})")


def _number(value: str, source: DataType, target: DataType, *, explicit: bool) -> Change:
    name = native(target)
    large = text_literal(f" is too large for {target}")
    if target.family == "float":
        token = f"CAST({value} AS VARCHAR)" if source.kind == "decimal" else value  # by its text: rounded once
        return Change(finite(f"TRY_CAST({token} AS {name})"), large)
    if source.family == "float":
        if target.is_integer:
            fits = f"CASE WHEN {value} = trunc({value}) THEN TRY_CAST({value} AS {name}) END"
            return Change(fits, text_literal(f" is no whole number that fits {target}"))
        return Change(f"CASE WHEN isfinite({value}) THEN TRY_CAST(CAST({value} AS VARCHAR) AS {name}) END", large)
    if source.is_integer:
        return Change(f"TRY_CAST({value} AS {name})", large)
    kept = target.scale or 0
    if kept >= (source.scale or 0) or (explicit and target.kind == "decimal"):
        return Change(f"TRY_CAST({value} AS {name})", large)
    decimals = f"[.][0-9]{{0,{kept}}}0*$" if kept else "[.]0*$"
    exact = f"regexp_matches(CAST({value} AS VARCHAR), '{decimals}')"
    more = f" has more than {kept} decimals" if kept else " is no whole number"
    return Change(
        f"CASE WHEN {exact} THEN TRY_CAST({value} AS {name}) END",
        f"CASE WHEN {exact} THEN {large} ELSE {text_literal(more)} END",
    )


def typed(column: str, kind: DataType) -> str:
    """A natively typed column as our types have it."""
    if kind.kind in ("record", "json"):
        return json_text(column, kind) if kind.kind == "record" else f"CAST({column} AS VARCHAR)"
    return f"CAST({column} AS {native(kind)})" if kind.kind == "uuid" else column
