"""What the destination is told of one table of a plan or a load."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from octo_core.batch import Batch
from octo_core.catalog import Table
from octo_core.deletes import has_tombstones, marked_column, marks
from octo_core.expressions import Node
from octo_core.expressions.questions import reads_load
from octo_core.plan.model import TableRecipe
from octo_resources.destinations.writing import Deletes, WriteJob
from octo_resources.engines.duckdb import Scan, Tombstones
from octo_resources.project import Pipeline


def counting(recipe: TableRecipe, batches: Sequence[Batch]) -> list[Batch]:
    """Of the batches that wait, oldest first, those whose rows a table gets.

    Where what is gone from the source matters, each batch is the whole source: the newest alone says what is there now.
    """
    absence = isinstance(recipe.deletes, dict) and recipe.deletes.get("found_by") == "absence"
    if recipe.write != "replace" and not absence:
        return list(batches)
    return list({batch.source: batch for batch in batches}.values())


def write_job(
    table: Table,
    recipe: TableRecipe,
    nodes: Mapping[str, Node],
    scan: Callable[[], Scan],
    *,
    direct: bool = False,
    deletes: Deletes | None = None,
    attach: bool = False,
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
        deletes=deletes,
        attach=attach,
    )


def deletes_of(
    pipeline: Pipeline,
    table: Table,
    recipe: TableRecipe,
    scan: Callable[[], Scan],
    *,
    whole: bool,
    at: datetime | None = None,
) -> Deletes | None:
    """How the table marks what its source took away; None where it does not.

    `whole`: whether the rows are all that the source has. `at`: the load's time.
    """
    said = marks(pipeline.spec, table.name)
    if said is None:
        return None
    tombstones = has_tombstones(pipeline.spec, table.name, recipe.origin)

    def unread() -> int:
        known = scan().refused_keys
        return len(scan().refused) - (known.num_rows if known is not None else 0)

    absence = said.found_by == "absence" and whole
    mark = marked_column(table, said)
    return Deletes(tombstones=tombstones, absence=absence, mark=mark, at=at, unread=unread)


def tombstones_of(pipeline: Pipeline, recipe: TableRecipe) -> Tombstones | None:
    """What the engine has to know of tombstones: passed over where nothing marks them. None where no row is one."""
    if not has_tombstones(pipeline.spec, recipe.table, recipe.origin):
        return None
    kept = frozenset((*recipe.key, *([recipe.version] if recipe.version else ())))
    return Tombstones(kept, passed_over=marks(pipeline.spec, recipe.table) is None)


def kept_keys(recipe: TableRecipe, nodes: Mapping[str, Node]) -> tuple[str, ...]:
    """The key's columns, where a load has to know the keys of the rows that the engine refuses: they are not absent."""
    absence = isinstance(recipe.deletes, dict) and recipe.deletes.get("found_by") == "absence"
    return recipe.key if (recipe.write == "replace" or absence) and set(recipe.key) <= nodes.keys() else ()
