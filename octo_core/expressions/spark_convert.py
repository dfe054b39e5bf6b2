"""Changes of type as Spark's SQL."""

from typing import Final

from octo_core.expressions.converting import Converting
from octo_core.expressions.engine import Change
from octo_core.expressions.spark_formats import token_spark
from octo_core.expressions.spark_json import texts, valid
from octo_core.expressions.spark_names import full_match, literal, name, named, native, with_name
from octo_core.expressions.spark_numbers import double_to_decimal, finite, float_text
from octo_core.types import DataType

_ITEM: Final = named("item")
_VALUES: Final = named("values")
_PARTS: Final = named("parts")
_BLANK: Final = r"[ \t\r\n]*+"
_MEMBER: Final = rf'(?:{_BLANK}"(?:[^"\\,]|\\.)*+"{_BLANK}|[^",\[\]{{}}]++)'
_SCALARS: Final = rf"\[{_BLANK}(?:{_MEMBER}(?:,{_MEMBER})*+)?+\]"
_THERE: Final = f"{_ITEM} -> {_ITEM} IS NOT NULL"


class _Converting(Converting):
    def text(self, text: str) -> str:
        return literal(text)

    def native(self, kind: DataType) -> str:
        return native(kind)

    def matches(self, value: str, regex: str) -> str:
        return f"{value} RLIKE {literal(regex)}"

    def full_match(self, value: str, regex: str) -> str:
        return full_match(value, regex)

    def bare(self, value: str) -> str:
        return f"trim(BOTH ' \\t' FROM {value})"

    def valid_json(self, token: str) -> str:
        return valid(token)

    def token(self, token: str, kind: DataType, fmt: str | None) -> str:
        return token_spark(token, kind, fmt)

    def list_of(self, token: str, element: DataType) -> str:
        """Lists of texts by the JSON parser; of anything else by cutting."""
        if element.kind == "text":
            return texts(token)
        edges = literal(rf"\A\[{_BLANK}|[ \t\r\n]*\]\z")
        body = f"regexp_replace({token}, {edges}, '')"
        bare = f"trim(BOTH '\\t\\n\\r \"' FROM {_ITEM})"
        parts = f"CASE WHEN {body} = '' THEN array() ELSE transform(split({body}, ','), {_ITEM} -> {bare}) END"
        read = f"CASE WHEN {_ITEM} <> 'null' THEN {token_spark(_ITEM, element)} END"
        given = f"size(filter({_PARTS}, {_ITEM} -> {_ITEM} <> 'null'))"
        whole = f"CASE WHEN size(filter({_VALUES}, {_THERE})) = {given} THEN {_VALUES} END"
        values = with_name(f"transform({_PARTS}, {_ITEM} -> {read})", "values", whole)
        return f"CASE WHEN {full_match(token, _SCALARS)} THEN {with_name(parts, 'parts', values)} END"

    def own_text(self, value: str, kind: DataType) -> str:
        if kind.family == "float":
            return float_text(value, kind)
        if kind.kind == "interval":
            return f"to_json({value})"
        return f"base64({value})" if kind.kind == "bytes" else f"CAST({value} AS STRING)"

    def in_utc(self, value: str) -> str:
        return value  # the session's time zone is UTC

    def each_as_json(self, value: str, kind: DataType, depth: int) -> str:
        item = named(f"item {depth}")
        shown = self.json_or_null(item, kind, depth + 1)
        return f"concat('[', array_join(transform({value}, {item} -> {shown}), ','), ']')"

    def member(self, value: str, name_: str) -> str:
        return f"{value}.{name(name_)}"

    def quoted_json(self, value: str, text: str) -> str:
        quoted = f"to_json(array({text}))"
        return f"CASE WHEN {value} IS NOT NULL THEN substring({quoted}, 2, length({quoted}) - 2) END"

    def whole_of_float(self, value: str, target: DataType) -> str:
        small = f"{value} < 9223372036854775808D"  # which Spark's cast would take for the largest BIGINT
        return f"CASE WHEN {value} = rint({value}) AND {small} THEN try_cast({value} AS {native(target)}) END"

    def decimal_of_float(self, value: str, source: DataType, target: DataType) -> str:
        decimal = double_to_decimal(value, source, target)
        return f"CASE WHEN abs({value}) < double('Infinity') THEN {decimal} END"

    def finite(self, sql: str) -> str:
        return finite(sql)

    def list_changed(self, value: str, source: DataType, target: DataType, explicit: bool) -> Change:
        inner = self.change(_ITEM, source, target, explicit)
        values = f"transform({value}, {_ITEM} -> {inner.value})"
        if inner.reason is None:
            return Change(values)
        fits = f"CASE WHEN size(filter({_VALUES}, {_THERE})) = size(filter({value}, {_THERE})) THEN {_VALUES} END"
        return Change(with_name(values, "values", fits), literal(f" holds what is no {target}"))


CONVERTING: Final = _Converting()
