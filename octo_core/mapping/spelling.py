"""How the mapping writes what it means in the expression language: literals and value maps."""

from collections.abc import Sequence

from octo_core.spec.mapping_file import Scalar, ValueMap
from octo_core.types import DataType


def literal(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("'", "''") + "'"


def value_map(expr: str, pairs: Sequence[tuple[str, str]]) -> str:
    """`map_values(state, 'A', 'active', …)`; a value that is not listed goes to quarantine."""
    return f"map_values({expr}, {', '.join(literal(word) for pair in pairs for word in pair)})"


def file_value_map(values: ValueMap, kind: DataType) -> str:
    """mapping.yaml's `{values: …}` as an expression: nulls by `case`, and a cast where the column is no text."""
    source = values.source
    told = [(key, _text(result)) for key, result in values.map.items()]
    listed = [(key, result) for key, result in told if result is not None]
    other = _text(values.otherwise)
    rest = f", {literal(other)}" if values.has_else and other is not None else ""
    text = f"{value_map(source, listed)[:-1]}{rest})" if listed else "null"
    if values.has_else and other is None:
        text = (
            f"case when {source} in ({', '.join(literal(key) for key, _ in listed)}) then {text} end"
            if listed
            else text
        )
    nulls = [literal(key) for key, result in told if result is None]
    if nulls and listed:
        text = f"case when {source} in ({', '.join(nulls)}) then null else {text} end"
    return text if kind.kind == "text" or not listed else f"cast({text} as {kind})"


def _text(value: Scalar) -> str | None:
    if value is None:
        return None
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def boolean_codes(expr: str, pairs: Sequence[tuple[str, str]]) -> str:
    """`parse_boolean(paid, 'Y|N')`; commas and bars cannot stand in its spellings, so those become a value map."""
    if any(char in code for code, _ in pairs for char in ",|"):
        return f"cast({value_map(expr, pairs)} as boolean)"
    sides = (",".join(code for code, side in pairs if side == wanted) for wanted in ("true", "false"))
    return f"parse_boolean({expr}, {literal('|'.join(sides))})"
