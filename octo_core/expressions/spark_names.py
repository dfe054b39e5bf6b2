"""What Spark's SQL calls things: types, columns, text literals; and the session in which the SQL has its meaning."""

from typing import Final

from octo_core.types import TEXT, DataType

SETTINGS: Final[dict[str, str]] = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.caseSensitive": "true",
    "spark.sql.timeType.enabled": "true",
    "spark.sql.variable.substitute": "false",
    "spark.sql.icu.caseMappings.enabled": "true",
}
"""The settings of a Spark session that every rendered text takes for granted."""

NATIVE: Final[dict[str, str]] = {
    "boolean": "BOOLEAN", "int8": "TINYINT", "int16": "SMALLINT", "int32": "INT", "int64": "BIGINT",
    "float32": "FLOAT", "float64": "DOUBLE", "text": "STRING", "bytes": "BINARY", "date": "DATE", "time": "TIME(6)",
    "timestamp": "TIMESTAMP_NTZ", "timestamptz": "TIMESTAMP_LTZ", "uuid": "STRING", "json": "STRING",
    "record": "STRING", "interval": "STRUCT<months: INT, days: INT, micros: BIGINT>",
}  # fmt: skip
"""Spark's type of each kind's values. An interval is a struct: Spark's own has no way to Arrow and no order."""


def native(kind: DataType) -> str:
    """Spark's name of the type in which values of `kind` are."""
    if kind.kind == "decimal":
        return f"DECIMAL({kind.precision},{kind.scale})"
    if kind.kind == "list":
        return f"ARRAY<{native(kind.element or TEXT)}>"
    return NATIVE[kind.kind]


def name(text: str) -> str:
    """A quoted column."""
    return "`" + text.replace("`", "``") + "`"


def literal(text: str) -> str:
    """A text literal: Spark reads backslashes in it, and `${…}` as a variable where a session lets it."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("${", "\\u0024{")
    return "'" + "".join(f"\\u{ord(sign):04x}" if sign < " " else sign for sign in escaped) + "'"


def full_match(sql: str, regex: str) -> str:
    """SQL condition: the whole of a text matches. Java's `$` would let a line end pass."""
    whole = literal(rf"\A(?:{regex})\z")
    return f"({sql} RLIKE {whole})"


def with_name(value: str, own: str, sql: str) -> str:
    """SQL in which a value has a name, so that it is computed and written once. Slow; for the rare case only."""
    return f"transform(array({value}), {named(own)} -> {sql})[0]"


def named(own: str) -> str:
    """A lambda's parameter. With a blank in it, it is no path's canonical text, so no field can be taken for it."""
    return f"`lambda {own}`"
