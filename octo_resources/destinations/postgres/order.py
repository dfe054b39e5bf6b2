"""The order in which a load writes its tables: parents before the tables that refer to them."""

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from octo_core.catalog import Table
from octo_core.errors import DestinationError


def order_by_foreign_keys(tables: Sequence[Table]) -> list[Table]:
    """Parents first, otherwise by name. Deferrable foreign keys may point both ways; they are judged at the end.

    Raises DestinationError where foreign keys that are not deferrable form a circle.
    """
    names = {table.name: table for table in sorted(tables, key=lambda table: table.name)}
    try:
        return [names[name] for name in _sorted(names, deferrable=True)]
    except CycleError:
        pass
    try:
        return [names[name] for name in _sorted(names, deferrable=False)]
    except CycleError as error:
        circle = " → ".join(error.args[1])
        hint = "make one of these foreign keys DEFERRABLE, or load the tables by pipelines of their own"
        raise DestinationError(f"the tables refer to one another in a circle: {circle}", hint=hint) from None


def _sorted(tables: dict[str, Table], *, deferrable: bool) -> list[str]:
    graph = {
        name: {
            key.ref_table
            for key in table.foreign_keys
            if key.ref_table in tables and key.ref_table != name and (deferrable or not key.deferrable)
        }
        for name, table in tables.items()
    }
    return list(TopologicalSorter(graph).static_order())
