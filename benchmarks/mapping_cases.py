"""Labelled pairs of tables to measure the matcher with, as columns with the product's own types.

A folder holds `gdc/` (studies with source.csv and gt.csv; target.csv and gdc_schema.json beside them), and
`web/pair_*/`.
"""

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

from octo_core.inference import infer_column
from octo_core.mapping.attribute import MAX_VALUES, Attribute, from_field

csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Case:
    name: str
    source: list[Attribute]
    target: list[Attribute]
    truth: set[tuple[str, str]]


def table(path: Path, schema: dict[str, dict[str, object]] | None = None) -> list[Attribute]:
    """The columns of a CSV as attributes, with all distinct values; `schema` adds descriptions and allowed values."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = list(csv.reader(file))
    found = []
    for position, name in enumerate(header):
        values = dict.fromkeys(row[position].strip() for row in rows if position < len(row) and row[position].strip())
        about = (schema or {}).get(name, {})
        allowed = about.get("value_data")
        listed = tuple(allowed) if isinstance(allowed, dict) else ()
        inferred = from_field(infer_column(list(values)[:MAX_VALUES], name), name)
        text = str(about.get("column_description") or "")
        known = (listed or tuple(values))[:MAX_VALUES]
        found.append(replace(inferred, text=text, values=known, closed=bool(listed)))
    return [one for one in found if one.name]


def truth(path: Path) -> set[tuple[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {(row["source_column"], row["target_column"]) for row in csv.DictReader(file)}


def cases(folder: Path) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    gdc = folder / "gdc"
    if gdc.is_dir():
        schema = json.loads((gdc / "gdc_schema.json").read_text(encoding="utf-8"))
        target = table(gdc / "target.csv", schema)
        found["gdc"] = [
            Case(path.parent.name, table(path.parent / "source.csv"), target, truth(path))
            for path in sorted(gdc.glob("*/gt.csv"))
        ]
    web = [
        Case(path.parent.name, table(path.parent / "source.csv"), table(path.parent / "target.csv"), truth(path))
        for path in sorted((folder / "web").glob("*/gt.csv"))
    ]
    return found | ({"web": web} if web else {})
