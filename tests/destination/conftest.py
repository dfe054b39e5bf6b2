"""Every test of the destination runs on each PostgreSQL that is there: the package's, and Debian's 15."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from octo_resources.destinations.postgres import PostgresDestination
from tests.conftest import PostgresServer, drop_database, fresh_database


@pytest.fixture(params=["postgres_server", "postgres_15_server"])
def server(request: pytest.FixtureRequest) -> PostgresServer:
    found: PostgresServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    found = fresh_database(server)
    yield found
    drop_database(server, found)


@pytest.fixture
def destination(url: str) -> PostgresDestination:
    return PostgresDestination.from_url(url)


@pytest.fixture
def execute(url: str) -> Callable[..., list[tuple[object, ...]]]:
    """Runs SQL as the superuser and gives the rows of the last statement, if it has any."""

    def run(sql: str, *parameters: object) -> list[tuple[object, ...]]:
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(sql.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    return run
