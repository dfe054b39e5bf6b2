"""Reads from CHECK conditions what values a column may hold: lists of texts, ranges of numbers."""

import re
from collections.abc import Iterable

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
