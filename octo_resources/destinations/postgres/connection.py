"""Opening connections to PostgreSQL, and saying in plain words why one could not be opened. No password leaves here."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

from octo_core.errors import DestinationError, UsageError

if TYPE_CHECKING:
    import psycopg

logging.getLogger("psycopg").setLevel(logging.ERROR)  # it warns of what it raises, and of what fails after that
OLDEST: Final = 140000
APPLICATION: Final = "octopipe"
_CONNECT_SECONDS: Final = "10"
_ALIVE: Final = {"keepalives_idle": "60", "keepalives_interval": "10", "keepalives_count": "6"}
"""A router forgets a connection on which a long statement is waited for, and a machine without power says nothing: the
system's own first look comes after two hours."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a PostgreSQL is and how to log in there; `str()` gives host, port, database and user, no password."""

    parameters: dict[str, str] = field(repr=False)

    @classmethod
    def from_url(cls, url: str) -> "Address":
        """Read postgresql://user:password@host:port/database?sslmode=…; raises UsageError without repeating it.

        Several hosts are tried in their order: host:port,host:port/database?target_session_attrs=read-write. Text goes
        by it in UTF-8, whatever the database is written in.
        """
        from psycopg import ProgrammingError, conninfo

        scheme, _, rest = url.partition("://")
        if not rest or scheme.split("+")[0] not in ("postgresql", "postgres"):
            hint = "write postgresql://USER@HOST:PORT/DATABASE, with the password as ${secret:env/NAME}"
            raise UsageError("the destination's url is not a PostgreSQL URL", hint=hint)
        try:
            found = {key: str(value) for key, value in conninfo.conninfo_to_dict(f"postgresql://{rest}").items()}
            for port in filter(None, found.get("port", "").split(",")):
                int(port)
        except (ProgrammingError, ValueError):
            hint = "letters such as @ : / # % in a user name or password are written %40 %3A %2F %23 %25"
            raise UsageError("the destination's url cannot be read", hint=hint) from None
        usual = {"connect_timeout": _CONNECT_SECONDS, "application_name": APPLICATION, **_ALIVE}
        return cls({**usual, **found, "client_encoding": "UTF8"})

    @property
    def conninfo(self) -> str:
        """libpq's own key=value form. Holds the password."""
        from psycopg import conninfo

        return conninfo.make_conninfo("", **self.parameters)

    def __str__(self) -> str:
        get = self.parameters.get
        hosts, ports = get("host", "localhost").split(","), get("port", "5432").split(",")
        places = ",".join(f"{host}:{port or '5432'}" for host, port in zip(hosts, cycle(ports), strict=False))
        place = f"{places}/{get('dbname', get('user', ''))}"
        return f"{place} as {get('user')}" if get("user") else place

    def redact(self, text: str) -> str:
        password = self.parameters.get("password")
        return text.replace(password, "***") if password else text


def open_control(address: Address) -> "psycopg.Connection[tuple[Any, ...]]":
    """A psycopg connection that commits nothing by itself; raises DestinationError with what to do."""
    import psycopg

    try:
        # Poolers in transaction mode lose prepared statements, so none are made.
        connection = psycopg.connect(address.conninfo, prepare_threshold=None)
    except psycopg.Error as error:
        raise refused(address, str(error)) from None
    if connection.info.server_version < OLDEST:
        found = connection.info.server_version // 10000
        connection.close()
        raise DestinationError(f"PostgreSQL {found} is too old", where=str(address), hint="14 or later is needed")
    return connection


def open_writer(address: Address) -> "psycopg.Connection[tuple[Any, ...]]":
    """A connection in autocommit, for what the load says itself: its transaction begins and ends by SQL."""
    import psycopg

    try:
        return psycopg.connect(address.conninfo, autocommit=True, prepare_threshold=None)
    except psycopg.Error as error:
        raise refused(address, str(error)) from None


_REASONS: Final = (
    ("password authentication failed", "the password or the user is wrong", "look at the secret that the url names"),
    ("no password supplied", "it wants a password", "put ${secret:env/NAME} into the url as the password"),
    ("does not exist", None, "look at the url's user and database; `psql -l` lists the databases there are"),
    ("certificate", "its TLS certificate was not accepted", "give sslrootcert=FILE in the url"),
    ("SSL SYSCALL", "it broke the connection off while TLS was agreed on", "try again when it has started"),
    ("SSL", "it and the url do not agree on TLS", "look at sslmode in the url (disable, require, verify-full)"),
    ("no pg_hba.conf entry", "it does not let this user in from here", "ask its administrator (pg_hba.conf)"),
    ("could not translate host", "its host name is unknown", "look at the url's host"),
    ("resolve host", "its host name is unknown", "look at the url's host"),
    ("timeout", "it did not answer in time", "look at the url's host and port, and at firewalls"),
    ("refused", "nothing listens there", "is the server running? look at the url's host and port"),
    ("No such file", "no server has that socket", "is the server running? look at the url's host"),
    ("too many", "it takes no more connections", "try again later, or raise its limit"),
    ("starting up", "it is starting up", "try again in a moment"),
)


_PASSING: Final = {
    "timeout", "refused", "No such file", "could not translate host", "resolve host", "too many", "starting up",
    "SSL SYSCALL",
}  # fmt: skip
"""What may be over a little later."""


def refused(address: Address, text: str) -> DestinationError:
    """The DestinationError for what libpq said when a connection failed."""
    for sign, reason, hint in _REASONS:
        if sign in text:
            said = reason or text.rpartition("FATAL:")[2].strip().splitlines()[0]
            told = f"PostgreSQL cannot be used: {address.redact(said)}"
            return DestinationError(told, where=str(address), hint=hint, retryable=sign in _PASSING)
    said = address.redact(text.strip().splitlines()[0] if text.strip() else "no reason given")
    told = f"PostgreSQL cannot be reached: {said}"
    return DestinationError(told, where=str(address), hint="look at the url", retryable=True)


@contextmanager
def explained(address: Address, doing: str) -> Iterator[None]:
    """Turn psycopg's and SQLAlchemy's errors of one piece of work into DestinationErrors."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise statement_error(address, doing, error.sqlstate, str(error)) from error


_HINTS: Final = {
    "42501": "the role lacks a right; docs/destinations.md lists those it needs",
    "55P03": "another transaction holds a lock; try again when it has ended",
    "57014": "it took longer than its statement_timeout",
    "40P01": "another transaction was in the way (deadlock); run it again",
    "53100": "the server's disk is full",
    "25006": "the server is read-only: is it a replica, or one that another server took over from?",
}


_PASSING_STATES: Final = ("08", "25006", "40", "53", "55", "57")
"""SQLSTATEs and their classes that another try may not meet: connection, a server that is read-only until a failover is
through, rollback, resources, locks, an operator's hand."""
_BROKEN: Final = ("08", "57P")
"""SQLSTATEs of a connection that broke, or whose server goes down."""


def statement_error(address: Address, doing: str, state: str | None, text: str) -> DestinationError:
    """What one failed statement means to a user: `doing` says what was being done."""
    lines = text.strip().splitlines()
    said = address.redact(re.split(r"(?:ERROR|FATAL):  ", lines[0])[-1]) if lines else "no reason given"
    told = f"{doing}: {said}"
    if state == "57014" and "user request" in said:  # Ctrl-C, or pg_cancel_backend: it was meant to end
        return DestinationError(
            told, where=str(address), hint="somebody cancelled it, and nothing was committed: run it again"
        )
    if not state or state.startswith(_BROKEN):
        hint = "the connection broke: the server was restarted, or ended it; run it again"
        return DestinationError(told, where=str(address), hint=hint, retryable=True)
    passing = state.startswith(_PASSING_STATES)
    return DestinationError(told, where=str(address), hint=_HINTS.get(state), retryable=passing)
