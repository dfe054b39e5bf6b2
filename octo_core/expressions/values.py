"""mapping.yaml's value maps as expressions: `{values: {source: state, map: {A: active}, else: unknown}}`."""

from collections.abc import Mapping


def value_map_expr(source: str, mapping: Mapping[str, str], else_: str | None = None) -> str:
    """The text of `map_values(source, …)` for an expression and a map of texts; no `else_`: other values fail."""
    words = [word for pair in mapping.items() for word in pair] + ([] if else_ is None else [else_])
    return f"map_values({', '.join([source, *(_text(word) for word in words)])})"


def _text(word: str) -> str:
    return "'" + str(word).replace("'", "''") + "'"
