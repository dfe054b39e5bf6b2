"""Dates and times: explicit formats and zones, no session, no clock. Years go from 0001 to 9999."""

import re
from collections.abc import Callable
from typing import Final

from octo_core.expressions.formats import check_format, reason_noun, token_sql
from octo_core.expressions.functions import Duck, Function, MismatchError, Spark
from octo_core.expressions.numbers import text_literal
from octo_core.expressions.spark_formats import token_spark
from octo_core.expressions.spark_names import named, with_name
from octo_core.expressions.spark_times import (
    clocks_of,
    in_years,
    text_as,
    utc_instant,
    utc_local,
)
from octo_core.expressions.spark_times import in_zone as spark_in_zone
from octo_core.expressions.table.text import text_of
from octo_core.expressions.times import FIRST, LAST, check_zone, in_range, in_zone, pattern_letters
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
_CLOCK_MICROS: Final = "unix_micros(CAST($0 AS TIMESTAMP_LTZ)) - unix_micros(CAST(CAST($0 AS DATE) AS TIMESTAMP_LTZ))"
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
        Spark(lambda call, args: token_spark(args[0], kind, full(call)), "null"),
        family=FAMILY,
        check=_format_check(kind),
    )


def _output_check(args: tuple[Node, ...]) -> None:
    try:
        letters = pattern_letters(text_of(args[1]))
        if re.search(" @[a-z]{2}$", text_of(args[1])):
            raise ValueError("names of months and weekdays are written in English; leave the language out")
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


def _formatted_spark(call: Call, args: tuple[str, ...]) -> str:
    value, kind = args[0], call.args[0].type.kind
    if kind == "time":
        value = f"make_timestamp_ntz(DATE '2000-01-01', {value})"
    if kind == "timestamptz":
        zone = text_of(call.args[2]) if len(args) > 2 else "UTC"
        value = f"convert_timezone('UTC', '{zone}', {utc_local(value)})"
    return text_as(value, text_of(call.args[1]))


def _zone_check(args: tuple[Node, ...]) -> None:
    try:
        check_zone(text_of(args[1]))
    except ValueError as error:
        raise MismatchError(str(error), 1) from None


def _at_zone(call: Call, args: tuple[str, ...]) -> str:
    if call.type == TIMESTAMPTZ:
        return in_zone(args[0], text_of(call.args[1]))
    shown = f"({args[0]} AT TIME ZONE {args[1]})"
    return f"CASE WHEN year({shown}) BETWEEN 1 AND 9999 THEN {shown} END"


def _at_zone_spark(call: Call, args: tuple[str, ...]) -> str:
    zone = text_of(call.args[1])
    return spark_in_zone(args[0], zone) if call.type == TIMESTAMPTZ else clocks_of(args[0], zone)


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


def _spark_local(call: Call, index: int, sql: str) -> str:
    """A date or an instant as a local timestamp, of UTC's clocks; a time of day as it is."""
    return sql if call.args[index].type in (TIME, TIMESTAMP) else utc_local(sql)


def _spark_back(call: Call, sql: str) -> str:
    """A local timestamp as the call's own type."""
    return utc_instant(sql) if call.type == TIMESTAMPTZ else f"CAST({sql} AS {call.type})" if call.type == DATE else sql


def _part(call: Call, args: tuple[str, ...]) -> str:
    name = PARTS[text_of(call.args[0])]
    value = _local(call, 1, args[1])
    part = f"date_part('{name}', {value})"
    return f"({part} % 1000000)" if name == "microsecond" else part


_SPARK_PARTS: Final = {
    "quarter": "quarter($0)", "week": "weekofyear($0)", "isodow": "(weekday($0) + 1)", "doy": "dayofyear($0)",
    "isoyear": "extract(YEAROFWEEK FROM $0)", "microsecond": "(extract(SECOND FROM $0) * 1000000) % 1000000",
}  # fmt: skip
"""What Spark has no function of the same name for."""


def _spark_part(name: str, index: int) -> Callable[[Call, tuple[str, ...]], str]:
    def value(call: Call, args: tuple[str, ...]) -> str:
        part = PARTS[name or text_of(call.args[0])]
        template = _SPARK_PARTS.get(part, f"{part}($0)")
        return f"CAST({template.replace('$0', _spark_local(call, index, args[index]))} AS BIGINT)"

    return value


def _truncated(call: Call, args: tuple[str, ...]) -> str:
    """Spark's date_trunc gives an instant, of the session's zone, which is UTC."""
    cut = f"date_trunc({args[0]}, {_spark_local(call, 1, args[1])})"
    return cut if call.type == TIMESTAMPTZ else _spark_back(call, utc_local(cut))


_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_MICROS: Final = {
    "week": 604_800_000_000, "day": 86_400_000_000, "hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000,
    "millisecond": 1_000, "microsecond": 1,
}  # fmt: skip


def _between(call: Call, args: tuple[str, ...]) -> str:
    """Whole units. Months count by the day of the month, and a shorter month's last day is as good as a later one."""
    unit = text_of(call.args[0])
    left, right = (_spark_local(call, index, args[index]) for index in (1, 2))
    if unit in _MICROS:
        micros = f"(unix_micros({utc_instant(right)}) - unix_micros({utc_instant(left)}))"
        return f"({micros} DIV {_MICROS[unit]}L)"

    def months(first: str, second: str) -> str:
        apart = f"((year({second}) - year({first})) * 12 + month({second}) - month({first}))"
        late = f"{first} + make_ym_interval(0, {apart}) > {second}"
        return f"({apart} - CASE WHEN {late} THEN 1 ELSE 0 END)"

    whole = f"CASE WHEN {left} <= {right} THEN {months(left, right)} ELSE -{months(right, left)} END"
    return f"(CAST({whole} AS BIGINT) DIV {_MONTHS[unit]}L)"


def _shortcut(name: str, doc: str) -> Function:
    kinds = ("time", "timestamp", "timestamptz") if name in _CLOCK else ("date", "timestamp", "timestamptz")
    return Function(
        name,
        tuple(f"{name}({kind}) → integer" for kind in kinds),
        doc,
        Duck(lambda call, args: f"date_part('{PARTS[name]}', {_local(call, 0, args[0])})"),
        Spark(_spark_part(name, 0)),
        family=FAMILY,
    )


def _stays(unit: str, number: str) -> str:
    """SQL condition: so many units do not leave the years in any case; past them engines overflow and raise."""
    most = 120_000 if unit == "months" else 320_000_000_000_000_000 // _MICROS[unit.removesuffix("s")]
    return f"{number} BETWEEN -{most} AND {most}"


def _spark_added(unit: str) -> Callable[[Call, tuple[str, ...]], str]:
    def value(call: Call, args: tuple[str, ...]) -> str:
        local = _spark_local(call, 0, args[0])
        if unit == "months":
            moved = f"{local} + make_ym_interval(0, CAST({args[1]} AS INT))"
        else:
            size = _MICROS[unit.removesuffix("s")]
            moved = utc_local(f"timestamp_micros(unix_micros({utc_instant(local)}) + {args[1]} * {size}L)")
        made = with_name(moved, "m", _spark_back(call, in_years(named("m"))))
        return f"CASE WHEN {_stays(unit, args[1])} THEN {made} END"

    return value


def _added(unit: str, amount: str) -> Function:
    kinds = ("date", "timestamp", "timestamptz") if unit in ("days", "months") else ("timestamp", "timestamptz")

    def value(call: Call, args: tuple[str, ...]) -> str:
        moved = f"{_local(call, 0, args[0])} + {amount.replace('$1', args[1])}"
        return f"CASE WHEN {_stays(unit, args[1])} THEN TRY({_in_years(call, _back(call, f'({moved})'))}) END"

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
        Spark(_spark_added(unit), "null"),
        family=FAMILY,
    )


def _in_years(call: Call, sql: str) -> str:
    if call.type == TIMESTAMPTZ:
        return in_range(sql)
    return f"CASE WHEN year({sql}) BETWEEN 1 AND 9999 THEN {sql} END"


def _from_epoch(unit: str) -> Function:
    size = _EPOCH_UNITS[unit]

    def on_spark(call: Call, args: tuple[str, ...]) -> str:
        scale = max(call.args[0].type.scale or 0, 6)
        exact = f"try_multiply(try_cast({args[0]} AS DECIMAL(38,{scale})), {size})"
        whole = f"CASE WHEN {named('n')} = floor({named('n')}) AND {named('n')} BETWEEN {FIRST} AND {LAST}"
        return with_name(exact, "n", f"{whole} THEN timestamp_micros(CAST({named('n')} AS BIGINT)) END")

    def value(call: Call, args: tuple[str, ...]) -> str:
        kind = call.args[0].type
        if kind.is_integer:
            micros = f"(CAST({args[0]} AS HUGEINT) * {size})"
        else:
            exact = f"TRY(CAST({args[0]} AS DECIMAL(38,{max(kind.scale or 0, 6)})) * {size})"
            micros = f"CASE WHEN {exact} = floor({exact}) THEN CAST({exact} AS HUGEINT) END"
        return f"CASE WHEN {micros} BETWEEN {FIRST} AND {LAST} THEN make_timestamptz(TRY_CAST({micros} AS BIGINT)) END"

    return Function(
        f"from_epoch_{unit}",
        (f"from_epoch_{unit}(exact) → timestamptz",),
        f"The instant so many {_EPOCH_NAMES[unit]} after 1970 began in UTC.",
        Duck(value, "null", "$0 is no such number of a time in microseconds, in the years 0001 to 9999"),
        Spark(on_spark, "null"),
        family=FAMILY,
    )


def _made_date(_: Call, args: tuple[str, ...]) -> str:
    year, month, day = args
    fits = f"{year} BETWEEN 1 AND 9999 AND {month} BETWEEN 1 AND 12 AND {day} BETWEEN 1 AND 31"
    return f"CASE WHEN {fits} THEN try_cast(concat(lpad({year}, 4, '0'), '-', {month}, '-', {day}) AS DATE) END"


def _made_clock(args: tuple[str, ...], made: str) -> str:
    """`made` of the microseconds since midnight, where hour, minute and second are some."""
    hour, minute, second = args if len(args) > 2 else (*args, "0L")
    fits = f"{hour} BETWEEN 0 AND 23 AND {minute} BETWEEN 0 AND 59 AND {second} BETWEEN 0 AND 59"
    return f"CASE WHEN {fits} THEN {made.format(f'(({hour} * 60 + {minute}) * 60 + {second}) * 1000000L')} END"


def _made_timestamp(call: Call, args: tuple[str, ...]) -> str:
    clock = _made_clock(args[3:], utc_local(f"timestamp_micros(unix_micros({utc_instant(named('d'))}) + {{}})"))
    return with_name(_made_date(call, args[:3]), "d", clock)


_AT_CLOCK: Final = utc_local(
    f"timestamp_micros(unix_micros({utc_instant('$0')}) + ($1 DIV 100 * 60 + $1 % 100) * 60000000L)"
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
        Duck(_formatted), Spark(_formatted_spark), family=FAMILY, check=_output_check,
    ),
    Function(
        "format_time", ("format_time(time, text:format) → text",), "A time of day written in a format.",
        Duck(_formatted), Spark(_formatted_spark), family=FAMILY, check=_output_check,
    ),
    Function(
        "format_timestamp",
        (
            "format_timestamp(timestamp, text:format) → text",
            "format_timestamp(timestamptz, text:format, [text:zone]) → text",
        ),
        "A timestamp written in a format; an instant as the clocks of the zone show it, UTC when left out.",
        Duck(_formatted), Spark(_formatted_spark), family=FAMILY, check=_output_check,
    ),
    Function(
        "at_zone", ("at_zone(timestamp, text:zone) → timestamptz", "at_zone(timestamptz, text:zone) → timestamp"),
        "The instant at which a zone's clocks show a local time, or what they show at an instant. A time that they "
        "skip fails; of one that they show twice the later is meant.",
        Duck(_at_zone, "null", lambda call: f"$0 is never shown by the clocks of {text_of(call.args[1])}"),
        Spark(_at_zone_spark, "null"), family=FAMILY, check=_zone_check,
    ),
    Function(
        "hhmm_to_time", ("hhmm_to_time(integer) → time",),
        "A time of day from a number such as 517 for 05:17. 2400 is midnight, 00:00; 2460 is no time of day.",
        Duck(
            f"CASE WHEN {_hhmm('$0')} THEN make_time($0 // 100, $0 % 100, 0) WHEN $0 = 2400 THEN TIME '00:00:00' END",
            "null", "$0 is no time of day",
        ),
        Spark(
            f"CASE WHEN {_hhmm('$0')} THEN time_from_micros(($0 DIV 100 * 60 + $0 % 100) * 60000000L) "
            "WHEN $0 = 2400 THEN time_from_micros(0L) END", "null",
        ), family=FAMILY,
    ),
    Function(
        "at_hhmm", ("at_hhmm(date, integer) → timestamp",),
        "A date at a time of day such as 517 for 05:17; 2400 is the midnight at its end, the next day's 00:00.",
        Duck(
            f"CASE WHEN {_hhmm('$1')} OR ($1 = 2400 AND $0 < DATE '9999-12-31') "
            "THEN $0 + to_minutes(CAST($1 // 100 * 60 + $1 % 100 AS BIGINT)) END",
            "null", "$1 is no time of day",
        ),
        Spark(
            f"CASE WHEN {_hhmm('$1')} OR ($1 = 2400 AND $0 < DATE '9999-12-31') "
            f"THEN {_AT_CLOCK} END", "null",
        ), family=FAMILY,
    ),
    Function(
        "make_date", ("make_date(integer, integer, integer) → date",), "A date of year, month and day.",
        Duck("CASE WHEN $0 BETWEEN 1 AND 9999 THEN TRY(make_date($0, $1, $2)) END", "null", "$0, $1, $2 is no date"),
        Spark(_made_date, "null"), family=FAMILY,
    ),
    Function(
        "make_time", ("make_time(integer, integer, [integer]) → time",), "A time of day of hour, minute and second.",
        Duck(
            lambda _, a: f"CASE WHEN {a[0]} BETWEEN 0 AND 23 THEN TRY(make_time({a[0]}, {a[1]}, "
            f"{a[2] if len(a) > 2 else 0})) END",
            "null", "$0, $1 is no time of day",
        ),
        Spark(lambda _, a: _made_clock(a, "time_from_micros({})"), "null"), family=FAMILY,
    ),
    Function(
        "make_timestamp", ("make_timestamp(integer, integer, integer, integer, integer, [integer]) → timestamp",),
        "A timestamp of year, month, day, hour, minute and second. Hour 24 fails.",
        Duck(
            lambda _, a: f"CASE WHEN {a[0]} BETWEEN 1 AND 9999 AND {a[3]} BETWEEN 0 AND 23 THEN TRY(make_timestamp("
            f"{', '.join(a[:5])}, CAST({a[5] if len(a) > 5 else 0} AS DOUBLE))) END",
            "null", "$0, $1, $2, $3, $4 is no date and time",
        ),
        Spark(_made_timestamp, "null"), family=FAMILY,
    ),
    _from_epoch("s"), _from_epoch("ms"), _from_epoch("us"),
    Function(
        "epoch_s", ("epoch_s(timestamptz) → decimal(18,6)",), "Seconds since 1970 began in UTC, exactly.",
        Duck("CAST(epoch_us($0) * CAST('0.000001' AS DECIMAL(6,6)) AS DECIMAL(18,6))"),
        Spark("CAST(unix_micros($0) * CAST('0.000001' AS DECIMAL(6,6)) AS DECIMAL(18,6))"), family=FAMILY,
    ),
    Function(
        "epoch_ms", ("epoch_ms(timestamptz) → decimal(18,3)",), "Milliseconds since 1970 began in UTC, exactly.",
        Duck("CAST(epoch_us($0) * CAST('0.001' AS DECIMAL(3,3)) AS DECIMAL(18,3))"),
        Spark("CAST(unix_micros($0) * CAST('0.001' AS DECIMAL(3,3)) AS DECIMAL(18,3))"), family=FAMILY,
    ),
    Function(
        "epoch_us", ("epoch_us(timestamptz) → integer",), "Microseconds since 1970 began in UTC.",
        Duck("epoch_us($0)"), Spark("unix_micros($0)"), family=FAMILY,
    ),
    Function(
        "date_of", ("date_of(timestamp) → date",), "The date of a local timestamp, its time of day dropped.",
        Duck("CAST($0 AS DATE)"), Spark("CAST($0 AS DATE)"), family=FAMILY,
    ),
    Function(
        "time_of", ("time_of(timestamp) → time",), "The time of day of a local timestamp, its date dropped.",
        Duck("CAST($0 AS TIME)"), Spark(f"time_from_micros({_CLOCK_MICROS})"), family=FAMILY,
    ),
    Function(
        "date_part",
        tuple(f"date_part(text:unit, {kind}) → integer" for kind in ("date", "time", "timestamp", "timestamptz")),
        f"A part of a date or time ({', '.join(PARTS)}); dow counts from 1, Monday, to 7; of an instant in UTC.",
        Duck(_part), Spark(_spark_part("", 1)), family=FAMILY, check=_unit_check(0, tuple(PARTS)),
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
        Spark(_truncated), family=FAMILY, check=_unit_check(0, UNITS),
    ),
    Function(
        "date_diff",
        tuple(f"date_diff(text:unit, {kind}, {kind}) → integer" for kind in ("date", "timestamp", "timestamptz")),
        "How many whole units lie between the second and the third argument; negative where the third is earlier.",
        Duck(lambda call, args: f"date_sub({args[0]}, {_local(call, 1, args[1])}, {_local(call, 2, args[2])})"),
        Spark(_between), family=FAMILY, check=_unit_check(0, UNITS),
    ),
    _added("months", "to_months(TRY_CAST($1 AS INTEGER))"),
    _added("days", "to_days(TRY_CAST($1 AS INTEGER))"),
    _added("hours", "to_hours(CAST($1 AS BIGINT))"),
    _added("minutes", "to_minutes(CAST($1 AS BIGINT))"),
    _added("seconds", "to_microseconds(TRY_CAST(CAST($1 AS HUGEINT) * 1000000 AS BIGINT))"),
)  # fmt: skip
