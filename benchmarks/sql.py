"""PostgreSQL to PostgreSQL: a million rows with one numeric column, against a pipe of binary COPY."""

import subprocess
import time

from benchmarks.measure import Figure, by_turns, report
from benchmarks.place import Place, place
from octo_resources.flow import Workspace, approve, land, load, prepare

ROWS = 1_000_000
_COLUMNS = "id bigint PRIMARY KEY, customer int NOT NULL, total numeric(12, 2) NOT NULL, state text, at timestamptz"
_PIPELINE = """\
sources:
  sales: {kind: sql, url: "${secret:env/BENCH_URL}", table: source_sale}
destination: {kind: postgres, url: "${secret:env/BENCH_URL}"}
tables:
  public.sale: {write: append}
"""


class Transfer:
    """A project whose pipeline copies one table into another of the same server."""

    def __init__(self, here: Place) -> None:
        self.root = here.folder / "project-sql"
        folder = self.root / "pipelines" / "sales"
        folder.mkdir(parents=True)
        (folder / "pipeline.yaml").write_text(_PIPELINE)
        (folder / "mapping.yaml").write_text(
            "public.sale: {id: id, customer: customer, total: total, state: state, at: at}\n"
        )
        (self.root / ".env").write_text(f"BENCH_URL={here.url}\n")
        self.space = Workspace.open(self.root)
        self.pipeline = self.space.pipeline("sales")
        self.space.destination(self.pipeline).prepare()
        print_ = prepare(self.space, self.pipeline).plan.fingerprint
        approve(self.space, self.pipeline, print_, reviewer="bench@octopipe.example", via="cli")


def octopipe(here: Place, transfer: Transfer) -> float:
    """Rows a second from the first SELECT to the commit: snapshot, types, gate, drift, ledger."""
    here.run("TRUNCATE sale")
    here.run("CHECKPOINT")
    started = time.monotonic()
    land(transfer.space, transfer.pipeline)
    load(transfer.space, transfer.pipeline)
    seconds = time.monotonic() - started
    if here.value("SELECT count(*) FROM sale") != ROWS:
        raise SystemExit("rows are missing")
    return ROWS / seconds


def pipe(here: Place) -> float:
    """Rows a second of `COPY … TO STDOUT (FORMAT binary)` into `COPY … FROM STDIN (FORMAT binary)`."""
    here.run("TRUNCATE sale")
    here.run("CHECKPOINT")
    base = [here.psql, here.url, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c"]
    started = time.monotonic()
    with subprocess.Popen([*base, "COPY source_sale TO STDOUT (FORMAT binary)"], stdout=subprocess.PIPE) as out:
        subprocess.run([*base, "COPY sale FROM STDIN (FORMAT binary)"], stdin=out.stdout, check=True)
    seconds = time.monotonic() - started
    if here.value("SELECT count(*) FROM sale") != ROWS:
        raise SystemExit("rows are missing")
    return ROWS / seconds


def run_sql(times: int) -> None:
    with place() as here:
        here.run(f"CREATE TABLE source_sale ({_COLUMNS}); CREATE TABLE sale ({_COLUMNS})")
        here.run(
            "INSERT INTO source_sale SELECT g, g % 5000, g * 1.01, 'paid', "
            f"'2026-01-01'::timestamptz + g * interval '1 s' FROM generate_series(1, {ROWS}) g"
        )
        here.run("VACUUM ANALYZE source_sale")
        transfer = Transfer(here)
        found = by_turns({"octopipe": lambda: octopipe(here, transfer), "binary COPY pipe": lambda: pipe(here)}, times)
    base = Figure("binary COPY pipe", "rows/s", found["binary COPY pipe"])
    own = Figure("octopipe", "rows/s", found["octopipe"])
    ratio = own.median / base.median
    own = Figure(own.name, own.unit, own.values, ratio, "of the pipe")
    report("sql: PostgreSQL to PostgreSQL", [own, base])
