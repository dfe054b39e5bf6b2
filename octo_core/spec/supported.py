"""What the contract says and this version does not do yet: each line here goes when its part is built."""

from collections.abc import Iterator
from typing import Any

from octo_core.spec.document import Path

KINDS_OF_SOURCE_LATER = ("singer", "python")
KINDS_OF_DESTINATION_LATER = ("duckdb", "sqlite", "mysql", "files", "bigquery", "snowflake", "redshift")
SECRET_STORES_LATER = ("aws", "vault")
AUTH_LATER = ("oauth2", "hmac")
REMOTE_STORES_LATER = ("gs://", "az://", "abfs://")


def not_supported(what: str) -> str:
    return f"{what} is not supported yet (docs/limits.md)"


def later_in_pipeline(data: Any) -> Iterator[tuple[Path, str]]:
    """Paths of a pipeline file's data that name something not built yet, with what to say of each."""
    for name, source in _entries(data, "sources"):
        yield from _source(("sources", name), source)
    yield from _destination(("destination",), _mapping(data).get("destination"))
    if _mapping(data).get("destinations"):
        yield ("destinations",), not_supported("more than one destination ('destinations')")
    for name, table in _entries(data, "tables"):
        yield from _table(("tables", name), table)
    for key in ("timeliness", "anomaly"):
        if _mapping(_mapping(data).get("monitors")).get(key) is not None:
            yield ("monitors", key), not_supported(f"the monitor '{key}'")


def later_in_project(data: Any) -> Iterator[tuple[Path, str]]:
    """The same for octopipe.yaml."""
    if _mapping(_mapping(data).get("notify")).get("routes"):
        yield ("notify", "routes"), not_supported("'notify'")
    landing = _mapping(_mapping(data).get("landing")).get("path")
    if isinstance(landing, str) and landing.startswith(REMOTE_STORES_LATER):
        yield ("landing", "path"), not_supported(f"landing in {landing.split('://')[0]}")


def _source(path: Path, source: Any) -> Iterator[tuple[Path, str]]:
    source = _mapping(source)
    if source.get("kind") in KINDS_OF_SOURCE_LATER:
        yield (*path, "kind"), not_supported(f"a source of kind '{source['kind']}'")
    auth = _mapping(source.get("auth")).get("kind")
    if auth in AUTH_LATER and not (source.get("kind") == "push" and auth == "hmac"):
        yield (*path, "auth", "kind"), not_supported(f"'{auth}' authentication")
    if source.get("kind") == "rest" and source.get("children") is not None:
        yield (*path, "children"), not_supported("'children' of a rest source")
    where = source.get("path")
    if source.get("kind") == "file" and isinstance(where, str) and where.startswith(REMOTE_STORES_LATER):
        yield (*path, "path"), not_supported(f"reading files from {where.split('://')[0]}")
    if source.get("kind") in ("file", "rest") and source.get("landing") == "off":
        yield (*path, "landing"), not_supported("'landing: off'")


def _destination(path: Path, destination: Any) -> Iterator[tuple[Path, str]]:
    kind = _mapping(destination).get("kind")
    if kind in KINDS_OF_DESTINATION_LATER:
        yield (*path, "kind"), not_supported(f"a destination of kind '{kind}'")


def _table(path: Path, table: Any) -> Iterator[tuple[Path, str]]:
    table = _mapping(table)
    origin = table.get("from")
    if isinstance(origin, dict) and "sql" in origin:
        yield (*path, "from"), not_supported("'from: {sql: …}'")
    if table.get("write") == "history":
        yield (*path, "write"), not_supported("'write: history'")
    if table.get("create") is True:
        yield (*path, "create"), not_supported("'create: true'")
    for key in ("transforms", "after"):
        if table.get(key):
            yield (*path, key), not_supported(f"'{key}'")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _entries(data: Any, key: str) -> Iterator[tuple[str, Any]]:
    yield from _mapping(_mapping(data).get(key)).items()
