"""Makes docs/expressions.md of the table of functions: `python -m octo_core.expressions.docs > docs/expressions.md`."""

import sys
from collections.abc import Iterator

from octo_core.expressions import formats
from octo_core.expressions.functions import Function
from octo_core.expressions.table import TABLE
from octo_core.expressions.times import LETTERS
from octo_core.language import LANGUAGE_VERSION

INTRODUCTION = f"""<!-- Made by `python -m octo_core.expressions.docs`; do not edit. -->
# The expression language

What feeds a column is an expression over the source's fields, e.g. `cast(distance * 1.609344 as decimal(6, 1))`.
It is SQL's scalar expressions, closed and typed: one meaning on every engine, no queries, aggregates, clocks, sessions
or locales. A row for which an expression fails is set aside with the reason; nothing is rounded, cut or guessed.
Version {LANGUAGE_VERSION}. Each function has its cases in `tests/conformance/`.

## Fields
`carrier`, `a.b` (a part of a record), `a[1]` (an element, from 1), `"My Field"` (odd names). A bare name in another
case is taken where one field only can be meant. A field has its schema's type and format; **where text is wanted it is
its exact token**, so that `lower(flight)` or `parse_timestamp(time_hour, '%Y-%m-%dT%H:%M:%SZ')` read what stands in the
source. Text never turns into a number, date or time by itself: there is `cast` and the `parse_` functions. A literal
text may stand where a date, time or number is wanted (`d >= '2013-01-31'`).

## Types
`boolean`, `int8` to `int64`, `decimal(p,s)` (exact, at most 38 digits), `float32`, `float64`, `text`, `bytes`, `date`,
`time`, `timestamp`, `timestamptz`, `interval`, `uuid`, `json`, `list<T>`. Casts take SQL's usual names too (`integer`,
`varchar`, `numeric(p,s)`, `double precision`, `timestamp with time zone` …).

| of | the result is |
|---|---|
| whole-number literals, decimal literals | the smallest integer, the exact decimal: `1.609344` is decimal(7,6) |
| `a + b`, `a - b` | int64; decimal with the larger scale and one digit more; float64 where either is a float |
| `a * b` | int64; decimal with the sum of digits and of scales, up to 38 |
| `a / b` | decimal(38, s), s = 6 or the larger scale, rounded half away from zero; float64 where either is a float |
| `a % b` | int64; decimal with the larger scale |

More than 38 digits, an integer past 64 bits, infinity, no-number and division by zero fail. Dates and timestamps have
years 0001 to 9999.

## Casts
`cast(x as type)` is lossless, or the row fails: `'6.0'` is 6, `'6.5'` is no integer, `'1_000'` and `'0x10'` are no
numbers, a timestamp is a date at midnight only. One exception: from a number to `decimal(p,s)` a written cast
**rounds**, half away from zero, and fails where it is too large; a float is rounded by its shortest text. To text: the
one text of the value, ISO 8601 for dates and times. On the way to its column a value is converted without loss and held
against the column's range, digits, length and members.

## What is lazy
`case`, `if`, `coalesce`, `and` and `or` go from left to right, and what is not reached cannot fail.
"""

ENGINES = r"""
## Two engines, one answer
Every function is rendered for DuckDB and for Spark. The same rows give the same values on both, and fail for the same
reasons in the same words: each case of `tests/conformance/` runs on both, and random expressions over random rows are
held against each other. Spark's text counts on a session with the settings of
`octo_core.expressions.SPARK_SETTINGS` (ANSI mode, UTC, exact decimals, names in upper and lower case apart).
`octopipe plan NAME --sql duckdb` and `--sql spark` print them.

What the engines would not answer alike is not in the language, or has one rule of ours:

- Patterns have RE2's syntax, without look-around, back-references, possessive repetition, named sets (`[[:alpha:]]`,
  `\p{L}`) and flags other than `i`, `m` and `s`; `{,5}` is written `{0,5}`. `\d`, `\w`, `\s` and `\b` are of ASCII, `$`
  is the very end, `(?i)` goes by Unicode's simple folding.
- A repetition of what may be empty, `(a*)*`, is refused. Where a pattern of `regexp_replace` may match nothing, `x*`,
  only an empty text can take its place.
- Letters change case one by one, by Unicode 15: `upper('ß')` is `ẞ`, `lower('ΟΔΟΣ')` ends in `σ`.
- `/` of exact numbers: the left side, with the decimals that the result has, has at most 38 digits, or the row fails.
- A decimal as a float is the float nearest to the exact number; a whole number that no float holds, such as
  9007199254740993, fails.
- Lists and records as text or JSON hold their numbers as they stand. A list of texts holds no lists and no objects.
- Of a name that an object of JSON has twice, the first counts.

On Spark a repetition in a repetition, `(a+)+$`, takes long where a long text nearly matches, and alternatives repeated
over many thousand characters, `(?:a|bc)*`, need room on Java's stack (`-Xss16m`).
"""

USUAL = "NULL where an argument is NULL"
FORMATS = """## Formats
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [
        INTRODUCTION,
        ENGINES.strip("\n"),
        "",
        FORMATS,
        (formats.__doc__ or "").split("\n\n", 1)[1].replace("s|N", "s\\|N").replace("` | `", "` \\| `"),
    ]
    parts += [
        "",
        "| letter | means |",
        "|---|---|",
        *(f"| `{letter}` | {words} |" for letter, (_, words) in LETTERS.items()),
    ]
    families: dict[str, list[Function]] = {}
    for function in TABLE.values():
        families.setdefault(function.family, []).append(function)
    for family, functions in families.items():
        parts += ["", f"## {family[0].upper()}{family[1:]}", "", *_family(functions)]
    return "\n".join(parts) + "\n"


def _family(functions: list[Function]) -> Iterator[str]:
    for function in functions:
        nulls = "" if function.nulls == USUAL else f" *{function.nulls[0].upper()}{function.nulls[1:]}.*"
        shown = ", ".join(f"`{signature}`" for signature in function.shown)
        yield f"- {shown}  \n  {function.doc}{nulls}"


if __name__ == "__main__":
    sys.stdout.write(page())
