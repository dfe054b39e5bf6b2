"""What `Field.format` may say, and how a token is read by it.

| type | format | meaning |
|---|---|---|
| date, time, timestamp, timestamptz | none, or `iso` | ISO 8601: `2013-01-31`, `05:17[:00[.123456]]`, date `T` or blank time, for timestamptz then `Z`, `+02`, `+0200` or `+02:00` |
| the same | a pattern of strptime's letters | see `times.LETTERS`; a literal `Z`, `UTC` or `GMT` at the end means UTC |
| timestamptz | pattern or `iso`, then ` @Europe/Madrid` | local time of that zone; a time that its clocks skip fails, of a time they show twice the later is meant |
| date, timestamp, timestamptz | a pattern, then ` @fr` | names of months and weekdays (`%B`, `%b`, `%A`, `%a`) are that language's, as the CLDR has them: in full and short, within a date and alone, with and without point and accents, small or in capitals: `%-d %B %Y @fr` reads `12 août 2024` and `12 AOUT 2024`. The languages: ar bg ca cs da de el es et fi fr he hr hu id it ja ko lt lv ms nb nl pl pt ro ru sk sl sr sv tr uk zh |
| timestamp (UTC), timestamptz | `epoch_s`, `epoch_ms`, `epoch_us` | a number since 1970, with decimals down to the microsecond |
| time | `hhmm` | a number: `517` is 05:17, `5` is 00:05, `2400` is 00:00 |
| any of these | several with ` | ` between | the first that fits |
| integers, decimal, float | none | `-12`, `1.50`, `.5`, `1e5`; no `_`, no `0x`, no NaN |
| the same | how 1234.56 is written | `1.234,56`, `1,234.56`, `1 234,56`, `1'234.56`, `1234,56`, `1.234`, with a sign: `€1.234,56`, `1 234 kr`, `1,234.56%`, `(1,234.56)`, `1.234,56-`; `12,34,567.89` where digits are grouped two by two. The number is as written: a percent sign does not divide |
| boolean | none | `true` or `false` |
| boolean | `Y,yes|N,no` | spellings of true, then of false; upper and lower case are alike |
| interval | none, or `iso` | `P1DT2H`, `PT90.5S`, `P2W` |
| interval | `hms` | `26:03:04.5`, hours may pass 24 |
| bytes | `base64` (also none) or `hex` | |

Blanks and tabs around a token of any type but text and json are ignored. Everything else that does not fit exactly
is a failure, never a guess.
"""  # noqa: E501  (a table)

from typing import Final

from octo_core.expressions.numbers import (
    exact_native,
    named,
    parse_number_format,
    rare_sql,
    read_sql,
    text_literal,
    with_name,
)
from octo_core.expressions.times import NATIVE as TIMES
from octo_core.expressions.times import TimeKind, format_sql, parse_time_format
from octo_core.types import DataType

__all__ = ["check_format", "reason_noun", "token_sql"]

WORDS: Final = frozenset({("interval", "iso"), ("interval", "hms"), ("bytes", "base64"), ("bytes", "hex")})
_BLANK: Final = r"[ \t]"
UUID_REGEX: Final = r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"
BASE64_REGEX: Final = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
ISO_INTERVAL = (
    r"[+-]?P(?:-?[0-9]{1,6}Y)?(?:-?[0-9]{1,6}M)?(?:-?[0-9]{1,6}W)?(?:-?[0-9]{1,8}D)?"
    r"(?:T(?:-?[0-9]{1,8}H)?(?:-?[0-9]{1,9}M)?(?:-?[0-9]{1,10}(?:\.[0-9]{1,6})?S)?)?"
)
"""Each part may have a sign of its own, as PostgreSQL and DuckDB write `-1 month +2 days`."""
HMS_INTERVAL = r"[+-]?[0-9]{1,8}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"


def check_format(kind: DataType, text: str | None) -> None:
    """Raises ValueError, saying what is wrong, where `text` is no format for a field of this type."""
    if text is None:
        return
    if kind.kind in TIMES:
        parse_time_format(text, time_kind(kind))
    elif kind.is_numeric:
        parse_number_format(text)
    elif kind.kind == "boolean":
        boolean_spellings(text)
    elif (kind.kind, text) not in WORDS:
        raise ValueError(f"a {kind} has no format {text!r}")


def boolean_spellings(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The spellings of true and of false, in lower case. Raises ValueError."""
    sides = [frozenset(word.strip().lower() for word in side.split(",")) for side in text.split("|")]
    if len(sides) != 2 or "" in sides[0] | sides[1] or sides[0] & sides[1]:
        raise ValueError(f"{text!r} is no format of a boolean; write for example yes,y|no,n")
    return sides[0], sides[1]


def token_sql(token: str, kind: DataType, text: str | None = None) -> str:
    """DuckDB SQL of a VARCHAR token read as `kind` by format `text`; it never raises.

    `token` must be cheap to repeat: a quoted column or a literal. The SQL is NULL where the token is NULL or does
    not fit exactly, so `token IS NOT NULL AND value IS NULL` is the failure. Raises ValueError for a bad format.
    """
    if kind.kind in ("text", "json", "record") or kind.kind == "list":
        raise ValueError(f"a token of type {kind} is not read by a format")
    check_format(kind, text)
    direct = _read(token, kind, text)
    if kind.is_numeric and kind.family != "float" and text is None:
        # The common case at a third of the cost: DuckDB's own spelling of the number is the token itself.
        native = f"TRY_CAST({token} AS {exact_native(kind)})"
        direct = f"CASE WHEN CAST({native} AS VARCHAR) = {token} THEN {native} ELSE {direct} END"
    inner = _read(named("t"), kind, text)
    if kind.is_numeric and text is None and kind.family != "float":
        rare = f"coalesce({inner}, {rare_sql(named('t'), kind)})"
        unusual = f"regexp_matches({token}, '^{_BLANK}|{_BLANK}$|[eE]')"
    else:
        rare, unusual = inner, f"regexp_matches({token}, '^{_BLANK}|{_BLANK}$')"
    trimmed = f"trim({token}, ' ' || chr(9))"
    return f"coalesce({direct}, CASE WHEN {unusual} THEN {with_name(trimmed, 't', rare)} END)"


def time_kind(kind: DataType) -> TimeKind:
    """The kind of a date or time. Raises ValueError for other types."""
    if kind.kind not in TIMES:
        raise ValueError(f"{kind} is neither a date nor a time")
    return kind.kind  # type: ignore[return-value]  # just checked


def _read(token: str, kind: DataType, text: str | None) -> str:
    if kind.kind in TIMES:
        formats = parse_time_format(text or "iso", time_kind(kind))
        values = [format_sql(token, fmt, time_kind(kind)) for fmt in formats]
        return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"
    if kind.is_numeric:
        if text is None:
            return read_sql(token, kind)
        fmt = parse_number_format(text)
        guard = f"regexp_full_match({token}, {text_literal(fmt.regex)})"
        return f"CASE WHEN {guard} THEN {read_sql(fmt.plain_sql(token), kind)} END"
    if kind.kind == "boolean":
        true, false = boolean_spellings(text) if text else (frozenset({"true"}), frozenset({"false"}))
        spelled = token if text is None else f"lower({token})"
        return f"CASE WHEN {_one_of(spelled, true)} THEN true WHEN {_one_of(spelled, false)} THEN false END"
    if kind.kind == "uuid":
        guard = f"regexp_full_match({token}, '{UUID_REGEX}')"
        return f"CASE WHEN {guard} THEN CAST(TRY_CAST({token} AS UUID) AS VARCHAR) END"
    if kind.kind == "bytes":
        if text == "hex":
            return f"CASE WHEN regexp_full_match({token}, '(?:[0-9a-fA-F]{{2}})*') THEN from_hex({token}) END"
        return f"CASE WHEN regexp_full_match({token}, '{BASE64_REGEX}') THEN from_base64({token}) END"
    return _interval(token, text)


def _one_of(token: str, words: frozenset[str]) -> str:
    return f"{token} IN ({', '.join(text_literal(word) for word in sorted(words))})"


def _interval(token: str, text: str | None) -> str:
    """Months and days and microseconds apart, as PostgreSQL keeps them."""
    if text == "hms":
        guard = f"regexp_full_match({token}, '{HMS_INTERVAL}')"
        whole = _micros(f"regexp_extract({token}, '([0-9]+):', 1)", 3_600_000_000)
        minutes = _micros(f"regexp_extract({token}, ':([0-9]+):', 1)", 60_000_000)
        seconds = _micros(f"regexp_extract({token}, ':([0-9.]+)$', 1)", 1_000_000)
        parts = f"to_microseconds({whole} + {minutes} + {seconds})"
    else:
        guard = f"regexp_full_match({token}, '{ISO_INTERVAL}') AND regexp_matches({token}, '[0-9][YMWDHS]$')"
        date = f"regexp_extract({token}, '^[^T]*', 0)"
        clock = f"regexp_extract({token}, 'T.*$', 0)"
        months = f"CAST({_part(date, 'Y')} * 12 + {_part(date, 'M')} AS INTEGER)"
        days = f"CAST({_part(date, 'W')} * 7 + {_part(date, 'D')} AS INTEGER)"
        micros = " + ".join(
            _micros(f"regexp_extract({clock}, '(-?[0-9.]+){letter}', 1)", size)
            for letter, size in (("H", 3_600_000_000), ("M", 60_000_000), ("S", 1_000_000))
        )
        parts = f"to_months({months}) + to_days({days}) + to_microseconds({micros})"
    return f"CASE WHEN {guard} THEN CASE WHEN starts_with({token}, '-') THEN -({parts}) ELSE {parts} END END"


def _part(text: str, letter: str) -> str:
    return f"coalesce(TRY_CAST(regexp_extract({text}, '(-?[0-9]+){letter}', 1) AS BIGINT), 0)"


def _micros(number: str, size: int) -> str:
    return f"CAST(coalesce(TRY_CAST({number} AS DECIMAL(38,6)), 0) * {size} AS BIGINT)"


def reason_noun(kind: DataType, text: str | None = None) -> str:
    """What a token that does not fit is not, e.g. `time of day` or `date of the form %d/%m/%Y`."""
    nouns = {
        "boolean": "boolean",
        "date": "date",
        "time": "time of day",
        "timestamp": "timestamp",
        "timestamptz": "timestamp with a zone",
        "interval": "interval",
        "bytes": "base64" if text != "hex" else "hexadecimal text",
    }
    noun = nouns.get(kind.kind, str(kind))
    if text and kind.kind in TIMES and text not in ("iso", "hhmm"):
        return f"{noun} of the form {text}"
    return f"{noun} written as {text}" if text and (kind.is_numeric or kind.kind == "boolean") else noun
