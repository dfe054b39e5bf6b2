"""JSON in DuckDB without loss: its parser makes doubles of numbers and takes NaN and trailing commas."""

from typing import Final

from octo_core.expressions.json_paths import checked_parts

_STRING: Final = r'"(?:[^"\\]|\\.)*"'
_NUMBER: Final = r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_SUSPICIOUS: Final = r"(?i),\s*[\]}]|/|nan|inf|\x00"
"""A text without any of these, in strings or out of them, is JSON to DuckDB's parser just where it is by RFC 8259."""


def quoted_numbers(json: str) -> str:
    """SQL of the same JSON with every number as a string, so that it comes out as it stands.

    Strings and numbers are marked in one pass (RE2 knows no look-around); the marks cannot occur in valid JSON.
    """
    marked = f"regexp_replace({json}, '({_STRING})|({_NUMBER})', '\\1' || chr(1) || '\\2' || chr(2), 'g')"
    return f"replace(replace(replace({marked}, chr(1) || chr(2), ''), chr(1), '\"'), chr(2), '\"')"


def valid(text: str) -> str:
    """SQL condition: the text is JSON by RFC 8259. DuckDB's json_valid takes NaN, comments and trailing commas.

    What is outside of strings is looked at only where a text has something that may be one of those.
    """
    bare = f"regexp_replace({text}, '{_STRING}', '\"\"', 'g')"
    strict = (
        f"NOT regexp_matches({bare}, ',\\s*[\\]}}]|/|[^\\s{{}}\\[\\]:,\"0-9+.\\-a-zE]|nan|inf')"
        f" AND NOT regexp_matches({bare}, '[a-z]{{6,}}|[+-]i') AND NOT contains({text}, chr(0))"
    )
    return f"(json_valid({text}) AND CASE WHEN regexp_matches({text}, '{_SUSPICIOUS}') THEN {strict} ELSE true END)"


def flat(text: str) -> str:
    """SQL condition of valid JSON: no object or list is in another."""
    bare = f"regexp_replace({text}, '{_STRING}', '', 'g')"
    return f"NOT regexp_matches({bare}, '(?s)[\\[{{].*[\\[{{]')"


def pointer(path: str) -> str:
    """DuckDB's JSON pointer of a path such as `a.b[1]`. Raises ValueError."""
    parts = checked_parts(path)
    names = (str(part - 1) if isinstance(part, int) else part.replace("~", "~0").replace("/", "~1") for part in parts)
    return "".join("/" + name for name in names)
