"""The typed tree as DuckDB's SQL."""

from collections.abc import Mapping, Sequence
from typing import Final

from octo_core.expressions.duckdb_convert import CONVERTING
from octo_core.expressions.duckdb_numbers import native
from octo_core.expressions.engine import Engine, Rendered
from octo_core.expressions.numbers import text_literal
from octo_core.expressions.rendering import render, select
from octo_core.expressions.tree import Node


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


ENGINE: Final = Engine(
    name=_name,
    text=text_literal,
    native=native,
    from_token=CONVERTING.from_token,
    change=CONVERTING.change,
    text_of_value=CONVERTING.text_of_value,
    typed=CONVERTING.typed,
    rendering=lambda function: function.duckdb,
)


def to_duckdb(node: Node, *, show_values: bool = True) -> Rendered:
    """SQL over a relation with a column per path of the expression. `show_values=False` keeps values out of reasons."""
    return render(node, ENGINE, show_values=show_values)


def select_duckdb(columns: Mapping[str, Rendered], source: str, *, keep: Sequence[str] = (), reason: str = "!") -> str:
    """One SELECT of all columns' values under their names, and reasons under the name and `reason` (`departs_at!`).

    `source` is a FROM item (a name, or a sub-select in brackets), `keep` are columns of it to carry along. Reasons of
    columns that cannot fail are left out. Shared parts are computed once, in sub-selects below.
    """
    return select(columns, source, ENGINE, keep, reason)
