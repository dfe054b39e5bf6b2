"""The typed tree as Spark's SQL: text for a session with SETTINGS, in which it gives what DuckDB's gives."""

from collections.abc import Mapping, Sequence
from typing import Final

from octo_core.expressions.engine import Engine, Rendered
from octo_core.expressions.rendering import render, select
from octo_core.expressions.spark_convert import CONVERTING
from octo_core.expressions.spark_names import SETTINGS, literal, name, native
from octo_core.expressions.tree import Node

__all__ = ["ENGINE", "SETTINGS", "native", "select_spark", "to_spark"]

ENGINE: Final = Engine(
    name=name,
    text=literal,
    native=native,
    from_token=CONVERTING.from_token,
    change=CONVERTING.change,
    text_of_value=CONVERTING.text_of_value,
    typed=CONVERTING.typed,
    rendering=lambda function: function.spark,
)


def to_spark(node: Node, *, show_values: bool = True) -> Rendered:
    """SQL over a relation with a column per path of the expression. `show_values=False` keeps values out of reasons.

    The value has the type that `native` says of the node's.
    """
    made = render(node, ENGINE, show_values=show_values)
    return Rendered(f"CAST({made.value} AS {native(node.type)})", made.reason, made.lets)


def select_spark(columns: Mapping[str, Rendered], source: str, *, keep: Sequence[str] = (), reason: str = "!") -> str:
    """One SELECT, as `select_duckdb` makes it."""
    return select(columns, source, ENGINE, keep, reason)
