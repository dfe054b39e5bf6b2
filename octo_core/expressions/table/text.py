"""Text: by Unicode code points, without locale. Positions count from 1."""

import re
from typing import Final

from octo_core.expressions.functions import Duck, Function, MismatchError, Spark
from octo_core.expressions.numbers import named
from octo_core.expressions.patterns import java_replacement, read_pattern
from octo_core.expressions.spark_names import literal
from octo_core.expressions.spark_text import initcap, lower, upper
from octo_core.expressions.tree import Call, Literal, Node

MAX_TEXT: Final = 10_000
"""The longest text that padding and repeating may make."""
_WORD: Final = named("word")
_SPACE: Final = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(160)"
_SPARK_SPACE: Final = literal(" \t\n\v\f\r\xa0")


def text_of(node: Node) -> str:
    """The value of a text literal."""
    return str(node.value) if isinstance(node, Literal) else ""


def check_pattern(args: tuple[Node, ...]) -> None:
    """A pattern that every engine reads alike, without look-around and back-references. Raises MismatchError."""
    pattern = text_of(args[1])
    try:
        found = read_pattern(pattern)
    except (ValueError, RecursionError) as error:
        raise MismatchError(f"{pattern!r} is no regular expression of the language: {error}", 1) from None
    group = args[2].value if len(args) > 2 and isinstance(args[2], Literal) else None
    if isinstance(group, int) and not 0 <= group <= found.groups:
        raise MismatchError(f"the pattern has {found.groups} groups; there is no group {group}", 2)
    if isinstance(group, str):
        wrong = [
            ref
            for ref in re.findall(r"\\(.)", group)
            if ref != "\\" and not (ref in "0123456789" and int(ref) <= found.groups)
        ]
        if wrong or group.replace("\\\\", "").endswith("\\"):
            raise MismatchError(
                "a replacement names groups of the pattern as \\1 to \\9 and writes a backslash as \\\\", 2
            )
        if group and found.may_be_empty:
            raise MismatchError(
                "the pattern may match no character at all; such matches can only be replaced by an empty text", 1
            )


def _extract(call: Call, args: tuple[str, ...]) -> str:
    group = call.args[2].value if len(call.args) > 2 and isinstance(call.args[2], Literal) else 0
    return f"CASE WHEN regexp_matches({args[0]}, {args[1]}) THEN regexp_extract({args[0]}, {args[1]}, {group}) END"


def _java(call: Call) -> str:
    return literal(read_pattern(text_of(call.args[1])).java)


def _extract_spark(call: Call, args: tuple[str, ...]) -> str:
    group = call.args[2].value if len(call.args) > 2 and isinstance(call.args[2], Literal) else 0
    return f"CASE WHEN {args[0]} RLIKE {_java(call)} THEN regexp_extract({args[0]}, {_java(call)}, {group}) END"


def _replace_spark(call: Call, args: tuple[str, ...]) -> str:
    return f"regexp_replace({args[0]}, {_java(call)}, {literal(java_replacement(text_of(call.args[2])))})"


_FAR: Final = 2**31 - 1
"""Past the end of any text. DuckDB raises for positions and lengths of more than 32 bits."""


def _substring(_: Call, args: tuple[str, ...]) -> str:
    start = f"least({args[1]}, {_FAR})"
    if len(args) == 2:
        return f"CASE WHEN {args[1]} >= 1 THEN substring({args[0]}, {start}) END"
    length = f"least({args[2]}, {_FAR})"
    return f"CASE WHEN {args[1]} >= 1 AND {args[2]} >= 0 THEN substring({args[0]}, {start}, {length}) END"


def _small(sql: str) -> str:
    """SQL of a number as Spark's text functions take it."""
    return f"try_cast(least({sql}, {_FAR}) AS INT)"


def _substring_spark(_: Call, args: tuple[str, ...]) -> str:
    start = _small(args[1])
    if len(args) == 2:
        return f"CASE WHEN {args[1]} >= 1 THEN substring({args[0]}, {start}) END"
    return f"CASE WHEN {args[1]} >= 1 AND {args[2]} >= 0 THEN substring({args[0]}, {start}, {_small(args[2])}) END"


_SIDES: Final = {"trim": "BOTH", "ltrim": "LEADING", "rtrim": "TRAILING"}


def _trim(name: str, sides: str) -> Function:
    return Function(
        name,
        (f"{name}(text) → text", f"{name}(text, text) → text"),
        f"The text without blanks, tabs, line ends and no-break spaces {sides}, or without the characters given.",
        Duck(lambda _, args: f"{name}({args[0]}, {args[1] if len(args) > 1 else _SPACE})"),
        Spark(lambda _, args: f"trim({_SIDES[name]} {args[1] if len(args) > 1 else _SPARK_SPACE} FROM {args[0]})"),
    )


def _bounded(kind: str) -> str:
    """SQL: the second argument, which a condition around it holds within bounds. Of constants engines compute what is
    behind a condition before they look at it, so that a length of two thousand million would be a text of that size.
    """
    return f"TRY_CAST(least(greatest($1, 0), {MAX_TEXT}) AS {kind})"


def _pad(name: str, side: str) -> Function:
    return Function(
        name,
        (f"{name}(text, integer, text) → text",),
        f"The text filled up on the {side} to a length of at most {MAX_TEXT:,}; a longer text is cut to it.",
        Duck(
            f"CASE WHEN $1 BETWEEN 0 AND {MAX_TEXT} AND $2 <> '' THEN {name}($0, {_bounded('INTEGER')}, $2) END",
            "null",
            "the text cannot be filled up to $1 characters with $2",
        ),
        Spark(f"CASE WHEN $1 BETWEEN 0 AND {MAX_TEXT} AND $2 <> '' THEN {name}($0, {_bounded('INT')}, $2) END", "null"),
    )


def _strict(name: str, signature: str, doc: str, value: str, spark: str) -> Function:
    return Function(name, (signature,), doc, Duck(value), Spark(spark))


FUNCTIONS: Final = (
    Function(
        "||", ("||(scalar, scalar...) → text",), "The texts one after the other.",
        Duck(lambda _, args: f"({' || '.join(args)})"),
        Spark(lambda _, args: f"({' || '.join(args)})"), operator=True,
    ),
    Function(
        "concat", ("concat(scalar, scalar...) → text",), "The texts one after the other; NULLs are left out.",
        Duck(lambda _, args: f"concat({', '.join(args)})"),
        Spark(lambda _, args: f"concat_ws('', {', '.join(args)})"),
        nulls="never NULL",
    ),
    _strict("lower", "lower(text) → text", "In lower case, letter by letter.", "lower($0)", lower("$0")),
    _strict("upper", "upper(text) → text", "In upper case, letter by letter.", "upper($0)", upper("$0")),
    _strict(
        "initcap", "initcap(text) → text", "Each word with a capital first letter, the rest in lower case.",
        r"array_to_string(list_transform(regexp_extract_all($0, '[\pL\pN]+|[^\pL\pN]+'), "
        f"lambda {_WORD}: upper(left({_WORD}, 1)) || lower(substr({_WORD}, 2))), '')",
        initcap("$0"),
    ),
    _trim("trim", "at both ends"),
    _trim("ltrim", "at its start"),
    _trim("rtrim", "at its end"),
    Function(
        "substring", ("substring(text, integer, [integer]) → text",),
        "The characters from a position on, at most so many. A position below 1 or a negative length fails.",
        Duck(_substring, "null", "there is no position $1 or length in a text"), Spark(_substring_spark, "null"),
    ),
    Function(
        "left", ("left(text, integer) → text",), "The first so many characters. A negative number fails.",
        Duck(f"CASE WHEN $1 >= 0 THEN left($0, least($1, {_FAR})) END", "null", "$1 is no number of characters"),
        Spark(f"CASE WHEN $1 >= 0 THEN left($0, {_small('$1')}) END", "null"),
    ),
    Function(
        "right", ("right(text, integer) → text",), "The last so many characters. A negative number fails.",
        Duck("CASE WHEN $1 >= 0 THEN right($0, $1) END", "null", "$1 is no number of characters"),
        Spark(f"CASE WHEN $1 >= 0 THEN right($0, {_small('$1')}) END", "null"),
    ),
    _strict(
        "replace", "replace(text, text, text) → text",
        "Each occurrence of the second text becomes the third. Nothing happens for an empty second one.",
        "replace($0, $1, $2)", "replace($0, $1, $2)",
    ),
    Function(
        "split_part", ("split_part(text, text, integer) → text",),
        "The part with that number, counted from 1, between separators; empty where there are fewer parts.",
        Duck(
            "CASE WHEN $2 >= 1 AND $1 <> '' THEN split_part($0, $1, $2) END", "null",
            "there is no part $2 between separators $1",
        ),
        Spark(f"CASE WHEN $2 >= 1 AND $1 <> '' THEN split_part($0, $1, {_small('$2')}) END", "null"),
    ),
    _strict(
        "length", "length(text) → integer", "How many characters (code points).", "length($0)",
        "CAST(length($0) AS BIGINT)",
    ),
    _strict(
        "starts_with", "starts_with(text, text) → boolean", "Whether it starts so.", "starts_with($0, $1)",
        "startswith($0, $1)",
    ),
    _strict(
        "ends_with", "ends_with(text, text) → boolean", "Whether it ends so.", "suffix($0, $1)", "endswith($0, $1)"
    ),
    _strict(
        "contains", "contains(text, text) → boolean", "Whether it is in it.", "contains($0, $1)", "contains($0, $1)"
    ),
    _strict(
        "position", "position(text, text) → integer", "Where the second text first begins in the first; 0: nowhere.",
        "strpos($0, $1)", "CAST(instr($0, $1) AS BIGINT)",
    ),
    _strict(
        "reverse", "reverse(text) → text", "Backwards, by code points.",
        "array_to_string(list_reverse(regexp_extract_all($0, '(?s:.)')), '')", "reverse($0)",
    ),
    _pad("lpad", "left"),
    _pad("rpad", "right"),
    Function(
        "repeat", ("repeat(text, integer) → text",), f"The text so many times; at most {MAX_TEXT:,} characters.",
        Duck(
            f"CASE WHEN $1 BETWEEN 0 AND {MAX_TEXT} AND length($0) * $1 <= {MAX_TEXT} "
            f"THEN repeat($0, {_bounded('INTEGER')}) END", "null",
            f"the text repeated $1 times is longer than {MAX_TEXT:,} characters",
        ),
        Spark(
            f"CASE WHEN $1 BETWEEN 0 AND {MAX_TEXT} AND length($0) * $1 <= {MAX_TEXT} "
            f"THEN repeat($0, {_bounded('INT')}) END", "null",
        ),
    ),
    Function(
        "regexp_matches", ("regexp_matches(text, text:pattern) → boolean",),
        "Whether the pattern is found anywhere in the text. Patterns are RE2's, without look-around.",
        Duck("regexp_matches($0, $1)"), Spark(lambda call, args: f"({args[0]} RLIKE {_java(call)})"),
        check=check_pattern,
    ),
    Function(
        "regexp_extract", ("regexp_extract(text, text:pattern, [integer:count]) → text",),
        "What the pattern, or one group of it, first matches.",
        Duck(_extract), Spark(_extract_spark), check=check_pattern,
        nulls="NULL where an argument is, or nothing matches",
    ),
    Function(
        "regexp_replace", ("regexp_replace(text, text:pattern, text:constant) → text",),
        r"Each match replaced; `\1` to `\9` in the replacement are the pattern's groups.",
        Duck("regexp_replace($0, $1, $2, 'g')"), Spark(_replace_spark), check=check_pattern,
    ),
)  # fmt: skip
