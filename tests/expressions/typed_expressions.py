"""Random expressions that type-check, by the type of their value, over fields of every type with odd tokens."""

from collections.abc import Mapping
from random import Random
from typing import Final

from octo_core.schema import SourceSchema
from tests.expressions.running import field, schema

FIELDS: Final = {
    "i": ("int64", None), "s": ("int16", None), "d": ("decimal(20,6)", None), "w": ("decimal(38,18)", None),
    "g": ("decimal(12,2)", "1.234,56"), "f": ("float64", None), "r": ("float32", None), "t": ("text", None),
    "b": ("boolean", "yes|no"), "day": ("date", "%d/%m/%Y"), "iso": ("date", None), "clock": ("time", "hhmm"),
    "local": ("timestamp", None), "us": ("timestamp", "%b %-d %Y %I:%M %p"), "z": ("timestamptz", None),
    "instant": ("timestamptz", "%Y-%m-%d %H:%M:%S @Europe/Madrid"), "u": ("uuid", None), "l": ("list<text>", None),
    "n": ("list<decimal(6,2)>", None), "j": ("json", None), "p": ("interval", "hms"), "x": ("bytes", "hex"),
}  # fmt: skip
_CARRIERS: Final = {"j": "object", "l": "array", "n": "array"}
ROWS: Final[SourceSchema] = schema(
    *(field(name, kind, fmt=fmt, carrier=_CARRIERS.get(name, "text")) for name, (kind, fmt) in FIELDS.items())
)
_NUMBERS: Final = [
    "0", "-0", "5", "-12", "+3", "1e5", "2.50", "2.5", "-2.5", "1E-6", " 7 ", "007", "1_0", "0x1F", ".5", "5.", "abc",
    "", "99999999999", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "0.1", "-0.000001",
    "99999999999999.999999", "12345678901234567890.123456789012345678", "99999999999999999999", "1.23e400", "32767",
]  # fmt: skip
_FLOATS: Final = [
    "-0.0", "1e16", "1.5e-7", "1e308", "5e-324", "123456789.123456789", "NaN", "1e400", "3.4028235e38", "2e-3", "1e23",
    "0.30000000000000004", "9007199254740993", "16777217", "1e-400", "100", "9223372036854775808", "-1.5", "4.35",
]  # fmt: skip
_TEXTS: Final = [
    "", "a", "Ana Díaz", "straße", "İSTANBUL ı", "ΟΔΟΣ όδος", "ﬁn ǆ", "a\nb", "\u00a0x \t", "👍🏽 ok", "x'y\\z",
    "${i} %_",
    "a\0b", "mc donald's o-NEILL", "AA-12", "aaa", "é", "2013-01-31", "1,234.56", "yes", "P1DT2H", '{"a": [1.10]}',
    "x" * 100, "_", "%", "Ⅷ ⅷ", "ᾳδης", "K2", "ſ",
]  # fmt: skip
_DATES: Final = [
    "31/01/2013", "29/02/2012", "29/02/2013", "01/01/0001", "31/12/9999", "2013-01-31", "2012-02-29", "0001-01-01",
    "9999-12-31", "1969-12-31", " 2000-01-01 ", "2013-1-31", "1582-10-10",
]  # fmt: skip
_CLOCKS: Final = ["517", "5", "2400", "2460", "0", "2359", "05:17", "12:00:00.5"]
_STAMPS: Final = [
    "2013-01-31T05:17:00", "2013-07-01 10:00:00", "2013-03-31 02:30:00", "2013-10-27 02:30:00", "0001-01-01T00:00",
    "9999-12-31T23:59:59.999999", "2013-01-31T05:17:00.1234560", "Jan 5 2013 12:30 AM", "feb 29 2012 11:05 pm",
    "2013-01-31T05:17Z", "2013-01-31T05:17:09.5+0530", "2013-01-31 05:17:00-03", "0001-01-01T00:00:00+05:00",
    "1900-01-01 00:00:00", "2013-01-31T24:00:00", "1969-12-31T23:59:59.999999Z", "2040-07-01 10:00:00",
]  # fmt: skip
_JSON: Final = [
    '{"a": {"b": 1.10}, "k": [1e5, "x", null, {"q": "\\u00e9\\n"}]}', '{"a": "{x}", "a": 2}', "{}",
    '["a", null, "b, c"]',
    "[1.10, 2]", "[]", '[ 1.5 , null,"2" ]', "[1.123]", '["ß", "a\\"b", 3, true]', '[["x"]]', "[1,", "null",
]  # fmt: skip
_OTHERS: Final = [
    "6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff8b86d011b42d00c04fc964ff", "26:03:04.5", "-1:00:00", "no", "NO",
    "1.234,56", "1234,5", "-1.234.567,00", "deadBEEF", "00", "abc0f",
]  # fmt: skip
_FITTING: Final[Mapping[str, list[str]]] = {
    "int64": _NUMBERS, "int16": _NUMBERS, "decimal(20,6)": _NUMBERS, "decimal(38,18)": _NUMBERS,
    "decimal(12,2)": _OTHERS, "float64": _FLOATS + _NUMBERS, "float32": _FLOATS, "text": _TEXTS, "boolean": _OTHERS,
    "date": _DATES, "time": _CLOCKS, "timestamp": _STAMPS, "timestamptz": _STAMPS, "json": _JSON, "uuid": _OTHERS,
    "interval": _OTHERS, "bytes": _OTHERS, "list<text>": _JSON, "list<decimal(6,2)>": _JSON,
}  # fmt: skip
_ALL: Final = [*_NUMBERS, *_FLOATS, *_TEXTS, *_DATES, *_CLOCKS, *_STAMPS, *_JSON, *_OTHERS]


def token(random: Random, name: str) -> str | None:
    """A token of a field: mostly one of its type, now and then none or any. A carrier of JSON is always JSON."""
    kind = FIELDS[name][0]
    if kind == "json":
        return random.choice([None, *(text for text in _JSON if text != "[1,")])
    if random.random() < 0.15:
        return random.choice([None, *_ALL])
    if kind == "float64" and random.random() < 0.4:
        return repr(random.choice([random.uniform(-1e4, 1e4), random.lognormvariate(0, 200)]))
    if kind in ("int64", "decimal(20,6)", "decimal(38,18)") and random.random() < 0.4:
        return f"{random.uniform(-1, 1) * 10 ** random.randint(0, 12):.{random.choice([0, 2, 6])}f}"
    return random.choice(_FITTING[kind])


def row(random: Random) -> dict[str, str | None]:
    """One row."""
    return {name: token(random, name) for name in FIELDS}


TEMPLATES: Final[Mapping[str, list[str]]] = {
    "int": [
        "i", "s", "7", "-3", "0", "{int} + {int}", "{int} - {int}", "{int} * {int}", "{int} % {int}", "abs({int})",
        "length({text})", "cast({text} as bigint)", "cast({num} as int)", "sign({num})", "position({text}, {text})",
        "date_part('week', {date})", "dow({stamp})", "doy({date})", "year({instant})", "epoch_us({instant})",
        "second({stamp})", "date_part('microsecond', {stamp})", "hour({time})", "list_length(l)", "round({int})",
        "date_diff('month', {stamp}, {stamp})", "date_diff('day', {date}, {date})", "quarter({date})",
        "date_diff('year', {instant}, {instant})", "date_part('iso_year', {date})", "floor({int})",
        "case when {bool} then {int} else {int} end", "least({int}, {int}, 5)", "cast({bool} as int)",
    ],
    "num": [
        "{int}", "d", "w", "g", "2.50", "-0.005", "{num} + {num}", "{num} - {num}", "{num} * {int}", "{num} / {num}",
        "{num} % {num}", "-{num}", "abs({num})", "round({num}, 1)", "floor({num})", "ceil({num})",
        "coalesce(n, null)[1]",
        "cast({float} as decimal(12,3))", "cast({num} as decimal(9,2))", "cast({text} as decimal(20,4))",
        "parse_number({text}, '1,234.56')", "epoch_s({instant})", "epoch_ms({instant})", "greatest({num}, {num})",
        "nullif({num}, 0)", "coalesce({num}, 1.5)", "cast({num} as decimal(38,20))", "{num} / 3",
    ],
    "float": [
        "f", "r", "cast({num} as double)", "{float} + {float}", "{float} * {num}", "{float} / {float}", "-{float}",
        "{float} - {num}", "sqrt({float})", "floor({float})", "ceil({float})", "abs({float})",
        "cast({text} as double)", "cast({float} as real)", "least({float}, {float})",
    ],
    "text": [
        "t", "'x'", "''", "'%'", "'é'", "{text} || {text}", "concat({text}, {int}, {bool})", "lower({text})",
        "upper({text})", "initcap({text})", "trim({text})", "ltrim({text}, 'a x')", "rtrim({text})",
        "substring({text}, {int})", "substring({text}, 2, {int})", "left({text}, {int})", "right({text}, 2)",
        "replace({text}, {text}, 'z')", "split_part({text}, '-', {int})", "reverse({text})", "lpad({text}, 7, {text})",
        "rpad({text}, {int}, 'ab')", "repeat({text}, 3)", "regexp_extract({text}, '(?i)[a-s]+')",
        r"regexp_extract({text}, '^(\w*)\W+(.*)$', 2)", r"regexp_replace({text}, '\b[a-fé]', '<\\\0>')",
        r"regexp_replace({text}, '[\s.-]+|(a)', '\1$_')", "cast({num} as text)", "cast({float} as text)",
        "cast({date} as text)", "cast({stamp} as text)", "cast({instant} as text)", "cast({time} as text)",
        "cast(u as text)", "cast(n as text)", "md5({text})", "sha256({text})", "map_values({text}, 'a', 'b', 'c')",
        "json_value(j, 'a.b')", "json_value(j, 'k[1]')", "json_value(j, 'k[4].q')", "json_value(j, 'a')",
        "coalesce(l, null)[2]",
        "list_join(l, '; ')", "format_date({date}, '%A %-d %B %Y, %j %%')", "format_time({time}, '%I:%M %p')",
        "format_timestamp({stamp}, '%Y-%m-%dT%H:%M:%S.%f %y %b %a')", "coalesce({text}, 'none')",
        "format_timestamp({instant}, '%d/%m/%Y %-H:%-M:%-S', 'Asia/Kolkata')", "nullif({text}, 'a')",
        "json_value(cast({text} as json), 'a[1]')", "map_values({text}, 'a', 'b')", "cast({bool} as text)",
    ],
    "bool": [
        "b", "true", "{num} = {num}", "{num} < {float}", "{text} < {text}", "{text} like '%a_'", "{date} >= {date}",
        "{instant} <> {instant}", "{stamp} between {stamp} and {stamp}", "{text} in ('a', 'é', {text})",
        "{float} in (0, 1, 2.5)", "{float} >= {float}", "{text} is null", "{bool} and {bool}", "{bool} or {bool}",
        "not {bool}", "{bool} is true", "contains({text}, {text})", "starts_with({text}, {text})", "p > p",
        "ends_with({text}, {text})", r"regexp_matches({text}, '(?i)k|ß|\d$')", "parse_boolean({text}, 'yes,ok|no')",
        "list_contains(l, {text})", "cast({int} as boolean)", "{time} < {time}", "x = x", "u = {text}",
        r"regexp_matches({text}, '^.{3,5}?$')", "cast(l as text) = {text}", "l = l",
    ],
    "date": [
        "day", "iso", "add_days({date}, {int})", "add_months({date}, {int})", "make_date({int}, 2, {int})",
        "date_trunc('month', {date})", "date_of({stamp})", "parse_date({text}, '%Y-%m-%d')", "cast({text} as date)",
        "date_trunc('week', {date})", "cast({stamp} as date)", "parse_date({text}, '%d.%m.%y | %Y%j')",
    ],
    "time": [
        "clock", "time_of({stamp})", "make_time({int}, 5, {int})", "hhmm_to_time({int})", "parse_time({text}, 'iso')",
    ],
    "stamp": [
        "local", "us", "cast({date} as timestamp)", "add_hours({stamp}, {int})", "add_months({stamp}, {int})",
        "at_hhmm({date}, {int})", "at_zone({instant}, 'America/New_York')", "date_trunc('quarter', {stamp})",
        "make_timestamp(2013, {int}, 1, 5, {int})", "parse_timestamp_local({text}, '%Y-%m-%d %H:%M:%S')",
        "date_trunc('millisecond', {stamp})", "add_seconds({stamp}, {int})",
    ],
    "instant": [
        "z", "instant", "at_zone({stamp}, 'Europe/Madrid')", "at_zone({stamp}, 'Australia/Lord_Howe')",
        "add_days({instant}, {int})", "from_epoch_s({num})", "from_epoch_ms({int})", "date_trunc('hour', {instant})",
        "parse_timestamp({text}, '%Y-%m-%dT%H:%M:%S%z')", "at_zone({date}, 'Asia/Tokyo')",
        "add_minutes({instant}, {int})",
        "parse_timestamp({text}, 'epoch_s')", "load_time()",
    ],
    "other": ["l", "n", "j", "p", "u", "x", "cast(n as list<int64>)", "least(p, p)", "cast(l as json)", "nullif(u, u)"],
}  # fmt: skip


def expression(random: Random, kind: str, depth: int) -> str:
    """The text of an expression; most, but not all, of them type-check."""
    choices = TEMPLATES[kind]
    text = random.choice(choices if depth else [one for one in choices if "{" not in one])
    for inner in TEMPLATES:
        while "{" + inner + "}" in text:
            part = expression(random, inner, depth - 1)
            bare = part.replace("_", "a").isalnum() or part.startswith("'")
            text = text.replace("{" + inner + "}", part if bare else f"({part})", 1)
    return text
