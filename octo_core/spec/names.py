"""Names: pipelines, and tables as `schema.table`, quoted where SQL needs quotes ('public."My.Table"')."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator

PIPELINE_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
# What PostgreSQL takes without quotes: any sign beyond ASCII too (as a range, `re` takes 20 ms to compile it).
_PLAIN = re.compile(r"(?:[a-z_]|[^\x00-\x7f])(?:[a-z0-9_$]|[^\x00-\x7f])*\Z")
_BARE = re.compile(r"[a-z_][a-z0-9_$]*\Z")
_PART = re.compile(r'"((?:[^"]|"")+)"|([^."]+)')


def without_accents(name: str) -> str:
    """A name in plain letters, with underscores for blanks; what has no plain letter stays as it is."""
    letters = [letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter)]
    return "".join("_" if letter == " " else letter for letter in letters)


def split_table_name(name: str) -> tuple[str, str]:
    """(schema, table) of a name as the pipeline file writes it, quotes taken off. Raises ValueError."""
    parts: list[str] = []
    position = 0
    while match := _PART.match(name, position):
        quoted, plain = match.groups()
        if plain is not None and not _PLAIN.match(plain):
            advice = f'{name[: match.start()]}"{plain}"{name[match.end() :]}'
            raise ValueError(f"'{plain}' needs double quotes in a table's name: write '{advice}'")
        parts.append(quoted.replace('""', '"') if quoted is not None else plain)
        position = match.end()
        if position == len(name) or name[position] != ".":
            break
        position += 1
    if position != len(name) or len(parts) != 2:
        example = f"public.{name}" if len(parts) == 1 and position == len(name) else "public.flight"
        raise ValueError(f"'{name}' is no table's name: write schema.table, for example {example}")
    return parts[0], parts[1]


def table_name(schema: str, table: str) -> str:
    """The one spelling of a table's name: each part quoted only where it holds more than [a-z0-9_$]."""
    return ".".join(part if _BARE.match(part) else '"' + part.replace('"', '""') + '"' for part in (schema, table))


def canonical_table_name(name: str) -> str:
    """The one spelling of a table's name as it was written. Raises ValueError."""
    return table_name(*split_table_name(name))


TableName = Annotated[str, AfterValidator(canonical_table_name)]
