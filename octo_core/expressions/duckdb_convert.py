"""Changes of type as DuckDB's SQL."""

from typing import Final

from octo_core.expressions.converting import Converting
from octo_core.expressions.duckdb_json import flat, quoted_numbers, valid
from octo_core.expressions.duckdb_numbers import finite, native
from octo_core.expressions.engine import Change
from octo_core.expressions.formats import token_sql
from octo_core.expressions.numbers import named, text_literal
from octo_core.types import DataType

_PART: Final = named("part")
_ITEM: Final = named("item")
_BLANK: Final = r"[ \t\r\n]*"
_MEMBER: Final = rf'(?:{_BLANK}"(?:[^"\\,]|\\.)*"{_BLANK}|[^",\[\]{{}}]+)'
_SCALARS: Final = rf"\[{_BLANK}(?:{_MEMBER}(?:,{_MEMBER})*)?\]"


class _Converting(Converting):
    def text(self, text: str) -> str:
        return text_literal(text)

    def native(self, kind: DataType) -> str:
        return native(kind)

    def matches(self, value: str, regex: str) -> str:
        return f"regexp_matches({value}, {text_literal(regex)})"

    def full_match(self, value: str, regex: str) -> str:
        return f"regexp_full_match({value}, {text_literal(regex)})"

    def bare(self, value: str) -> str:
        return f"trim({value}, ' ' || chr(9))"

    def valid_json(self, token: str) -> str:
        return valid(token)

    def token(self, token: str, kind: DataType, fmt: str | None) -> str:
        return token_sql(token, kind, fmt)

    def list_of(self, token: str, element: DataType) -> str:
        """Lists of texts by the JSON parser; of anything else by cutting, as the parser would make doubles of them."""
        if element.kind == "text":
            guard = f"{valid(token)} AND json_type({token}) = 'ARRAY' AND {flat(token)}"
            return f"CASE WHEN {guard} THEN from_json({quoted_numbers(token)}, '[\"VARCHAR\"]') END"
        body = f"regexp_extract({token}, '(?s)^\\[{_BLANK}(.*?){_BLANK}\\]$', 1)"
        bare = f"trim({_PART}, chr(9) || chr(10) || chr(13) || ' \"')"
        parts = f"list_transform(string_split({body}, ','), lambda {_PART}: {bare})"
        parts = f"CASE WHEN {body} = '' THEN [] ELSE {parts} END"
        read = f"CASE WHEN {_ITEM} <> 'null' THEN {token_sql(_ITEM, element)} END"
        values = f"list_transform({parts}, lambda {_ITEM}: {read})"
        whole = f"list_count({values}) = len(list_filter({parts}, lambda {_PART}: {_PART} <> 'null'))"
        return f"CASE WHEN {self.full_match(token, _SCALARS)} THEN CASE WHEN {whole} THEN {values} END END"

    def own_text(self, value: str, kind: DataType) -> str:
        if kind.kind == "decimal" and kind.precision == kind.scale:  # DuckDB leaves the zero before the point out
            return f"regexp_replace(CAST({value} AS VARCHAR), '^(-?)[.]', '\\1' || '0.')"
        return f"to_base64({value})" if kind.kind == "bytes" else f"CAST({value} AS VARCHAR)"

    def in_utc(self, value: str) -> str:
        return f"{value} AT TIME ZONE 'UTC'"

    def each_as_json(self, value: str, kind: DataType, depth: int) -> str:
        item = named(f"item {depth}")
        shown = self.json_or_null(item, kind, depth + 1)
        return f"('[' || array_to_string(list_transform({value}, lambda {item}: {shown}), ',') || ']')"

    def member(self, value: str, name: str) -> str:
        return f"struct_extract({value}, {text_literal(name)})"

    def quoted_json(self, value: str, text: str) -> str:  # noqa: ARG002 - Spark's makes an array of NULL, and asks
        return f"CAST(to_json({text}) AS VARCHAR)"

    def whole_of_float(self, value: str, target: DataType) -> str:
        return f"CASE WHEN {value} = trunc({value}) THEN TRY_CAST({value} AS {native(target)}) END"

    def decimal_of_float(self, value: str, source: DataType, target: DataType) -> str:  # noqa: ARG002 - Spark's does
        # DuckDB lets texts with an exponent pass that have more digits than a wide decimal has room for.
        room = f"abs({value}) < CAST('1e{(target.precision or 38) - (target.scale or 0)}' AS DOUBLE)"
        return f"CASE WHEN {room} THEN TRY_CAST(CAST({value} AS VARCHAR) AS {native(target)}) END"

    def finite(self, sql: str) -> str:
        return finite(sql)

    def list_changed(self, value: str, source: DataType, target: DataType, explicit: bool) -> Change:
        inner = self.change(_PART, source, target, explicit)
        values = f"list_transform({value}, lambda {_PART}: {inner.value})"
        if inner.reason is None:
            return Change(values)
        fits = f"CASE WHEN list_count({values}) = list_count({value}) THEN {values} END"
        return Change(fits, text_literal(f" holds what is no {target}"))


CONVERTING: Final = _Converting()
