"""JSON in Spark without loss: its parser makes doubles of numbers, so they are put into strings before it sees them."""

from typing import Final

from octo_core.expressions.json_paths import checked_parts
from octo_core.expressions.spark_names import literal, named, with_name

_ESCAPE: Final = (
    r'\\(?:["\\/bfnrt]|u(?:[0-9A-Ca-cE-Fe-f][0-9A-Fa-f]{3}|[Dd][0-7][0-9A-Fa-f]{2}'
    r"|[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}))"
)
_STRING: Final = rf'"(?:[^"\\\x00-\x1F]++|{_ESCAPE})*+"'
_SCALAR: Final = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+|true|false|null"
_BLANK: Final = r"[ \t\r\n]*+"
_LEAF: Final = r"\[(?:[0\x01](?:,[0\x01])*+)?+\]|\{(?:\x01:[0\x01](?:,\x01:[0\x01])*+)?+\}"
_EXACT: Final = r'"((?:[^"\\]++|\\.)*+)"|(-?[0-9][0-9.eE+-]*+)'
"""Possessive throughout: Java's regular expressions would recur for each part of a long text, until the stack ends."""


def _nested(levels: int) -> str:
    """A regular expression of JSON that holds at most so many objects and lists in each other."""
    plain = inner = f"{_STRING}|{_SCALAR}"
    for _ in range(levels):
        value = f"(?:{inner})"
        member = rf'{_STRING}{_BLANK}:{_BLANK}{value}{_BLANK}(?:,(?={_BLANK}")|(?=\}})){_BLANK}'
        item = rf"{value}{_BLANK}(?:,(?!{_BLANK}\])|(?=\])){_BLANK}"
        inner = rf"{plain}|\{{{_BLANK}(?:{member})*+\}}|\[{_BLANK}(?:{item})*+\]"
    return rf"\A{_BLANK}(?:{inner}){_BLANK}\z"


_SHALLOW: Final = _nested(3)
"""Most JSON there is, told in a third of the time that any depth takes."""


def valid(text: str) -> str:
    """SQL condition: the text is JSON by RFC 8259. Spark's parsers take NaN, and what follows the end.

    Where it is deep, strings become one sign and scalars another; then what holds only such signs becomes a sign
    itself, until nothing changes.
    """
    signs = f"regexp_replace(regexp_replace({text}, {literal(_STRING)}, char(1)), {literal(_SCALAR)}, '0')"
    signs = f"regexp_replace({signs}, '[ \\t\\r\\n]++', '')"
    opened = f"length({text}) - length(translate({text}, '[{{', ''))"
    a, i = named("a"), named("i")
    inner = f"named_struct('s', regexp_replace({a}.s, {literal(_LEAF)}, '0'), 'n', length({a}.s))"
    step = f"CASE WHEN length({a}.s) = {a}.n THEN {a} ELSE {inner} END"
    start = f"named_struct('s', {signs}, 'n', -1)"
    whole = f"aggregate(sequence(0, {opened}), {start}, ({a}, {i}) -> {step}, {a} -> {a}.s IN ('0', char(1)))"
    return f"({text} RLIKE {literal(_SHALLOW)} OR ({text} NOT RLIKE '[\\\\x00\\\\x01]' AND {whole}))"


def marked(json: str) -> str:
    """SQL of the same JSON in which every string has an `s` before it and every number is such a string."""
    return f"regexp_replace({json}, {literal('(?s)' + _EXACT)}, '\"s$1$2\"')"


def at(json: str, path: str) -> str:
    """SQL of what `marked` has at a path such as `a.b[1]`: `sTEXT`, true, false, or nested JSON. Raises ValueError."""
    value = marked(json)
    for part in checked_parts(path):
        shape, key = ("array", str(part)) if isinstance(part, int) else ("map", literal("s" + part))
        kind = "array<string>" if shape == "array" else "map<string,string>"
        value = f"try_element_at(from_json({value}, '{kind}'), {key})"
    return value


def scalar(json: str, path: str) -> str:
    """The exact text of a scalar at a path; NULL where there is none, or an object or a list."""
    v = named("v")
    text = f"CASE WHEN startswith({v}, 's') THEN substring({v}, 2) WHEN NOT {nested(v)} THEN {v} END"
    return with_name(at(json, path), "v", text)


def nested(found: str) -> str:
    """SQL condition of what `at` found: it is an object or a list."""
    return f"(left({found}, 1) IN ('{{', '['))"


def texts(json: str) -> str:
    """The elements of a list of scalars as their exact texts; NULL where it is no such list."""
    v, e = named("v"), named("e")
    shown = f"transform({v}, {e} -> CASE WHEN startswith({e}, 's') THEN substring({e}, 2) ELSE {e} END)"
    flat = f"NOT exists({v}, {e} -> coalesce({nested(e)}, false))"
    inner = with_name(f"from_json({marked(json)}, 'array<string>')", "v", f"CASE WHEN {flat} THEN {shown} END")
    begins = literal(r"\A[ \t\r\n]*+\[")
    return f"CASE WHEN {json} RLIKE {begins} AND {valid(json)} THEN {inner} END"
