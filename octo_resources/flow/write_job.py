"""What the destination is told of one table of a plan or a load."""

from collections.abc import Callable, Mapping

from octo_core.catalog import Table
from octo_core.expressions import Node
from octo_core.expressions.questions import reads_load
from octo_core.plan.model import TableRecipe
from octo_resources.destinations.writing import WriteJob
from octo_resources.engines.duckdb import Scan


def write_job(
    table: Table, recipe: TableRecipe, nodes: Mapping[str, Node], scan: Callable[[], Scan], *, direct: bool = False
) -> WriteJob:
    """The job of a table whose rows an evaluation brings; `scan` gives its account, once they were read."""
    return WriteJob(
        table=table,
        columns=tuple(column for name in nodes if (column := table.column(name)) is not None),
        key=recipe.key,
        version=recipe.version,
        write=recipe.write,  # type: ignore[arg-type]  # `check` lets only those three through
        load_columns=tuple(name for name, node in nodes.items() if reads_load(node)),
        refused_keys=lambda: scan().refused_keys,
        direct=direct,
    )


def kept_keys(recipe: TableRecipe, nodes: Mapping[str, Node]) -> tuple[str, ...]:
    """The key's columns, where a `replace` has to know the keys of the rows that the engine refuses."""
    return recipe.key if recipe.write == "replace" and set(recipe.key) <= nodes.keys() else ()
