"""How a token is read in Spark's SQL, by the same formats and grammars as in DuckDB's."""

from octo_core.expressions import spark_times
from octo_core.expressions.formats import (
    BASE64_REGEX,
    HMS_INTERVAL,
    ISO_INTERVAL,
    UUID_REGEX,
    boolean_spellings,
    check_format,
    time_kind,
)
from octo_core.expressions.numbers import parse_number_format
from octo_core.expressions.spark_names import full_match, literal
from octo_core.expressions.spark_numbers import plain_number, read
from octo_core.expressions.spark_text import lower
from octo_core.expressions.times import NATIVE as TIMES
from octo_core.expressions.times import parse_time_format
from octo_core.types import DataType

_BLANKS = "' \\t'"


def token_spark(token: str, kind: DataType, text: str | None = None) -> str:
    """Spark's SQL of a text token (cheap to repeat) read as `kind` by format `text`; it never raises.

    NULL where the token is NULL or does not fit exactly. Raises ValueError for a bad format.
    """
    if kind.kind in ("text", "json", "record", "list"):
        raise ValueError(f"a token of type {kind} is not read by a format")
    check_format(kind, text)
    return _read(f"trim(BOTH {_BLANKS} FROM {token})", kind, text)


def _read(token: str, kind: DataType, text: str | None) -> str:
    if kind.kind in TIMES:
        formats = parse_time_format(text or "iso", time_kind(kind))
        values = [spark_times.read(token, fmt, time_kind(kind)) for fmt in formats]
        return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"
    if kind.is_numeric:
        if text is None:
            return read(token, kind)
        fmt = parse_number_format(text)
        plain = f"regexp_replace({token}, {literal(fmt.dropped)}, '')"
        plain = f"translate({plain}, {literal('−(' + (',' if fmt.point == ',' else ''))}, '--.')"
        if fmt.trailing:
            plain = f"regexp_replace({plain}, '^(.+)-$', '-$1')"
        return f"CASE WHEN {full_match(token, fmt.regex)} THEN {plain_number(plain, kind)} END"
    if kind.kind == "boolean":
        true, false = boolean_spellings(text) if text else (frozenset({"true"}), frozenset({"false"}))
        spelled = token if text is None else lower(token)
        return f"CASE WHEN {_one_of(spelled, true)} THEN true WHEN {_one_of(spelled, false)} THEN false END"
    if kind.kind == "uuid":
        dashed = (
            f"regexp_replace(lower(replace({token}, '-', '')), '^(.{{8}})(.{{4}})(.{{4}})(.{{4}})', '$1-$2-$3-$4-')"
        )
        return f"CASE WHEN {full_match(token, UUID_REGEX)} THEN {dashed} END"
    if kind.kind == "bytes":
        if text == "hex":
            return f"CASE WHEN {full_match(token, '(?:[0-9a-fA-F]{2})*+')} THEN unhex({token}) END"
        return f"CASE WHEN {full_match(token, BASE64_REGEX.replace(')*', ')*+'))} THEN unbase64({token}) END"
    return _interval(token, text)


def _one_of(token: str, words: frozenset[str]) -> str:
    return f"{token} IN ({', '.join(literal(word) for word in sorted(words))})"


def _interval(token: str, text: str | None) -> str:
    """Months, days and microseconds, each with the token's sign."""
    if text == "hms":
        guard = full_match(token, HMS_INTERVAL)
        hours = f"regexp_extract({token}, '^[+-]?([0-9]+)', 1)"
        minutes = f"regexp_extract({token}, ':([0-9]+):', 1)"
        seconds = f"regexp_extract({token}, ':([0-9.]+)$', 1)"
        parts = ["0", "0", f"{_micros(hours, 3600)} + {_micros(minutes, 60)} + {_micros(seconds, 1)}"]
    else:
        guard = f"{full_match(token, ISO_INTERVAL)} AND {token} RLIKE '[0-9][YMWDHS]$'"
        date = f"substring_index({token}, 'T', 1)"
        clock = f"substring({token}, length({date}) + 1)"
        micros = (
            _micros(f"regexp_extract({clock}, '(-?[0-9.]+){letter}', 1)", size)
            for letter, size in (("H", 3600), ("M", 60), ("S", 1))
        )
        parts = [
            f"{_count(date, 'Y')} * 12 + {_count(date, 'M')}",
            f"{_count(date, 'W')} * 7 + {_count(date, 'D')}",
            " + ".join(micros),
        ]
    sign = f"CASE WHEN startswith({token}, '-') THEN -1 ELSE 1 END"
    signed = (
        f"'{name}', CAST(({part}) * {sign} AS {kind})"
        for name, part, kind in zip(("months", "days", "micros"), parts, ("INT", "INT", "BIGINT"), strict=True)
    )
    return f"CASE WHEN {guard} THEN named_struct({', '.join(signed)}) END"


def _count(text: str, letter: str) -> str:
    return f"coalesce(try_cast(regexp_extract({text}, '(-?[0-9]+){letter}', 1) AS BIGINT), 0L)"


def _micros(number: str, seconds: int) -> str:
    return f"CAST(coalesce(try_cast({number} AS DECIMAL(18,6)), 0) * {seconds * 1_000_000}L AS BIGINT)"
