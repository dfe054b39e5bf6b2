"""Numbers as text: the plain grammar, the locale formats (`1.234,56`), and their exact reading in DuckDB."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from octo_core.types import INTEGER_BITS, DataType

PLAIN: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
"""A number without exponent. A grammar of ours and not DuckDB's, whose casts take `1_000`, `0x10` and round `2.5`."""
WITH_EXPONENT: Final = PLAIN + r"[eE][+-]?0*[0-9]{1,3}"
FLOAT: Final = PLAIN + r"(?:[eE][+-]?[0-9]{1,4})?"

_CORE = re.compile(r"1(?P<group>[.,'’_ \u00a0\u202f\u2009])?234(?:(?P<point>[.,])56)?")
_PAIRS = re.compile(r"12(?P<group>[.,'’ \u00a0\u202f\u2009])34(?P=group)567(?:(?P<point>[.,])89)?")
"""As in India: the last three digits, then two by two."""
_SPACE: Final = "[ \u00a0\u202f\u2009]"
_GROUPS: Final[dict[str, str]] = {
    " ": _SPACE,
    "\u00a0": _SPACE,
    "\u202f": _SPACE,
    "\u2009": _SPACE,
    "'": "['’]",
    "’": "['’]",
}


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """A locale's way to write numbers, shown by how it writes 1234.56, e.g. `1.234,56 €` or `(1,234.56)`."""

    group: str
    """Between thousands; "" for none. Tokens may leave it out altogether."""
    point: str
    """Before the decimals; "" where only whole numbers are written."""
    prefix: str
    suffix: str
    parentheses: bool
    """Whether `(12)` means -12."""
    trailing: bool = False
    """Whether `12-` means -12, as SAP writes."""
    pairs: bool = False
    """Whether digits before the last three may be grouped two by two, as 12,34,567 is."""

    @property
    def regex(self) -> str:
        digits = r"[0-9]+"
        if self.group:
            group = self._group_class
            paired = rf"[1-9][0-9]?(?:{group}[0-9]{{2}})+{group}[0-9]{{3}}|" if self.pairs else ""
            digits = rf"(?:{paired}[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+|[0-9]+)"
        number = digits + (rf"(?:{re.escape(self.point)}[0-9]+)?" if self.point else "")
        before = rf"(?:{re.escape(self.prefix)}{_SPACE}?)?" if self.prefix else ""
        after = rf"(?:{_SPACE}?{re.escape(self.suffix)})?" if self.suffix else ""
        signed = rf"(?:[+\-−]?{before}|{before}[+\-−]){number}{after}"
        if self.trailing:
            return rf"(?:{signed}|{before}{number}{after}[\-−])"
        return rf"(?:{signed}|\({before}{number}{after}\))" if self.parentheses else signed

    @property
    def _group_class(self) -> str:
        return _GROUPS.get(self.group, re.escape(self.group))

    @property
    def dropped(self) -> str:
        """A regular expression of the characters that the plain number is without."""
        return "[^0-9(+−" + re.escape(self.point) + "-]"

    def plain_sql(self, token: str) -> str:
        """SQL of the plain number text for a token that matches `regex`."""
        sql = f"regexp_replace({token}, {text_literal(self.dropped)}, '', 'g')"
        if self.point == ",":
            sql = f"replace({sql}, ',', '.')"
        sql = f"replace(replace({sql}, '−', '-'), '(', '-')"
        return f"regexp_replace({sql}, '^(.+)-$', '-\\1')" if self.trailing else sql


@lru_cache(maxsize=512)
def parse_number_format(text: str) -> NumberFormat:
    """Read a number format such as `1,234.56`, `1234,56`, `€1.234,56`, `1 234 %`, `(1,234.56)`, `1.234,56-`,
    `12,34,567.89`.

    Raises ValueError."""
    body, parentheses = text.strip(), False
    if body.startswith("(") and body.endswith(")"):
        body, parentheses = body[1:-1].strip(), True
    trailing = not parentheses and body.endswith("-")
    body = body[:-1] if trailing else body
    pairs = _PAIRS.search(body)
    match = pairs or _CORE.search(body)
    if match is None:
        raise ValueError(
            f"{text!r} is no number format; write 1234.56 as the numbers are written, e.g. 1.234,56 or $1,234.56"
        )
    prefix, suffix = body[: match.start()].strip(), body[match.end() :].strip()
    group, point = match["group"] or "", match["point"] or ""
    if group and group == point:
        raise ValueError(f"{text!r} is no number format: {group!r} cannot both group thousands and start the decimals")
    if re.search(r"[0-9()+\-−.,]", prefix + suffix) or len(prefix + suffix) > 12:
        raise ValueError(f"{text!r} is no number format: {prefix + suffix!r} is no currency, unit or percent sign")
    return NumberFormat(group, point, prefix, suffix, parentheses, trailing, pairs is not None)


def text_literal(text: str) -> str:
    """An SQL string literal for DuckDB."""
    return "'" + text.replace("'", "''") + "'"


def _expanded_sql(token: str) -> str:
    """SQL of the same number without its exponent, digit for digit, for a token that matches WITH_EXPONENT."""
    whole = f"regexp_extract({token}, '^[+-]?([0-9]*)', 1)"
    parts = (
        f"{{'digits': concat({whole}, regexp_extract({token}, '[.]([0-9]*)', 1)),"
        f" 'point': length({whole}) + CAST(regexp_extract({token}, '[eE](.*)$', 1) AS INTEGER)}}"
    )
    n = named("n")
    plain = (
        f"CASE WHEN {n}.point <= 0 THEN concat('0.', repeat('0', -{n}.point), {n}.digits)"
        f" WHEN {n}.point >= length({n}.digits) THEN concat({n}.digits, repeat('0', {n}.point - length({n}.digits)))"
        f" ELSE concat(left({n}.digits, {n}.point), '.', substr({n}.digits, {n}.point + 1)) END"
    )
    return f"concat(regexp_extract({token}, '^[+-]?', 0), {with_name(parts, 'n', plain)})"


def with_name(value: str, name: str, sql: str) -> str:
    """SQL in which a value has a name, so that it is computed and written once. Slow; for the rare case only."""
    return f"list_transform([{value}], lambda {named(name)}: {sql})[1]"


def named(name: str) -> str:
    """A lambda's parameter. With a blank in it, it is no path's canonical text, so no field can be taken for it."""
    return f'"lambda {name}"'


def read_sql(token: str, kind: DataType) -> str:
    """SQL of a plain number token read as `kind` (integer, decimal or float); NULL where it does not fit exactly."""
    if kind.family == "float":
        value = f"TRY_CAST({token} AS {'REAL' if kind.kind == 'float32' else 'DOUBLE'})"
        grammar = f"regexp_full_match({token}, {text_literal(FLOAT)})"
        return f"CASE WHEN {grammar} AND isfinite({value}) THEN {value} END"
    native = exact_native(kind)
    guard = f"regexp_full_match({token}, {text_literal(exact_regex(kind))})"
    return f"CASE WHEN {guard} THEN TRY_CAST({token} AS {native}) END"


def rare_sql(token: str, kind: DataType) -> str:
    """SQL for what read_sql leaves NULL: a number with an exponent, which is written out and then read."""
    if kind.family == "float":
        return "NULL"
    exponent = f"regexp_full_match({token}, {text_literal(WITH_EXPONENT)})"
    return f"CASE WHEN {exponent} THEN {with_name(_expanded_sql(token), 'm', read_sql(named('m'), kind))} END"


def exact_regex(kind: DataType) -> str:
    """The plain numbers that an integer or decimal type holds without rounding (but for the integers' ranges)."""
    if kind.is_integer:
        return r"[+-]?[0-9]+(?:\.0*)?"
    whole, scale = (kind.precision or 0) - (kind.scale or 0), kind.scale or 0
    before = rf"0*[0-9]{{1,{whole}}}" if whole else "0+"
    if not scale:
        return rf"[+-]?{before}(?:\.0*)?"
    return rf"[+-]?(?:{before}(?:\.[0-9]{{0,{scale}}}0*)?|\.[0-9]{{1,{scale}}}0*)"


def exact_native(kind: DataType) -> str:
    """DuckDB's type of an integer or a decimal."""
    return integer_sql(kind) if kind.is_integer else f"DECIMAL({kind.precision},{kind.scale})"


def integer_sql(kind: DataType) -> str:
    return {8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT"}[INTEGER_BITS[kind.kind]]
