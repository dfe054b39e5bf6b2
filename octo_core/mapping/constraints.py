"""Reads from CHECK conditions what values a column may hold: lists of texts, ranges of numbers."""

import re
from collections.abc import Iterable
from decimal import Decimal

from octo_core.catalog import Check, Column

_STRING = re.compile(r"'((?:[^']|'')*)'")
_BETWEEN = re.compile(r"BETWEEN\s+\(?'?(-?\d+(?:\.\d+)?)'?[^A]*?AND\s+\(?'?(-?\d+(?:\.\d+)?)", re.IGNORECASE)


def allowed_values(checks: Iterable[str], column: str) -> tuple[str, ...] | None:
    """The texts of a check like `status IN ('a', 'b')`, also as PostgreSQL prints it; None where there is no list."""
    about = [sql for sql in checks if column in sql]
    if not about:
        return None
    name = re.escape(column)
    listed = re.compile(
        rf'^[(\s]*(?:upper|lower|btrim)?\(*"?{name}"?\)*(?:::[\w "\[\]()]+?)?\)*\s*'
        r"(?:=\s*ANY\s*\(+\s*ARRAY\s*\[(?P<array>[^\]]*)\]|IN\s*\((?P<list>[^)]*)\))",
        re.IGNORECASE,
    )
    equal = re.compile(rf"\(*\"?{name}\"?\)*(?:::\w+)?\)*\s*=\s*'((?:[^']|'')*)'", re.IGNORECASE)
    for sql in about:
        match = listed.match(sql)
        if match:
            values = _STRING.findall(match.group("array") or match.group("list") or "")
        else:
            parts = re.split(r"\bOR\b", sql, flags=re.IGNORECASE)
            values = [found.group(1) for part in parts if (found := equal.search(part))]
            values = values if len(values) == len(parts) and len(parts) > 1 else []
        if values:
            return tuple(dict.fromkeys(value.replace("''", "'") for value in values))
    return None


def number_range(checks: Iterable[str], column: str) -> tuple[float | None, float | None]:
    """The least and greatest number that checks like `age >= 0` allow; None for a side that is open."""
    about = [sql for sql in checks if column in sql]
    if not about:
        return None, None
    name, low, high = rf'"?{re.escape(column)}"?', None, None
    bound = re.compile(rf"(?<![\w.]){name}\)*(?:::[\w ]+)?\)*\s*(>=|>|<=|<)\s*\(*'?(-?\d+(?:\.\d+)?)", re.IGNORECASE)
    for sql in about:
        if re.search(r"\bOR\b|\bNOT\b(?!\s+NULL)", sql, re.IGNORECASE):
            continue
        between = re.search(rf"{name}\s+{_BETWEEN.pattern}", sql, re.IGNORECASE)
        if between:
            low, high = float(between.group(1)), float(between.group(2))
        for sign, number in bound.findall(sql):
            if sign[0] == ">":
                low = float(number)
            else:
                high = float(number)
    return low, high


_BOUNDS = re.compile(
    r"(?:[\s()']|\b(?:AND|BETWEEN)\b|[<>]=?|-?\d+(?:\.\d+)?"
    r"|::(?:\"?[\w.]+\"?)(?:\s+precision|\(\d+(?:,\s*\d+)?\))?)+",
    re.IGNORECASE,
)
"""What is left of a check that only bounds a column, without the column's name."""
_FOLDED = re.compile(r"\b(?:upper|lower)\s*\(|citext", re.IGNORECASE)


def kept_by(expr: str, column: Column, checks: Iterable[Check]) -> str | None:
    """A condition in the expression language: whether what an expression gives is inside the column's own lists and
    bounds, as far as they are plain to read; None where there are none. It is never stricter than the checks.
    """
    own = [check.sql for check in checks if check.columns == (column.name,)]
    listed = [sql for sql in own if not re.search(r"\b(?:OR|NOT)\b", sql, re.IGNORECASE)]
    if column.type.family == "text" and (values := allowed_values(listed, column.name)):
        exact = column.native != "citext" and not any(_FOLDED.search(sql) for sql in listed)
        texts = ", ".join(
            "'" + (value if exact else value.lower()).strip().replace("'", "''") + "'" for value in values
        )
        return f"trim({expr}) in ({texts})" if exact else f"lower(trim({expr})) in ({texts})"
    if not column.type.is_numeric:
        return None
    name = re.escape(column.name)
    plain = [sql for sql in own if _BOUNDS.fullmatch(re.sub(rf'(?<![\w.:"])"?{name}"?(?![\w"])', "", sql))]
    low, high = number_range(plain, column.name)
    limits = ((">=", low), ("<=", high))
    bounds = [f"({expr}) {sign} {Decimal(repr(limit)):f}" for sign, limit in limits if limit is not None]
    return " and ".join(bounds) or None
