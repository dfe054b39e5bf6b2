"""How the mapping writes what it means in the expression language: literals and value maps."""

from collections.abc import Iterable, Sequence


def literal(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("'", "''") + "'"


def scalar_literal(value: str | int | float | bool | None) -> str:
    """A literal of what a YAML scalar holds."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return literal(value) if isinstance(value, str) else str(value)


def value_map(expr: str, pairs: Sequence[tuple[str, str]], quoted: bool = True) -> str:
    """A value map of texts (`quoted`) or of SQL literals; a value that is not listed goes to quarantine."""
    return value_map_text(expr, ((left, literal(right) if quoted else right) for left, right in pairs))


def value_map_text(expr: str, cells: Iterable[tuple[str, str]], otherwise: str | None = None) -> str:
    """`map_values(state, 'A', 'active', …)`, with what values become that are not listed."""
    listed = ", ".join(f"{literal(key)}, {result}" for key, result in cells)
    return f"map_values({expr}, {listed}{'' if otherwise is None else f', {otherwise}'})"
