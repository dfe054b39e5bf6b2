"""What can be found out before there is a pipeline: what kind of source a place is, and which tables a database has."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from octo_core.errors import UsageError
from octo_core.spec.names import table_name
from octo_core.spec.select import dialect_of
from octo_resources.redaction import remember

_TABLES = """
    SELECT n.nspname, c.relname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^(pg_|_octopipe)'
      AND pg_catalog.has_table_privilege(c.oid, 'INSERT')
    ORDER BY (n.nspname <> 'public'), n.nspname, c.relname
"""
_DATABASES = ("postgresql://", "postgres://")
_LATER = {
    "mysql": "mysql", "sqlite": "sqlite", "duckdb": "duckdb", "bigquery": "bigquery", "snowflake": "snowflake",
    "redshift": "redshift", "s3": "files", "file": "files",
}  # fmt: skip


def source_kind(place: str) -> str:
    """`rest` for an http(s) address, `kafka` for kafka://BROKERS/TOPIC, `sql` for a database's URL, else `file`."""
    if place.startswith("kafka://"):
        return "kafka"
    if re.match(r"https?://", place):
        return "rest"
    return "sql" if dialect_of(place) is not None else "file"


def source_table(url: str, name: str, root: Path) -> tuple[str | None, list[str]]:
    """(the table of a database that a pipeline of this name is likely to read, all that there are).

    The only table, or the one that is called most like it. Raises SourceError, UsageError."""
    from octo_core.spec.nearest import nearest
    from octo_resources.sources.sql.address import SqlAddress, explained

    address = SqlAddress.from_url(url, root)
    with explained(address):
        reader = address.open()
        try:
            there = reader.tables()
        finally:
            reader.close()
    plain = {table.rpartition(".")[2]: table for table in there}
    guess = there[0] if len(there) == 1 else plain.get(nearest(name, plain) or "")
    return guess, there


def destination_kind(url: str) -> str:
    """The kind of destination that a URL names; one that is a reference is taken for PostgreSQL. Raises UsageError."""
    if url.startswith((*_DATABASES, "${")):
        return "postgres"
    scheme = url.partition("://")[0].partition("+")[0].lower()
    if "://" in url and scheme in _LATER:
        return _LATER[scheme]
    hint = "Write for example postgresql://user@host/database, or ${secret:env/WAREHOUSE_URL}."
    raise UsageError("the destination's URL names no database that Octopipe knows", hint=hint)


def source_name(place: str, fallback: str) -> str:
    """A name for a source: the last word of its path that is a name."""
    path = urlsplit(place).path if "://" in place else place
    for part in reversed([part for part in path.split("/") if part]):
        stem = re.sub(r"(\.(csv|tsv|txt|json|jsonl|ndjson|parquet|gz|zst))+$", "", part, flags=re.IGNORECASE)
        name = re.sub(r"[^a-z0-9_]+", "_", stem.lower()).strip("_")
        if re.match(r"[a-z]", name) and not re.fullmatch(r"v[0-9]+|api|samples?|data", name):
            return name
    return fallback


def written_place(place: str, root: Path) -> str:
    """A file's place as the pipeline file writes it: from the project's folder on, where it lies in there."""
    if "://" in place or place.startswith("${"):
        return place
    path = Path(place).expanduser()
    absolute = path if path.is_absolute() else Path.cwd() / path
    inside = Path(*absolute.parts)
    try:
        return inside.relative_to(root).as_posix()
    except ValueError:
        return inside.as_posix()


_SECRET_PARAMETER = re.compile(
    r"(?i)(?:.*[_-])?(?:token|secret|password|passwd|pwd|sig|signature|credential|key)|apikey|accesskey|auth"
)


def password_of(url: str) -> str | None:
    """The password or token in a URL, if it has one that is no reference; from then on it is redacted."""
    if "://" not in url or "${" in url:
        return None
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return None
    named = (value for name, value in parse_qsl(parts.query) if _SECRET_PARAMETER.fullmatch(name))
    password = password or next(named, None)
    if password:
        remember(unquote(password))
    return password


def without_password(url: str) -> str:
    """The URL for people's eyes."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(unquote(parts.username or ''), safe='')}:***@{host}"))


def tables_of(url: str) -> list[str]:
    """The tables that the role may write, public ones first. Raises DestinationError where nobody answers."""
    from octo_resources.destinations.postgres.connection import Address, explained, open_control

    address = Address.from_url(url)
    with explained(address, "the tables cannot be listed"), open_control(address) as connection:
        return [table_name(schema, name) for schema, name in connection.execute(_TABLES).fetchall()]
