"""Which database a URL names, its driver, and what its errors mean. No password leaves here."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from octo_core.errors import NotSupportedYet, OctopipeError, SourceError, UsageError
from octo_core.spec.select import SCHEMES
from octo_resources.redaction import redact, remember

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from octo_resources.sources.sql.reader import Reader
    from octo_resources.sources.sql.shape import Relation

_PACKAGES: Final = {
    "pymysql": "'octopipe[mysql]'", "pyodbc": "pyodbc", "oracledb": "oracledb", "cx_Oracle": "oracledb",
    "MySQLdb": "'octopipe[mysql]', and mysql+pymysql:// in the url", "pymssql": "pymssql",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SqlAddress:
    """A database's URL. `str()` has no password."""

    kind: str
    """What sqlglot calls its SQL; "" where nobody knows."""
    url: "URL" = field(repr=False)
    root: Path = field(repr=False)

    @classmethod
    def from_url(cls, text: str, root: Path) -> "SqlAddress":
        """UsageError where it is no database's URL. A file's path in it starts at `root`."""
        from sqlalchemy.engine import make_url  # 0.5 s, and only SQL sources need it
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            hint = "write for example postgresql://USER@HOST/DATABASE, mysql://…, sqlite:///FILE or duckdb:///FILE"
            raise UsageError("the source's url cannot be read", where="url", hint=hint) from None
        if url.password:
            remember(str(url.password))
        return cls(SCHEMES.get(url.drivername.partition("+")[0], ""), url, root)

    def __str__(self) -> str:
        if self.kind in ("sqlite", "duckdb"):
            return str(self.url.database or "")
        user = f" as {self.url.username}" if self.url.username else ""
        return f"{self.url.host or 'localhost'}{f':{self.url.port}' if self.url.port else ''}/{self.url.database}{user}"

    def file(self) -> Path:
        """The file of a database that is one. Raises SourceError where it is not there."""
        name = self.url.database
        if not name or name == ":memory:":
            raise UsageError("a database in memory has nothing to read", where="url", hint="Name its file.")
        path = self.root / Path(name).expanduser()
        if not path.is_file():
            near = _near(path)
            raise SourceError(f"no such file: {path}", where="url", hint=near, retryable=False)
        return path

    def open(self, together: int = 1, relation: "Relation | None" = None) -> "Reader":
        """A reader in a snapshot of its own, of which so many ranges of `relation` are to be read at once where the
        database can. Raises SourceError with what to do."""
        with explained(self):
            if self.kind == "postgres":
                from octo_resources.sources.sql.postgres import PostgresReader

                return PostgresReader(self._conninfo())
            if self.kind == "mysql":
                from octo_resources.sources.sql.mysql import MysqlReader

                return MysqlReader(self.url, together, relation)
            if self.kind == "sqlite":
                from octo_resources.sources.sql.sqlite import SqliteReader

                return SqliteReader(self.file())
            if self.kind == "duckdb":
                from octo_resources.sources.sql.duck import DuckReader

                return DuckReader(self.file())
            from octo_resources.sources.sql.generic import GenericReader

            return GenericReader(self.url)

    def _conninfo(self) -> str:
        from octo_resources.destinations.postgres.connection import Address

        return Address.from_url(self.url.set(drivername="postgresql").render_as_string(hide_password=False)).conninfo


def _near(path: Path) -> str:
    from rapidfuzz import process

    names = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
    found = [name for name, _, _ in process.extract(path.name, names, limit=2, score_cutoff=60)]
    return f"Did you mean {' or '.join(found)}?" if found else "A path in the url starts at the project's folder."


_REASONS: Final = (
    (
        r"password authentication failed|Access denied for user|1045|Login failed|ORA-01017|no password supplied",
        "the user or the password is wrong",
        "Look at the secret that the url names.",
        False,
    ),
    (
        r"database \"[^\"]*\" does not exist|Unknown database|Cannot open database",
        "there is no such database",
        "Look at the url's last part.",
        False,
    ),
    (
        r"could not translate host|resolve host|Name or service not known|getaddrinfo|nodename nor servname",
        "its host name is unknown",
        "Look at the url's host.",
        True,
    ),
    (
        r"[Ss]tatement timeout|57014|max_statement_time|1969",
        "the statement took longer than the server allows",
        "Raise the role's statement_timeout, or read less by `cursor` or `query`.",
        True,
    ),
    (r"[Tt]imeout|timed out", "it did not answer in time", "Look at the url's host and port, and at firewalls.", True),
    (
        r"refused|Can't connect",
        "nothing listens there",
        "Is the server running? Look at the url's host and port.",
        True,
    ),
    (
        r"permission denied|command denied|42501|1142",
        None,
        "Give the role SELECT on it; it needs no other right.",
        False,
    ),
    (
        r"invalid input syntax for type|field value out of range|Conversion Error|Incorrect \w+ value",
        None,
        "Is it `cursor.start` or --since? Write it as the column has it. Else look at the query.",
        False,
    ),
    (r"[Tt]oo many", "it takes no more connections", "Try again later, or raise its limit.", True),
    (
        r"[Cc]onflicting lock|database is locked|Could not set lock",
        "another process is writing to the file",
        "Read it when that has ended, or read a copy.",
        True,
    ),
    (
        r"file is not a database|not a valid DuckDB database|malformed",
        "the file is no database of this kind, or damaged",
        "Look at the url's path and scheme.",
        False,
    ),
)
"""What drivers say; what that means (None: their own line says it), what to do, and whether it may pass."""


_SEVERITY: Final = re.compile(r"\b(?:ERROR|FATAL|PANIC):")
"""What stands before the server's own words."""


@contextmanager
def explained(address: SqlAddress) -> Iterator[None]:
    """Turn the driver's errors of one piece of work into SourceErrors, said in one message without a password."""
    try:
        yield
    except OctopipeError:
        raise
    except ImportError as error:
        name = str(error.name or error)
        raise NotSupportedYet(
            f"the driver '{name}' is not installed", where="url", hint=f"pip install {_PACKAGES.get(name, name)}"
        ) from error
    except Exception as error:
        if not _of_driver(error):
            raise
        raise _said(address, error) from error


_DRIVERS: Final = frozenset(
    {"psycopg", "pymysql", "sqlite3", "_duckdb", "duckdb", "adbc_driver_manager", "sqlalchemy", "oracledb", "pyodbc"}
)


def _of_driver(error: BaseException) -> bool:
    """Whether a database or its driver says it, and not this program's own mistake."""
    names = {cls.__name__ for cls in type(error).__mro__}
    home = type(error).__module__.partition(".")[0]
    if home == "pyarrow" or type(error) is OSError:  # what the server says half-way comes by ADBC as Arrow's error
        return "libpq" in str(error)
    return home in _DRIVERS or "DatabaseError" in names or isinstance(error, ConnectionError | TimeoutError)


def _said(address: SqlAddress, error: BaseException) -> SourceError:
    original = getattr(error, "orig", None) or error
    text = redact(str(original))
    for pattern, reason, hint, passing in _REASONS:
        if re.search(pattern, text):
            told = reason or _line(text)
            return SourceError(f"the database cannot be read: {told}", where=str(address), hint=hint, retryable=passing)
    return SourceError(f"the database says: {_line(text)}", where=str(address), retryable=True)


def _line(text: str) -> str:
    lines = [line.strip() for line in text.replace("\\n", "\n").splitlines() if line.strip()]
    found = next((line for line in lines if _SEVERITY.search(line)), lines[0] if lines else "nothing")
    return _SEVERITY.split(found)[-1].strip()[:300] or "nothing"
