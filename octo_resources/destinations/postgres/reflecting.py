"""SQLAlchemy's view of a connection that is open, for its reflection of tables.

What SQLAlchemy compiles it keeps by engine, and a pull's reflection is 60 ms of compiling: so there is one engine for
each version of the server, whatever server and database a connection leads to.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import psycopg
import sqlalchemy as sa

_GIVEN: ContextVar["psycopg.Connection[Any]"] = ContextVar("given")


@contextmanager
def reflecting(connection: "psycopg.Connection[Any]") -> Iterator[sa.Connection]:
    """The connection as SQLAlchemy's; it is closed in the end."""
    token = _GIVEN.set(connection)
    try:
        with connection, _engine(connection.info.server_version).connect() as found:
            yield found
    finally:
        _GIVEN.reset(token)


@cache
def _engine(_version: int) -> sa.Engine:
    # What hstore is differs by database; and its values are not wanted as Python's.
    return sa.create_engine("postgresql+psycopg://", creator=_GIVEN.get, poolclass=sa.NullPool, use_native_hstore=False)
