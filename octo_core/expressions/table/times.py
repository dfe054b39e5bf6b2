"""Dates and times: explicit formats and zones, no session, no clock. Years go from 0001 to 9999."""

from collections.abc import Callable
from typing import Final

from octo_core.expressions.formats import check_format, reason_noun, token_sql
from octo_core.expressions.functions import Duck, Function, MismatchError
from octo_core.expressions.numbers import text_literal
from octo_core.expressions.table.text import text_of
from octo_core.expressions.times import check_zone, in_range, in_zone, pattern_letters
from octo_core.expressions.tree import Call, Node
from octo_core.types import BOOLEAN, DATE, INTERVAL, TIME, TIMESTAMP, TIMESTAMPTZ, DataType

FAMILY: Final = "dates and times"
UNITS: Final = ("year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond", "microsecond")
PARTS: Final = {
    "year": "year", "quarter": "quarter", "month": "month", "week": "week", "day": "day", "hour": "hour",
    "minute": "minute", "second": "second", "microsecond": "microsecond", "dow": "isodow", "doy": "doy",
    "iso_year": "isoyear",
}  # fmt: skip
_CLOCK: Final = frozenset({"hour", "minute", "second", "microsecond", "millisecond"})
_EPOCH_NAMES: Final = {"s": "seconds", "ms": "milliseconds", "us": "microseconds"}
_EPOCH_UNITS: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}


def _format_check(kind: DataType) -> Callable[[tuple[Node, ...]], None]:
    def check(args: tuple[Node, ...]) -> None:
        text = text_of(args[1])
        zone = f" @{text_of(args[2])}" if len(args) > 2 else ""
        try:
            check_format(kind, " | ".join(part + zone for part in text.split(" | ")))
        except ValueError as error:
            raise MismatchError(str(error), 2 if "time zone" in str(error) and zone else 1) from None

    return check


def _parser(name: str, kind: DataType, doc: str, *, zone: bool = False) -> Function:
    """A function that reads text by a literal format, with the meaning of a field's format."""

    def full(call: Call) -> str:
        after = f" @{text_of(call.args[2])}" if len(call.args) > 2 else ""
        return " | ".join(part + after for part in text_of(call.args[1]).split(" | "))

    return Function(
        name,
        (f"{name}(text, text:format) → {kind}", *([f"{name}(text, text:format, text:zone) → {kind}"] if zone else [])),
        doc,
        Duck(
            lambda call, args: token_sql(args[0], kind, full(call)),
            "null",
            lambda call: f"$0 is no {reason_noun(kind, full(call))}",
        ),
        family=FAMILY,
        check=_format_check(kind),
    )


def _output_check(args: tuple[Node, ...]) -> None:
    try:
        letters = pattern_letters(text_of(args[1]))
        if "%z" in letters:
            raise ValueError("%z is not written; end the format with Z, or give a zone and leave the offset out")
        if "%9f" in letters:
            raise ValueError("%9f is for reading; %f writes the six digits that there are")
        kind = args[0].type.kind
        clock = {"%H", "%-H", "%I", "%-I", "%p", "%M", "%-M", "%S", "%-S", "%f"}
        if (kind == "date" and clock & set(letters)) or (kind == "time" and set(letters) - clock):
            raise ValueError(f"the format {text_of(args[1])!r} asks for what a {kind} does not have")
        if len(args) > 2:
            check_zone(text_of(args[2]))
    except ValueError as error:
        raise MismatchError(str(error), 1) from None


def _formatted(call: Call, args: tuple[str, ...]) -> str:
    value, kind = args[0], call.args[0].type.kind
    if kind == "time":
        value = f"(DATE '2000-01-01' + {value})"
    if kind == "timestamptz":
        value = f"({value} AT TIME ZONE {args[2] if len(args) > 2 else text_literal('UTC')})"
    return f"strftime({value}, {args[1]})"


def _zone_check(args: tuple[Node, ...]) -> None:
    try:
        check_zone(text_of(args[1]))
    except ValueError as error:
        raise MismatchError(str(error), 1) from None


def _at_zone(call: Call, args: tuple[str, ...]) -> str:
    if call.type == TIMESTAMPTZ:
        return in_zone(args[0], text_of(call.args[1]))
    return f"({args[0]} AT TIME ZONE {args[1]})"


def _unit_check(position: int, allowed: tuple[str, ...]) -> Callable[[tuple[Node, ...]], None]:
    def check(args: tuple[Node, ...]) -> None:
        unit = text_of(args[position])
        if unit not in allowed:
            raise MismatchError(f"{unit!r} is no unit; there are {', '.join(allowed)}", position)
        for arg in args:
            if (arg.type == DATE and unit in _CLOCK) or (arg.type == TIME and unit not in _CLOCK):
                raise MismatchError(f"a {arg.type} has no {unit}", position)

    return check


def _local(call: Call, index: int, sql: str) -> str:
    return f"({sql} AT TIME ZONE 'UTC')" if call.args[index].type == TIMESTAMPTZ else sql


def _back(call: Call, sql: str) -> str:
    """A local timestamp as the call's own type."""
    if call.type == TIMESTAMPTZ:
        return f"({sql} AT TIME ZONE 'UTC')"
    return f"CAST({sql} AS DATE)" if call.type == DATE else sql


def _part(call: Call, args: tuple[str, ...]) -> str:
    name = PARTS[text_of(call.args[0])]
    value = _local(call, 1, args[1])
    part = f"date_part('{name}', {value})"
    return f"({part} % 1000000)" if name == "microsecond" else part


def _shortcut(name: str, doc: str) -> Function:
    kinds = ("time", "timestamp", "timestamptz") if name in _CLOCK else ("date", "timestamp", "timestamptz")
    return Function(
        name,
        tuple(f"{name}({kind}) → integer" for kind in kinds),
        doc,
        Duck(lambda call, args: f"date_part('{PARTS[name]}', {_local(call, 0, args[0])})"),
        family=FAMILY,
    )


def _added(unit: str, amount: str) -> Function:
    kinds = ("date", "timestamp", "timestamptz") if unit in ("days", "months") else ("timestamp", "timestamptz")

    def value(call: Call, args: tuple[str, ...]) -> str:
        moved = f"{_local(call, 0, args[0])} + {amount.replace('$1', args[1])}"
        return f"TRY({_in_years(call, _back(call, f'({moved})'))})"

    return Function(
        f"add_{unit}",
        tuple(f"add_{unit}({kind}, integer) → {kind}" for kind in kinds),
        f"So many {unit} later, or earlier for a negative number"
        + (
            "; the last day of a shorter month where the day is not in it."
            if unit == "months"
            else ", of 24 hours each."
            if unit == "days"
            else "."
        ),
        Duck(value, "null", f"$0 moved by $1 {unit} is out of the years 0001 to 9999"),
        family=FAMILY,
    )


def _in_years(call: Call, sql: str) -> str:
    if call.type == TIMESTAMPTZ:
        return in_range(sql)
    return f"CASE WHEN year({sql}) BETWEEN 1 AND 9999 THEN {sql} END"


def _from_epoch(unit: str) -> Function:
    size = _EPOCH_UNITS[unit]
    lowest, highest = -62_135_596_800_000_000, 253_402_300_799_999_999

    def value(call: Call, args: tuple[str, ...]) -> str:
        kind = call.args[0].type
        if kind.is_integer:
            micros = f"(CAST({args[0]} AS HUGEINT) * {size})"
        else:
            exact = f"TRY(CAST({args[0]} AS DECIMAL(38,{max(kind.scale or 0, 6)})) * {size})"
            micros = f"CASE WHEN {exact} = floor({exact}) THEN CAST({exact} AS HUGEINT) END"
        return (
            f"CASE WHEN {micros} BETWEEN {lowest} AND {highest} THEN make_timestamptz(TRY_CAST({micros} AS BIGINT)) END"
        )

    return Function(
        f"from_epoch_{unit}",
        (f"from_epoch_{unit}(exact) → timestamptz",),
        f"The instant so many {_EPOCH_NAMES[unit]} after 1970 began in UTC.",
        Duck(value, "null", "$0 is no such number of a time in microseconds, in the years 0001 to 9999"),
        family=FAMILY,
    )


def _hhmm(sql: str) -> str:
    return f"{sql} BETWEEN 0 AND 2359 AND {sql} % 100 < 60"


FUNCTIONS: Final = (
    _parser("parse_date", DATE, "A date from text in a format of strptime's letters, or `iso`."),
    _parser("parse_time", TIME, "A time of day from text in a format, `iso` or `hhmm`."),
    _parser(
        "parse_timestamp", TIMESTAMPTZ,
        "An instant from text. The format ends with %z, Z or UTC, or the zone is the third argument; `iso`, "
        "`epoch_s`, `epoch_ms` and `epoch_us` are formats too. A local time that the zone's clocks skip fails; of one "
        "that they show twice the later is meant.", zone=True,
    ),
    _parser("parse_timestamp_local", TIMESTAMP, "A date and time of day without a zone, from text in a format."),
    _parser("parse_boolean", BOOLEAN, "A boolean from its spellings, e.g. `yes,y|no,n`, in any case."),
    _parser("parse_interval", INTERVAL, "A length of time from text: `iso` (P1DT2H) or `hms` (26:03:04.5)."),
    Function(
        "format_date", ("format_date(date, text:format) → text",), "A date written in a format of strftime's letters.",
        Duck(_formatted), family=FAMILY, check=_output_check,
    ),
    Function(
        "format_time", ("format_time(time, text:format) → text",), "A time of day written in a format.",
        Duck(_formatted), family=FAMILY, check=_output_check,
    ),
    Function(
        "format_timestamp",
        (
            "format_timestamp(timestamp, text:format) → text",
            "format_timestamp(timestamptz, text:format, [text:zone]) → text",
        ),
        "A timestamp written in a format; an instant as the clocks of the zone show it, UTC when left out.",
        Duck(_formatted), family=FAMILY, check=_output_check,
    ),
    Function(
        "at_zone", ("at_zone(timestamp, text:zone) → timestamptz", "at_zone(timestamptz, text:zone) → timestamp"),
        "The instant at which a zone's clocks show a local time, or what they show at an instant. A time that they "
        "skip fails; of one that they show twice the later is meant.",
        Duck(_at_zone, "null", lambda call: f"$0 is never shown by the clocks of {text_of(call.args[1])}"),
        family=FAMILY, check=_zone_check,
    ),
    Function(
        "hhmm_to_time", ("hhmm_to_time(integer) → time",),
        "A time of day from a number such as 517 for 05:17. 2400 is midnight, 00:00; 2460 is no time of day.",
        Duck(
            f"CASE WHEN {_hhmm('$0')} THEN make_time($0 // 100, $0 % 100, 0) WHEN $0 = 2400 THEN TIME '00:00:00' END",
            "null", "$0 is no time of day",
        ), family=FAMILY,
    ),
    Function(
        "at_hhmm", ("at_hhmm(date, integer) → timestamp",),
        "A date at a time of day such as 517 for 05:17; 2400 is the midnight at its end, the next day's 00:00.",
        Duck(
            f"CASE WHEN {_hhmm('$1')} OR ($1 = 2400 AND $0 < DATE '9999-12-31') "
            "THEN $0 + to_minutes(CAST($1 // 100 * 60 + $1 % 100 AS BIGINT)) END",
            "null", "$1 is no time of day",
        ), family=FAMILY,
    ),
    Function(
        "make_date", ("make_date(integer, integer, integer) → date",), "A date of year, month and day.",
        Duck("CASE WHEN $0 BETWEEN 1 AND 9999 THEN TRY(make_date($0, $1, $2)) END", "null", "$0, $1, $2 is no date"),
        family=FAMILY,
    ),
    Function(
        "make_time", ("make_time(integer, integer, [integer]) → time",), "A time of day of hour, minute and second.",
        Duck(
            lambda _, a: f"CASE WHEN {a[0]} BETWEEN 0 AND 23 THEN TRY(make_time({a[0]}, {a[1]}, "
            f"{a[2] if len(a) > 2 else 0})) END",
            "null", "$0, $1 is no time of day",
        ), family=FAMILY,
    ),
    Function(
        "make_timestamp", ("make_timestamp(integer, integer, integer, integer, integer, [integer]) → timestamp",),
        "A timestamp of year, month, day, hour, minute and second. Hour 24 fails.",
        Duck(
            lambda _, a: f"CASE WHEN {a[0]} BETWEEN 1 AND 9999 AND {a[3]} BETWEEN 0 AND 23 THEN TRY(make_timestamp("
            f"{', '.join(a[:5])}, CAST({a[5] if len(a) > 5 else 0} AS DOUBLE))) END",
            "null", "$0, $1, $2, $3, $4 is no date and time",
        ), family=FAMILY,
    ),
    _from_epoch("s"), _from_epoch("ms"), _from_epoch("us"),
    Function(
        "epoch_s", ("epoch_s(timestamptz) → decimal(18,6)",), "Seconds since 1970 began in UTC, exactly.",
        Duck("CAST(epoch_us($0) * CAST('0.000001' AS DECIMAL(6,6)) AS DECIMAL(18,6))"), family=FAMILY,
    ),
    Function(
        "epoch_ms", ("epoch_ms(timestamptz) → decimal(18,3)",), "Milliseconds since 1970 began in UTC, exactly.",
        Duck("CAST(epoch_us($0) * CAST('0.001' AS DECIMAL(3,3)) AS DECIMAL(18,3))"), family=FAMILY,
    ),
    Function(
        "epoch_us", ("epoch_us(timestamptz) → integer",), "Microseconds since 1970 began in UTC.",
        Duck("epoch_us($0)"), family=FAMILY,
    ),
    Function(
        "date_of", ("date_of(timestamp) → date",), "The date of a local timestamp, its time of day dropped.",
        Duck("CAST($0 AS DATE)"), family=FAMILY,
    ),
    Function(
        "time_of", ("time_of(timestamp) → time",), "The time of day of a local timestamp, its date dropped.",
        Duck("CAST($0 AS TIME)"), family=FAMILY,
    ),
    Function(
        "date_part",
        tuple(f"date_part(text:unit, {kind}) → integer" for kind in ("date", "time", "timestamp", "timestamptz")),
        f"A part of a date or time ({', '.join(PARTS)}); dow counts from 1, Monday, to 7; of an instant in UTC.",
        Duck(_part), family=FAMILY, check=_unit_check(0, tuple(PARTS)),
    ),
    *(
        _shortcut(name, f"The {name} of a date or time; of an instant in UTC.")
        for name in ("year", "quarter", "month", "day", "hour", "minute", "second")
    ),
    _shortcut("week", "The week of the year as ISO 8601 counts it; of an instant in UTC."),
    _shortcut("dow", "The day of the week from 1, Monday, to 7, Sunday; of an instant in UTC."),
    _shortcut("doy", "The day of the year, from 1; of an instant in UTC."),
    Function(
        "date_trunc", tuple(f"date_trunc(text:unit, {kind}) → {kind}" for kind in ("date", "timestamp", "timestamptz")),
        "The start of the unit it lies in; weeks start on Monday, an instant's units are UTC's.",
        Duck(lambda call, args: _back(call, f"date_trunc({args[0]}, {_local(call, 1, args[1])})")),
        family=FAMILY, check=_unit_check(0, UNITS),
    ),
    Function(
        "date_diff",
        tuple(f"date_diff(text:unit, {kind}, {kind}) → integer" for kind in ("date", "timestamp", "timestamptz")),
        "How many whole units lie between the second and the third argument; negative where the third is earlier.",
        Duck(lambda call, args: f"date_sub({args[0]}, {_local(call, 1, args[1])}, {_local(call, 2, args[2])})"),
        family=FAMILY, check=_unit_check(0, UNITS),
    ),
    _added("months", "to_months(TRY_CAST($1 AS INTEGER))"),
    _added("days", "to_days(TRY_CAST($1 AS INTEGER))"),
    _added("hours", "to_hours(CAST($1 AS BIGINT))"),
    _added("minutes", "to_minutes(CAST($1 AS BIGINT))"),
    _added("seconds", "to_microseconds(TRY_CAST(CAST($1 AS HUGEINT) * 1000000 AS BIGINT))"),
)  # fmt: skip
