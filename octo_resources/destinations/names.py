"""Names of tables as the pipeline file writes them: SQL's rules, one canonical spelling, and quoting for SQL text."""

import difflib
import re
from collections.abc import Iterable

from octo_core.errors import UsageError

DEFAULT_SCHEMA = "public"
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_PART = re.compile(r'"((?:[^"]|"")+)"|([^\W\d][\w$]*)')


def parse_name(text: str) -> tuple[str, str]:
    """(schema, table) of `flight`, `public.flight` or `public."My.Table"`; unquoted letters fold to lower case.

    Raises UsageError where the text is no table's name.
    """
    parts, position = [], 0
    while match := _PART.match(text, position):
        parts.append(match.group(1).replace('""', '"') if match.group(1) else match.group(2).lower())
        position = match.end()
        if position == len(text):
            break
        if text[position] != ".":
            break
        position += 1
    if position != len(text) or not 1 <= len(parts) <= 2 or text.endswith("."):
        hint = "write schema.table, with double quotes round odd names: 'public.\"My.Table\"'"
        raise UsageError(f"{text!r} is not the name of a table", hint=hint)
    return (parts[0], parts[1]) if len(parts) == 2 else (DEFAULT_SCHEMA, parts[0])


def canonical_name(schema: str, table: str) -> str:
    """`schema.table`, each part in double quotes only where it is no plain lower-case name."""
    return f"{_shown(schema)}.{_shown(table)}"


def canonical(text: str) -> str:
    """The canonical spelling of a table's name as a user wrote it. Raises UsageError."""
    return canonical_name(*parse_name(text))


def quoted(name: str) -> str:
    """One identifier for SQL text, always in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def quoted_table(schema: str, table: str) -> str:
    return f"{quoted(schema)}.{quoted(table)}"


def literal(text: str) -> str:
    """A string constant for SQL text, whatever standard_conforming_strings says."""
    body = text.replace("'", "''")
    return f" E'{body.replace(chr(92), chr(92) * 2)}'" if "\\" in body else f"'{body}'"


def nearest(name: str, known: Iterable[str], count: int = 3) -> str | None:
    """`did you mean a, b?` for a wrong name, or None where nothing is near."""
    known = list(known)
    found = difflib.get_close_matches(name, known, n=count, cutoff=0.55)
    tail = [own for own in known if own.rpartition(".")[2] == name.rpartition(".")[2] and own not in found]
    return f"did you mean {' or '.join([*found, *tail][:count])}?" if found or tail else None


def _shown(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else quoted(name)
