"""Changes of type: what is decided, for every engine. How an engine writes it is in `duckdb_convert`, `spark_convert`.

Every cast is fenced, because engines cut, round, guess and overflow, each in its own way.
"""

import json
from abc import ABC, abstractmethod
from typing import Final

from octo_core.expressions.engine import Change
from octo_core.expressions.formats import reason_noun
from octo_core.expressions.numbers import PLAIN, WITH_EXPONENT
from octo_core.types import INT64, INTEGER_BITS, TEXT, TIMESTAMP, DataType

_TEXTS: Final = frozenset({"text", "uuid", "json", "record"})
"""Kinds whose values travel as their text."""
NUL_ESCAPED: Final = r"(?:^|[^\\])(?:\\\\)*\\u0000"
"""In JSON, a character that no database holds."""
_EXACT_BITS: Final = {"float32": 16, "float64": 32}
"""Widths of integers all of which a float holds."""


class Converting(ABC):
    """SQL of an engine. What is abstract, an engine spells; values are names or cheap to repeat."""

    @abstractmethod
    def text(self, text: str) -> str:
        """A text literal."""

    @abstractmethod
    def native(self, kind: DataType) -> str:
        """The type in which values of a kind are."""

    @abstractmethod
    def matches(self, value: str, regex: str) -> str:
        """A condition: the pattern is somewhere in the text."""

    @abstractmethod
    def full_match(self, value: str, regex: str) -> str:
        """A condition: the pattern is the whole text."""

    @abstractmethod
    def bare(self, value: str) -> str:
        """The text without blanks and tabs around it."""

    @abstractmethod
    def valid_json(self, token: str) -> str:
        """A condition: the text is JSON by RFC 8259."""

    @abstractmethod
    def token(self, token: str, kind: DataType, fmt: str | None) -> str:
        """A text as a scalar; NULL where it is none."""

    @abstractmethod
    def list_of(self, token: str, element: DataType) -> str:
        """A text as a list of scalars; NULL where it is none."""

    @abstractmethod
    def own_text(self, value: str, kind: DataType) -> str:
        """The text of a value that is neither a list nor a point in time."""

    @abstractmethod
    def in_utc(self, value: str) -> str:
        """A timestamptz as the timestamp in UTC."""

    @abstractmethod
    def each_as_json(self, value: str, kind: DataType, depth: int) -> str:
        """A list as JSON."""

    @abstractmethod
    def member(self, value: str, name: str) -> str:
        """A struct's field."""

    @abstractmethod
    def quoted_json(self, value: str, text: str) -> str:
        """The text of a value as JSON; NULL where there is no value."""

    @abstractmethod
    def whole_of_float(self, value: str, target: DataType) -> str:
        """A float as a whole number; NULL where it is none, or too large."""

    @abstractmethod
    def decimal_of_float(self, value: str, source: DataType, target: DataType) -> str:
        """A finite float as a decimal, by its shortest text."""

    @abstractmethod
    def finite(self, sql: str) -> str:
        """A float, or NULL where it is infinite or no number."""

    @abstractmethod
    def list_changed(self, value: str, source: DataType, target: DataType, explicit: bool) -> Change:
        """A list whose elements change."""

    def from_token(self, token: str, kind: DataType, fmt: str | None) -> Change:
        """A text token (a name, cheap to repeat) read as `kind`."""
        if kind.kind in ("text", "record"):
            return Change(token)
        if kind.kind == "json":
            held = f"{self.valid_json(token)} AND NOT {self.matches(token, NUL_ESCAPED)}"
            return Change(f"CASE WHEN {held} THEN {token} END", self.text(" is no JSON"))
        if kind.kind == "list":
            return Change(self.list_of(token, kind.element or TEXT), self.text(f" is no {kind}"))
        return Change(self.token(token, kind, fmt), self._token_reason(token, kind, fmt))

    def text_of_value(self, value: str, kind: DataType) -> str:
        """SQL of the one text of a value, the same whatever the session's settings."""
        if kind.kind in _TEXTS:
            return value
        if kind.kind == "list":
            return self.json_text(value, kind)
        if kind.kind == "timestamp":
            return f"replace({self._as_text(value)}, ' ', 'T')"
        if kind.kind == "timestamptz":
            return f"(replace({self._as_text(self.in_utc(value))}, ' ', 'T') || 'Z')"
        return self.own_text(value, kind)

    def json_text(self, value: str, kind: DataType, depth: int = 0) -> str:
        """SQL of a value as JSON, numbers as they are: engines' own functions make doubles of decimals."""
        if kind.is_numeric or kind.kind in ("boolean", "json"):
            return self.text_of_value(value, kind)
        if kind.kind == "list":
            return self.each_as_json(value, kind.element or TEXT, depth)
        if kind.kind == "record" and kind.fields:
            parts = [
                f"{self.text(json.dumps(name, ensure_ascii=False) + ':')}, "
                f"{self.json_or_null(self.member(value, name), inner, depth)}"
                for name, inner in kind.fields
            ]
            inside = ", ',', ".join(parts)
            return f"CASE WHEN {value} IS NOT NULL THEN concat('{{', {inside}, '}}') END"
        return self.quoted_json(value, self.text_of_value(value, kind))

    def json_or_null(self, value: str, kind: DataType, depth: int) -> str:
        """A value as JSON inside of JSON."""
        return f"coalesce({self.json_text(value, kind, depth)}, 'null')"

    def change(self, value: str, source: DataType, target: DataType, explicit: bool) -> Change:
        """A value (cheap to repeat) of one type as another: lossless or NULL; an explicit cast to a decimal rounds."""
        if source == target:
            return Change(value)
        if source.kind == "text":
            return self.from_token(value, target, None)
        if target.kind in ("text", "json"):
            return Change(self.text_of_value(value, source))
        if source.is_numeric and target.is_numeric:
            return self._number(value, source, target, explicit)
        if target.kind == "boolean":
            return Change(f"CASE {value} WHEN 1 THEN true WHEN 0 THEN false END", self.text(" is neither 1 nor 0"))
        if (source.kind, target.kind) == ("timestamp", "date"):
            day = f"CAST({value} AS DATE)"
            whole = f"CASE WHEN CAST({day} AS {self.native(TIMESTAMP)}) = {value} THEN {day} END"
            return Change(whole, self.text(" is not at midnight; use date_of"))
        if source.kind == "list" and source.element and target.element:
            return self.list_changed(value, source.element, target.element, explicit)
        return Change(f"CAST({value} AS {self.native(target)})")

    def typed(self, column: str, kind: DataType) -> str:
        """A natively typed column as our types have it."""
        if kind.kind == "record":
            return self.json_text(column, kind)
        return f"CAST({column} AS {self.native(kind)})" if kind.kind in ("uuid", "json") else column

    def _token_reason(self, token: str, kind: DataType, fmt: str | None) -> str:
        if not kind.is_numeric or fmt:
            return self.text(" is no " + reason_noun(kind, fmt))
        bare = self.bare(token)
        plain = self.full_match(bare, PLAIN)
        decimals = self.matches(token, f"[.][0-9]{{{kind.scale or 0}}}[0-9]*[1-9]")
        more = " is no whole number" if kind.is_integer else f" has more than {kind.scale} decimals"
        precise = f"WHEN {plain} AND {decimals} THEN {self.text(more)} " if kind.family != "float" else ""
        return (
            f"CASE {precise}WHEN {plain} THEN {self.text(f' is too large for {kind}')}"
            f" WHEN {self.full_match(bare, f'{PLAIN}|{WITH_EXPONENT}')} THEN {self.text(f' does not fit {kind}')}"
            f" ELSE {self.text(' is no number')} END"
        )

    def _number(self, value: str, source: DataType, target: DataType, explicit: bool) -> Change:
        tried = f"TRY_CAST({value} AS {self.native(target)})"
        large = self.text(f" is too large for {target}")
        if target.family == "float":
            token = self._as_text(value) if source.kind == "decimal" else value  # by its text: rounded once
            found = self.finite(f"TRY_CAST({token} AS {self.native(target)})")
            if not source.is_integer or INTEGER_BITS[source.kind] <= _EXACT_BITS[target.kind]:
                return Change(found, large)
            back = f"TRY_CAST({found} AS {self.native(INT64)})"  # an id of 17 digits is another one as a float
            return Change(
                f"CASE WHEN {back} = {value} AND {found} < 9.223372036854775808E18 THEN {found} END",
                self.text(f" has more digits than {target} holds"),
            )
        if source.family == "float":
            if target.is_integer:
                return Change(self.whole_of_float(value, target), self.text(f" is no whole number that fits {target}"))
            return Change(self.decimal_of_float(value, source, target), large)
        kept = target.scale or 0
        if source.is_integer or kept >= (source.scale or 0) or (explicit and target.kind == "decimal"):
            return Change(tried, large)
        exact = self.matches(self._as_text(value), rf"[.][0-9]{{0,{kept}}}0*\z" if kept else r"[.]0*\z")
        more = f" has more than {kept} decimals" if kept else " is no whole number"
        return Change(
            f"CASE WHEN {exact} THEN {tried} END", f"CASE WHEN {exact} THEN {large} ELSE {self.text(more)} END"
        )

    def _as_text(self, value: str) -> str:
        return f"CAST({value} AS {self.native(TEXT)})"
