"""Text: by Unicode code points, without locale. Positions count from 1."""

import re
from typing import Final

from octo_core.expressions.functions import Duck, Function, MismatchError
from octo_core.expressions.numbers import named
from octo_core.expressions.tree import Call, Literal, Node

MAX_TEXT: Final = 10_000
"""The longest text that padding and repeating may make."""
_WORD: Final = named("word")
_SPACE: Final = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(160)"
_OUTSIDE_RE2: Final = re.compile(r"\(\?(?:[=!]|<[=!]|>|P=|P>|#|\()|\\[1-9GkKZRX]|[*+?}]\+")


def text_of(node: Node) -> str:
    """The value of a text literal."""
    return str(node.value) if isinstance(node, Literal) else ""


def check_pattern(args: tuple[Node, ...]) -> None:
    """A pattern that every engine reads alike, without look-around and back-references. Raises MismatchError."""
    pattern = text_of(args[1])
    bare = pattern.replace("\\\\", "")
    outside = _OUTSIDE_RE2.search(bare)
    if outside:
        raise MismatchError(
            f"the pattern uses {outside[0]!r}: look-around and back-references are not in the language", 1
        )
    if len(pattern) > 1_000 or any(int(count) > 1000 for count in re.findall(r"\{(\d{4,})", bare)):
        raise MismatchError("the pattern is too long or repeats more than 1,000 times", 1)
    try:
        groups = re.compile(pattern).groups
    except (re.error, OverflowError, RecursionError) as error:
        raise MismatchError(f"{pattern!r} is no regular expression: {error}", 1) from None
    group = args[2].value if len(args) > 2 and isinstance(args[2], Literal) else None
    if isinstance(group, int) and not 0 <= group <= groups:
        raise MismatchError(f"the pattern has {groups} groups; there is no group {group}", 2)
    if isinstance(group, str):
        wrong = [
            ref for ref in re.findall(r"\\(.)", group) if ref != "\\" and not (ref.isdigit() and int(ref) <= groups)
        ]
        if wrong or group.replace("\\\\", "").endswith("\\"):
            raise MismatchError(
                "a replacement names groups of the pattern as \\1 to \\9 and writes a backslash as \\\\", 2
            )


def _extract(call: Call, args: tuple[str, ...]) -> str:
    group = call.args[2].value if len(call.args) > 2 and isinstance(call.args[2], Literal) else 0
    return f"CASE WHEN regexp_matches({args[0]}, {args[1]}) THEN regexp_extract({args[0]}, {args[1]}, {group}) END"


_FAR: Final = 2**31 - 1
"""Past the end of any text. DuckDB raises for positions and lengths of more than 32 bits."""


def _substring(_: Call, args: tuple[str, ...]) -> str:
    start = f"least({args[1]}, {_FAR})"
    if len(args) == 2:
        return f"CASE WHEN {args[1]} >= 1 THEN substring({args[0]}, {start}) END"
    length = f"least({args[2]}, {_FAR})"
    return f"CASE WHEN {args[1]} >= 1 AND {args[2]} >= 0 THEN substring({args[0]}, {start}, {length}) END"


def _trim(name: str, sides: str) -> Function:
    return Function(
        name,
        (f"{name}(text) → text", f"{name}(text, text) → text"),
        f"The text without blanks, tabs, line ends and no-break spaces {sides}, or without the characters given.",
        Duck(lambda _, args: f"{name}({args[0]}, {args[1] if len(args) > 1 else _SPACE})"),
    )


def _pad(name: str, side: str) -> Function:
    return Function(
        name,
        (f"{name}(text, integer, text) → text",),
        f"The text filled up on the {side} to a length of at most {MAX_TEXT:,}; a longer text is cut to it.",
        Duck(
            f"CASE WHEN $1 BETWEEN 0 AND {MAX_TEXT} AND $2 <> '' THEN {name}($0, TRY_CAST($1 AS INTEGER), $2) END",
            "null",
            "the text cannot be filled up to $1 characters with $2",
        ),
    )


def _strict(name: str, signature: str, doc: str, value: str) -> Function:
    return Function(name, (signature,), doc, Duck(value))


FUNCTIONS: Final = (
    Function(
        "||", ("||(scalar, scalar...) → text",), "The texts one after the other.",
        Duck(lambda _, args: f"({' || '.join(args)})"), operator=True,
    ),
    Function(
        "concat", ("concat(scalar, scalar...) → text",), "The texts one after the other; NULLs are left out.",
        Duck(lambda _, args: f"concat({', '.join(args)})"), nulls="never NULL",
    ),
    _strict("lower", "lower(text) → text", "In lower case, letter by letter.", "lower($0)"),
    _strict("upper", "upper(text) → text", "In upper case, letter by letter.", "upper($0)"),
    _strict(
        "initcap", "initcap(text) → text", "Each word with a capital first letter, the rest in lower case.",
        r"array_to_string(list_transform(regexp_extract_all($0, '[\pL\pN]+|[^\pL\pN]+'), "
        f"lambda {_WORD}: upper(left({_WORD}, 1)) || lower(substr({_WORD}, 2))), '')",
    ),
    _trim("trim", "at both ends"),
    _trim("ltrim", "at its start"),
    _trim("rtrim", "at its end"),
    Function(
        "substring", ("substring(text, integer, [integer]) → text",),
        "The characters from a position on, at most so many. A position below 1 or a negative length fails.",
        Duck(_substring, "null", "there is no position $1 or length in a text"),
    ),
    Function(
        "left", ("left(text, integer) → text",), "The first so many characters. A negative number fails.",
        Duck(f"CASE WHEN $1 >= 0 THEN left($0, least($1, {_FAR})) END", "null", "$1 is no number of characters"),
    ),
    Function(
        "right", ("right(text, integer) → text",), "The last so many characters. A negative number fails.",
        Duck("CASE WHEN $1 >= 0 THEN right($0, $1) END", "null", "$1 is no number of characters"),
    ),
    _strict(
        "replace", "replace(text, text, text) → text",
        "Each occurrence of the second text becomes the third. Nothing happens for an empty second one.",
        "replace($0, $1, $2)",
    ),
    Function(
        "split_part", ("split_part(text, text, integer) → text",),
        "The part with that number, counted from 1, between separators; empty where there are fewer parts.",
        Duck(
            "CASE WHEN $2 >= 1 AND $1 <> '' THEN split_part($0, $1, $2) END", "null",
            "there is no part $2 between separators $1",
        ),
    ),
    _strict("length", "length(text) → integer", "How many characters (code points).", "length($0)"),
    _strict("starts_with", "starts_with(text, text) → boolean", "Whether it starts so.", "starts_with($0, $1)"),
    _strict("ends_with", "ends_with(text, text) → boolean", "Whether it ends so.", "suffix($0, $1)"),
    _strict("contains", "contains(text, text) → boolean", "Whether it is in it.", "contains($0, $1)"),
    _strict(
        "position", "position(text, text) → integer", "Where the second text first begins in the first; 0: nowhere.",
        "strpos($0, $1)",
    ),
    _strict(
        "reverse", "reverse(text) → text", "Backwards, by code points.",
        "array_to_string(list_reverse(regexp_extract_all($0, '(?s:.)')), '')",
    ),
    _pad("lpad", "left"),
    _pad("rpad", "right"),
    Function(
        "repeat", ("repeat(text, integer) → text",), f"The text so many times; at most {MAX_TEXT:,} characters.",
        Duck(
            f"CASE WHEN $1 BETWEEN 0 AND {MAX_TEXT} AND length($0) * $1 <= {MAX_TEXT} THEN repeat($0, $1) END", "null",
            f"the text repeated $1 times is longer than {MAX_TEXT:,} characters",
        ),
    ),
    Function(
        "regexp_matches", ("regexp_matches(text, text:pattern) → boolean",),
        "Whether the pattern is found anywhere in the text. Patterns are RE2's, without look-around.",
        Duck("regexp_matches($0, $1)"), check=check_pattern,
    ),
    Function(
        "regexp_extract", ("regexp_extract(text, text:pattern, [integer:count]) → text",),
        "What the pattern, or one group of it, first matches.",
        Duck(_extract), check=check_pattern, nulls="NULL where an argument is, or nothing matches",
    ),
    Function(
        "regexp_replace", ("regexp_replace(text, text:pattern, text:constant) → text",),
        r"Each match replaced; `\1` to `\9` in the replacement are the pattern's groups.",
        Duck("regexp_replace($0, $1, $2, 'g')"), check=check_pattern,
    ),
)  # fmt: skip
