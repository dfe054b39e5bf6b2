"""The names that Dagster knows a pipeline's parts by. Contract: docs/dagster.md."""

import hashlib
import re

import dagster as dg

from octo_core.spec.names import split_table_name, without_accents
from octo_core.spec.pipeline import PipelineSpec, TableSpec

_TAKEN = re.compile(r"[A-Za-z0-9_.-]+")
_OTHER = re.compile(r"[^A-Za-z0-9_.-]+")


def raw_key(pipeline: str, source: str) -> dg.AssetKey:
    return dg.AssetKey([pipeline, "raw", _plain(source, "source")])


def schema_key(pipeline: str, source: str) -> dg.AssetKey:
    return dg.AssetKey([pipeline, "schema", _plain(source, "source")])


def destination_key(pipeline: str) -> dg.AssetKey:
    return dg.AssetKey([pipeline, "destination"])


def mapping_key(pipeline: str) -> dg.AssetKey:
    return dg.AssetKey([pipeline, "mapping"])


def approved_key(pipeline: str) -> dg.AssetKey:
    return dg.AssetKey([pipeline, "approved_mapping"])


def table_key(pipeline: str, table: str, spec: TableSpec) -> dg.AssetKey:
    """`asset_key` where the file says one, else [pipeline, schema, table], in letters that Dagster takes."""
    return dg.AssetKey([*map(_plain, spec.asset_key or (pipeline, *split_table_name(table)))])


def table_keys(pipeline: PipelineSpec) -> dict[str, dg.AssetKey]:
    """Table → its asset's key, in the file's order."""
    taken = {
        key
        for source in pipeline.sources
        for key in (raw_key(pipeline.name, source), schema_key(pipeline.name, source))
    }
    found = {table: table_key(pipeline.name, table, spec) for table, spec in pipeline.tables.items()}
    # A table of a database's schema `raw` may have the name of a source.
    found = {table: _below(key, "table") if key in taken else key for table, key in found.items()}
    used: set[str] = set()
    for table, key in found.items():
        if key.to_python_identifier() in used and not pipeline.tables[table].asset_key:
            found[table] = dg.AssetKey([*key.path[:-1], f"{key.path[-1]}_{_digest(table)}"])
        used.add(found[table].to_python_identifier())
    return found


def _plain(part: str, nameless: str = "table") -> str:
    """A part of a key without accents and blanks; what is lost of other letters is told apart by a digest.

    Dagster makes an output's name from a key, and takes ASCII letters, digits and underscores in it (it writes `.` and
    `-` as underscores itself).
    """
    text = without_accents(part)
    if _TAKEN.fullmatch(text):
        return text
    return f"{_OTHER.sub('_', text).strip('_') or nameless}_{_digest(part)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _below(key: dg.AssetKey, part: str) -> dg.AssetKey:
    return dg.AssetKey([key.path[0], part, *key.path[1:]])


def op_name(*parts: str) -> str:
    """A Dagster op's name: letters, digits and underscores only."""
    return "__".join(_OTHER.sub("_", part).replace(".", "_").replace("-", "_") for part in parts)
