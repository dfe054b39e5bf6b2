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


def value_map(expr: str, pairs: Sequence[tuple[str, str]]) -> str:
    """A value map from text to text; a value that is not listed goes to quarantine."""
    return value_map_text(expr, [(left, literal(right)) for left, right in pairs])


def boolean_codes(expr: str, pairs: Sequence[tuple[str, str]]) -> str:
    """`parse_boolean(paid, 'Y|N')`; commas and bars cannot stand in its spellings, so those become a value map."""
    if any(char in code for code, _ in pairs for char in ",|"):
        return f"cast({value_map(expr, pairs)} as boolean)"
    sides = (",".join(code for code, side in pairs if side == wanted) for wanted in ("true", "false"))
    return f"parse_boolean({expr}, {literal('|'.join(sides))})"


def value_map_text(expr: str, cells: Iterable[tuple[str, str]], otherwise: str | None = None) -> str:
    """`map_values(state, 'A', 'active', …)`, with what values become that are not listed."""
    listed = ", ".join(f"{literal(key)}, {result}" for key, result in cells)
    return f"map_values({expr}, {listed}{'' if otherwise is None else f', {otherwise}'})"
