"""A small shop: a project folder with files as its sources, and a real PostgreSQL with the tables that they go to."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml

from octo_core.ledger import LoadResult, QuarantinedRow
from octo_core.mapping.embedding import SWITCH
from octo_resources.flow import LoadOutcome, Prepared, Workspace, approve, land, load, prepare
from octo_resources.project import Pipeline
from octo_resources.registry import Registry
from tests.servers.commands import OCTOPIPE, Commands

REVIEWER = "ana@shop.example"

WAREHOUSE = """
CREATE SCHEMA shop;
CREATE TYPE shop.tier AS ENUM ('basic', 'gold');
CREATE TABLE shop.customer (
    customer_id bigint PRIMARY KEY,
    full_name text NOT NULL,
    tier shop.tier NOT NULL DEFAULT 'basic'
);
CREATE TABLE shop.sale (
    sale_id bigint PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES shop.customer,
    amount numeric(10, 2) NOT NULL CHECK (amount >= 0),
    status text NOT NULL CHECK (status IN ('paid', 'sent', 'void')),
    placed_at timestamptz NOT NULL,
    email text,
    note text
);
CREATE TABLE shop.visit (visit_id bigint NOT NULL, page text NOT NULL, seconds integer);
"""

CUSTOMER = {"customer_id": "id", "full_name": "name", "tier": "level"}
SALE = {
    "sale_id": "id", "customer_id": "customer", "amount": "total", "status": "state", "placed_at": "at",
    "email": "email", "note": {"unmapped": "nothing says it"},
}  # fmt: skip
VISIT = {"visit_id": "id", "page": "page", "seconds": "seconds"}


def sale(number: int, **changed: Any) -> dict[str, Any]:
    """One record of the source `sales`."""
    return {
        "id": number,
        "customer": 1 + number % 3,
        "total": f"{number}.50",
        "state": ("paid", "sent", "void")[number % 3],
        "at": f"2026-03-{1 + number % 28:02d}T10:00:{number % 60:02d}Z",
        "email": f"buyer{number}@shop.example",
    } | changed


def sales(numbers: Iterable[int], **changed: Any) -> list[dict[str, Any]]:
    return [sale(number, **changed) for number in numbers]


@dataclass
class Shop:
    """The project folder and its warehouse. `space` is as a new process would open it."""

    root: Path
    url: str
    registry: Registry
    commands: Commands
    changed: bool = True
    """Whether anything was done to it since it was made."""

    @property
    def space(self) -> Workspace:
        return Workspace.open(self.root, registry=self.registry)

    # --- files -------------------------------------------------------------------------------------------------

    def drop(self, source: str, name: str, records: Sequence[Mapping[str, Any]]) -> Path:
        """A new file of JSON lines in a source's folder."""
        return self.drop_text(source, f"{name}.jsonl", "".join(json.dumps(record) + "\n" for record in records))

    def drop_text(self, source: str, name: str, text: str) -> Path:
        path = self.root / "in" / source / name
        self.changed = True
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def pipeline_file(self, name: str, document: Mapping[str, Any], mapping: Mapping[str, Any] | None = None) -> None:
        """Write pipelines/NAME, as a person would edit it."""
        self.changed = True
        folder = self.root / "pipelines" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pipeline.yaml").write_text(yaml.safe_dump(dict(document), sort_keys=False))
        if mapping is not None:
            (folder / "mapping.yaml").write_text(yaml.safe_dump(dict(mapping), sort_keys=False))

    def sales_pipeline(self, name: str = "sales", *, table: Mapping[str, Any] | None = None, **more: Any) -> None:
        """A pipeline of one source of JSON lines into shop.sale."""
        self.pipeline_file(
            name,
            {
                "sources": {"sales": {"kind": "file", "path": "in/sales/*.jsonl", "key": ["id"]}},
                "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
                "tables": {"shop.sale": {"write": "merge"} | dict(table or {})},
            }
            | more,
            {"shop.sale": SALE},
        )

    def shop_pipeline(self, name: str = "shop", **more: Any) -> None:
        """A pipeline of two sources and two tables, one of which refers to the other."""
        self.pipeline_file(
            name,
            {
                "sources": {
                    "sales": {"kind": "file", "path": "in/sales/*.jsonl", "key": ["id"]},
                    "customers": {"kind": "file", "path": "in/customers/*.csv", "key": ["id"]},
                },
                "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
                "tables": {
                    "shop.sale": {"from": "sales", "write": "merge"},
                    "shop.customer": {"from": "customers", "write": "merge"},
                },
            }
            | more,
            {"shop.sale": SALE, "shop.customer": CUSTOMER},
        )

    # --- steps -------------------------------------------------------------------------------------------------

    def pipeline(self, name: str = "sales") -> Pipeline:
        return self.space.pipeline(name)

    def land(self, name: str = "sales", **options: Any) -> None:
        space = self.space
        land(space, space.pipeline(name), **options)

    def plan(self, name: str = "sales") -> Prepared:
        space = self.space
        return prepare(space, space.pipeline(name))

    def approve(self, name: str = "sales") -> str:
        """What a reviewer does who read the plan of this moment; the fingerprint."""
        space = self.space
        fingerprint = prepare(space, space.pipeline(name)).plan.fingerprint
        approve(space, space.pipeline(name), fingerprint[:8], reviewer=REVIEWER, via="cli")
        return fingerprint

    def load(self, name: str = "sales", **options: Any) -> LoadOutcome:
        space = self.space
        return load(space, space.pipeline(name), **options)

    def run(self, name: str = "sales", **options: Any) -> LoadResult:
        """Land and load: what `octopipe run` does, without Dagster."""
        self.land(name)
        return self.load(name, **options).result

    def start(self, name: str = "sales") -> LoadResult:
        """Land, approve, load: a pipeline's first day."""
        self.land(name)
        self.approve(name)
        return self.load(name).result

    # --- what is there -----------------------------------------------------------------------------------------

    def sql(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run SQL as the warehouse's owner; the rows of the last statement, if it has any."""
        self.changed = True
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def count(self, table: str = "shop.sale") -> int:
        return int(self.sql(f"SELECT count(*) FROM {table}")[0][0])  # a test's own name

    def state(self) -> dict[str, Any]:
        """All that a load may change in the warehouse, to be compared before and after."""
        tables = ("shop.customer", "shop.sale", "shop.visit", "_octopipe.loads", "_octopipe.ledger")
        more = ("_octopipe.batches", "_octopipe.positions")
        return {name: self.sql(f"SELECT * FROM {name} t ORDER BY t::text") for name in (*tables, *more)}

    def quarantined(self, load_id: str, name: str = "sales", sha256: str | None = None) -> list[QuarantinedRow]:
        return list(self.space.quarantine.read(name, load_id, sha256))

    def registry_sql(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What somebody does who has the registry's file."""
        import sqlite3

        with sqlite3.connect(self.root / ".octopipe" / "registry.db", timeout=10) as connection:
            found = connection.execute(statement, parameters).fetchall()
        connection.close()
        return found

    # --- commands ----------------------------------------------------------------------------------------------

    def octopipe(self, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """The command in a process of its own."""
        return self.commands.run(OCTOPIPE, *words, folder=self.root, environment=self.environment | environment)

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("OCTOPIPE_", "DAGSTER_"))}
        return kept | {"OCTOPIPE_HOME": str(self.root), "SHOP_WAREHOUSE": self.url, SWITCH: "off"}
