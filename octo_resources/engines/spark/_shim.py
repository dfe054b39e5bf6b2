"""TEMPORARY until sparksql is merged."""

from octo_core.expressions import Rendered
from octo_core.expressions.tree import Assign, Convert, Path


def q(n):
    return "`" + n.replace("`", "``") + "`"


KIND = {
    "int16": "SMALLINT",
    "int32": "INT",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "float32": "FLOAT",
    "text": "STRING",
    "date": "DATE",
    "timestamptz": "TIMESTAMP",
    "timestamp": "TIMESTAMP_NTZ",
    "boolean": "BOOLEAN",
    "json": "STRING",
    "uuid": "STRING",
    "bytes": "BINARY",
}


def native(k):
    return f"DECIMAL({k.precision},{k.scale})" if k.kind == "decimal" else KIND[k.kind]


def to_spark(node, *, show_values=True):
    if isinstance(node, Assign):
        return to_spark(node.arg, show_values=show_values)
    if isinstance(node, Path):
        col = q(node.name)
        if node.carrier == "typed" or node.type.kind in ("text", "json"):
            return Rendered(col, "NULL")
        v = f"try_cast({col} AS {native(node.type)})"
        said = f"concat('\"', {col}, '\" is no {node.type}')" if show_values else f"'a value is no {node.type}'"
        return Rendered(v, f"CASE WHEN {v} IS NULL AND {col} IS NOT NULL THEN {said} END")
    if isinstance(node, Convert):
        if isinstance(node.arg, Path) and node.arg.carrier != "typed":
            return to_spark(
                Path(name=node.arg.name, type=node.type, format=None, carrier=node.arg.carrier), show_values=show_values
            )
        a = to_spark(node.arg, show_values=show_values)
        return Rendered(f"try_cast({a.value} AS {native(node.type)})", a.reason)
    raise TypeError(node)


def with_lets(cols, source):
    return source


def reason_in_full(r):
    return r.reason
