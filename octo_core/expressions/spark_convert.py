"""Changes of type in Spark: every cast is fenced, because Spark's own cut, round and guess."""

import json

from octo_core.expressions.engine import Change
from octo_core.expressions.formats import reason_noun
from octo_core.expressions.numbers import PLAIN, WITH_EXPONENT
from octo_core.expressions.spark_formats import token_spark
from octo_core.expressions.spark_json import texts, valid
from octo_core.expressions.spark_names import full_match, literal, name, named, native, with_name
from octo_core.expressions.spark_numbers import double_to_decimal, finite, float_text
from octo_core.types import TEXT, DataType

_ITEM = named("item")
_V, _P = named("values"), named("parts")


def from_token(token: str, kind: DataType, fmt: str | None) -> Change:
    """A text token (a name, cheap to repeat) read as `kind`."""
    if kind.kind in ("text", "record"):
        return Change(token)
    if kind.kind == "json":
        return Change(f"CASE WHEN {valid(token)} THEN {token} END", literal(" is no JSON"))
    if kind.kind == "list":
        return _list_from_json(token, kind)
    return Change(token_spark(token, kind, fmt), _token_reason(token, kind, fmt))


def _token_reason(token: str, kind: DataType, fmt: str | None) -> str:
    if not kind.is_numeric or fmt:
        return literal(" is no " + reason_noun(kind, fmt))
    bare = f"trim(BOTH ' \\t' FROM {token})"
    plain = full_match(bare, PLAIN)
    decimals = f"{token} RLIKE '[.][0-9]{{{kind.scale or 0}}}[0-9]*[1-9]'"
    more = " is no whole number" if kind.is_integer else f" has more than {kind.scale} decimals"
    precise = f"WHEN {plain} AND {decimals} THEN {literal(more)} " if kind.family != "float" else ""
    return (
        f"CASE {precise}WHEN {plain} THEN {literal(f' is too large for {kind}')}"
        f" WHEN {full_match(bare, f'{PLAIN}|{WITH_EXPONENT}')} THEN {literal(f' does not fit {kind}')}"
        f" ELSE {literal(' is no number')} END"
    )


def _list_from_json(token: str, kind: DataType) -> Change:
    """Lists of texts by the JSON parser; of anything else by cutting."""
    element = kind.element or TEXT
    reason = literal(f" is no {kind}")
    if element.kind == "text":
        return Change(texts(token), reason)
    blank = r"[ \t\r\n]*+"
    item = rf'(?:{blank}"(?:[^"\\,]|\\.)*+"{blank}|[^",\[\]{{}}]++)'
    grammar = rf"\[{blank}(?:{item}(?:,{item})*+)?+\]"
    edges = literal(rf"\A\[{blank}|[ \t\r\n]*\]\z")
    body = f"regexp_replace({token}, {edges}, '')"
    bare = f"trim(BOTH '\\t\\n\\r \"' FROM {_ITEM})"
    parts = f"CASE WHEN {body} = '' THEN array() ELSE transform(split({body}, ','), {_ITEM} -> {bare}) END"
    read = f"CASE WHEN {_ITEM} <> 'null' THEN {token_spark(_ITEM, element)} END"
    given = f"size(filter({_P}, {_ITEM} -> {_ITEM} <> 'null'))"
    whole = f"size(filter({_V}, {_ITEM} -> {_ITEM} IS NOT NULL)) = {given}"
    values = with_name(f"transform({_P}, {_ITEM} -> {read})", "values", f"CASE WHEN {whole} THEN {_V} END")
    return Change(f"CASE WHEN {full_match(token, grammar)} THEN {with_name(parts, 'parts', values)} END", reason)


def text_of_value(value: str, kind: DataType) -> str:
    """SQL of the one text of a value."""
    if kind.kind in ("text", "uuid", "json", "record"):
        return value
    if kind.family == "float":
        return float_text(value, kind)
    if kind.kind == "timestamp":
        return f"replace(CAST({value} AS STRING), ' ', 'T')"
    if kind.kind == "timestamptz":
        return f"concat(replace(CAST({value} AS STRING), ' ', 'T'), 'Z')"
    if kind.kind == "list":
        return json_text(value, kind)
    if kind.kind == "interval":
        return f"to_json({value})"
    return f"base64({value})" if kind.kind == "bytes" else f"CAST({value} AS STRING)"


def json_text(value: str, kind: DataType, depth: int = 0) -> str:
    """SQL of a value as JSON, as DuckDB's of the same name."""
    if kind.is_numeric or kind.kind in ("boolean", "json"):
        return text_of_value(value, kind)
    if kind.kind == "list":
        item = named(f"item {depth}")
        shown = f"coalesce({json_text(item, kind.element or TEXT, depth + 1)}, 'null')"
        return f"concat('[', array_join(transform({value}, {item} -> {shown}), ','), ']')"
    if kind.kind == "record" and kind.fields:
        parts = [
            f"{literal(json.dumps(own, ensure_ascii=False) + ':')}, "
            f"coalesce({json_text(f'{value}.{name(own)}', inner, depth)}, 'null')"
            for own, inner in kind.fields
        ]
        inside = ", ',', ".join(parts)
        return f"CASE WHEN {value} IS NOT NULL THEN concat('{{', {inside}, '}}') END"
    quoted = f"to_json(array({text_of_value(value, kind)}))"
    return f"CASE WHEN {value} IS NOT NULL THEN substring({quoted}, 2, length({quoted}) - 2) END"


def change(value: str, source: DataType, target: DataType, explicit: bool) -> Change:
    """A value (cheap to repeat) of one type as another: lossless or NULL; an explicit cast to a decimal rounds."""
    if source == target:
        return Change(value)
    if source.kind == "text":
        return from_token(value, target, None)
    if target.kind == "text":
        return Change(text_of_value(value, source))
    if source.is_numeric and target.is_numeric:
        return _number(value, source, target, explicit)
    if source.kind == "boolean":
        return Change(f"CAST({value} AS {native(target)})")
    if target.kind == "boolean":
        return Change(f"CASE {value} WHEN 1 THEN true WHEN 0 THEN false END", literal(" is neither 1 nor 0"))
    if (source.kind, target.kind) == ("timestamp", "date"):
        day = f"CAST({value} AS DATE)"
        whole = f"CASE WHEN CAST({day} AS TIMESTAMP_NTZ) = {value} THEN {day} END"
        return Change(whole, literal(" is not at midnight; use date_of"))
    if target.kind == "json":
        return Change(text_of_value(value, source))
    if source.kind == "list" and source.element and target.element:
        inner = change(_ITEM, source.element, target.element, explicit)
        values = f"transform({value}, {_ITEM} -> {inner.value})"
        if inner.reason is None:
            return Change(values)
        none = f"{_ITEM} -> {_ITEM} IS NOT NULL"
        fits = f"CASE WHEN size(filter({_V}, {none})) = size(filter({value}, {none})) THEN {_V} END"
        return Change(with_name(values, "values", fits), literal(f" holds what is no {target.element}"))
    return Change(f"CAST({value} AS {native(target)})")


def _number(value: str, source: DataType, target: DataType, explicit: bool) -> Change:
    own = native(target)
    large = literal(f" is too large for {target}")
    if target.family == "float":
        token = f"CAST({value} AS STRING)" if source.kind == "decimal" else value  # by its text: rounded once
        return Change(finite(f"CAST({token} AS {own})"), large)
    if source.family == "float":
        if target.is_integer:
            small = f"{value} < 9223372036854775808D"  # which Spark's cast would take for the largest BIGINT
            fits = f"CASE WHEN {value} = rint({value}) AND {small} THEN try_cast({value} AS {own}) END"
            return Change(fits, literal(f" is no whole number that fits {target}"))
        decimal = double_to_decimal(value, source, target)
        return Change(f"CASE WHEN abs({value}) < double('Infinity') THEN {decimal} END", large)
    if source.is_integer:
        return Change(f"try_cast({value} AS {own})", large)
    kept = target.scale or 0
    if kept >= (source.scale or 0) or (explicit and target.kind == "decimal"):
        return Change(f"try_cast({value} AS {own})", large)
    decimals = rf"[.][0-9]{{0,{kept}}}0*\z" if kept else r"[.]0*\z"
    exact = f"CAST({value} AS STRING) RLIKE {literal(decimals)}"
    more = f" has more than {kept} decimals" if kept else " is no whole number"
    return Change(
        f"CASE WHEN {exact} THEN try_cast({value} AS {own}) END",
        f"CASE WHEN {exact} THEN {large} ELSE {literal(more)} END",
    )


def typed(column: str, kind: DataType) -> str:
    """A natively typed column as our types have it."""
    if kind.kind == "record":
        return json_text(column, kind)
    return f"CAST({column} AS {native(kind)})" if kind.kind in ("uuid", "json") else column
