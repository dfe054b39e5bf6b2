"""The steps as library calls, which Dagster and the CLI wrap: land, schema, pull, map, plan, approve, load.

Each is imported when it is first asked for: `status` must not pay for DuckDB.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from octo_resources.flow.deciding import approve, reject
    from octo_resources.flow.landing_step import Landed, land, landing, read_anew
    from octo_resources.flow.loading import load
    from octo_resources.flow.planning import Prepared, prepare
    from octo_resources.flow.proposing import correct, heed, require_model
    from octo_resources.flow.pulling import pull
    from octo_resources.flow.ready import plan_to_read
    from octo_resources.flow.relations import typed_relations
    from octo_resources.flow.state import Standing, due_pipelines, newest_write, next_run, standing, take_tick, waiting
    from octo_resources.flow.understand import schemas
    from octo_resources.flow.underway import LoadOutcome
    from octo_resources.flow.workspace import Workspace
    from octo_resources.flow.writing import write_mapping, written_origins

_HOMES = {
    "approve": "deciding",
    "reject": "deciding",
    "Landed": "landing_step",
    "land": "landing_step",
    "landing": "landing_step",
    "read_anew": "landing_step",
    "LoadOutcome": "underway",
    "load": "loading",
    "Prepared": "planning",
    "prepare": "planning",
    "correct": "proposing",
    "heed": "proposing",
    "require_model": "proposing",
    "pull": "pulling",
    "plan_to_read": "ready",
    "Standing": "state",
    "due_pipelines": "state",
    "take_tick": "state",
    "newest_write": "state",
    "next_run": "state",
    "standing": "state",
    "waiting": "state",
    "schemas": "understand",
    "Workspace": "workspace",
    "typed_relations": "relations",
    "write_mapping": "writing",
    "written_origins": "writing",
}

__all__ = [
    "Landed", "LoadOutcome", "Prepared", "Standing", "Workspace", "approve", "correct", "due_pipelines", "heed", "land",
    "landing", "load", "newest_write", "next_run", "plan_to_read", "prepare", "pull", "read_anew", "reject",
    "require_model", "schemas", "standing", "take_tick", "typed_relations", "waiting", "write_mapping",
    "written_origins",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name in _HOMES:
        found: object = getattr(import_module(f"octo_resources.flow.{_HOMES[name]}"), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
