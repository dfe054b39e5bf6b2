"""Which engine a load runs on, and why, in words for whoever reads the load's account."""

import os
from typing import Final, NamedTuple

from octo_core.spec.pipeline import ATTACH, FROM, Engine
from octo_core.spec.units import parse_size
from octo_resources.engines.protocol import EngineName

A_CORE: Final = 100_000_000 * 1800
"""Bytes that the embedded engine reads with one core in half an hour, at 100 MB/s: what is more is worth a cluster."""


class Choice(NamedTuple):
    engine: EngineName
    why: str


def choose(engine: Engine, size: int, *, cores: int | None = None) -> Choice:
    """The engine for `size` landed bytes. `cores`: of this machine; asked when left out."""
    if engine.kind == "duckdb":
        return Choice("duckdb", "the pipeline asks for it")
    where = place(engine)
    if engine.kind == "spark":
        return Choice("spark", f"the pipeline asks for it ({where or engine.master or 'local[*]'})")
    told = engine.conf.get(FROM)
    fits = parse_size(told) if told else A_CORE * (cores or os.cpu_count() or 1)
    said = f"{size / 1e9:.1f} GB"
    if size <= fits:
        return Choice("duckdb", f"{said} fits this machine")
    if where is None:
        return Choice("duckdb", f"{said} is half an hour's work and more, and no cluster is configured")
    return Choice("spark", f"{said} is more than {fits / 1e9:.1f} GB, and {where} is configured")


def attaches(engine: Engine) -> bool:
    """Whether the pipeline lets a load exchange empty partitions for full ones."""
    return engine.conf.get(ATTACH, "").lower() == "true"


def place(engine: Engine) -> str | None:
    """The cluster that is configured; None where Spark would run on this machine, where DuckDB is faster."""
    if engine.remote:
        return engine.remote.partition(";")[0]
    return engine.master if engine.master and not engine.master.startswith("local") else None
