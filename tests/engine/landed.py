"""Landed files made of bytes, and one pass of a mapping over them with everything it said."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zstandard

from octo_core.batch import Batch, CsvDialect, LandedFile
from octo_core.expressions import parse
from octo_core.schema import Carrier, Field, SourceSchema
from octo_core.types import parse_type
from octo_resources.engines.duckdb import DuckEngine, Input, LoadVariables, Refused, Scan

VARIABLES = LoadVariables(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "01JX", b"key")


def schema(fields: Mapping[str, str], carriers: Mapping[str, Carrier] | None = None) -> SourceSchema:
    """name → type; carriers are `text` where nothing else is told."""
    carriers = carriers or {}
    return SourceSchema(
        source="source",
        fields=tuple(
            Field(name=name, type=parse_type(kind), carrier=carriers.get(name, "text")) for name, kind in fields.items()
        ),
    )


@dataclass
class Outcome:
    """What one `evaluate` gave: good rows in the order of their numbers, refused rows likewise."""

    rows: list[dict[str, Any]]
    refused: list[Refused]
    scan: Scan
    payloads: dict[int, str]

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]

    @property
    def reasons(self) -> list[str]:
        return [one.reason for one in self.refused]


@dataclass
class Land:
    """Writes files under a folder and evaluates mappings over them."""

    folder: Path
    inputs: list[Input] = field(default_factory=list)

    def add(
        self,
        content: bytes | str,
        form: str = "jsonl",
        *,
        batch: str = "b1",
        compression: str = "none",
        columns: Sequence[str] = (),
        **dialect: Any,
    ) -> "Land":
        data = content.encode() if isinstance(content, str) else content
        packed = {"none": lambda raw: raw, "gzip": gzip.compress, "zstd": zstandard.compress}[compression](data)
        path = self.folder / f"{len(self.inputs)}.{form}"
        path.write_bytes(packed)
        told = CsvDialect(columns=tuple(columns), **dialect) if form == "csv" else None
        file = LandedFile.model_validate(
            {
                "path": str(path),
                "format": form,
                "compression": compression,
                "bytes": len(packed),
                "sha256": "",
                "dialect": told,
            }
        )
        made = datetime(2026, 1, 1, tzinfo=UTC)
        whole = Batch(id=batch, pipeline="p", source="source", made_at=made, landing="copy", files=(file,))
        self.inputs.append(Input(whole, file, path))
        return self

    @property
    def engine(self) -> DuckEngine:
        return DuckEngine(threads=2, temp=self.folder / "tmp")

    def evaluate(self, fields: SourceSchema, columns: Mapping[str, str] | None = None) -> Outcome:
        """Target → expression; every field as it is where nothing is told. Checks that the rows add up."""
        texts = columns or {one.name: f'"{one.name}"' for one in fields.fields}
        nodes = {name: parse(text, fields) for name, text in texts.items()}
        scan = self.engine.scan()
        table = self.engine.evaluate(self.inputs, fields, nodes, VARIABLES, scan).read_all()
        rows = sorted(table.to_pylist(), key=lambda row: row["_row"])
        refused = sorted(scan.refused, key=lambda one: one.row)
        assert scan.rows_read == len(rows) + len(refused)
        assert len({row["_row"] for row in rows} | {one.row for one in refused}) == scan.rows_read
        payloads = dict(self.engine.payloads(self.inputs, scan.refused.rows()))
        assert sorted(payloads) == [one.row for one in refused]
        return Outcome(rows, refused, scan, payloads)
