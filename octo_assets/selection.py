"""Which pipelines this process has to build: all of them, or those that its run is about.

Every run has a process of its own that imports the code location again. One that built a thousand pipelines for the
sake of one would start its first step half a minute late.
"""

import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence

import dagster as dg

ONLY = "OCTOPIPE_ONLY"
"""An environment variable that names the pipelines to build, comma-separated."""
PIPELINE_TAG = "octopipe/pipeline"


def wanted_pipelines(names: Sequence[str]) -> list[str]:
    """`names`, less those that this process has no need of by $OCTOPIPE_ONLY."""
    only = os.environ.get(ONLY)
    return list(names) if not only else [name for name in names if name in set(only.split(","))]


def of_this_run(names: Sequence[str]) -> tuple[list[str], set[dg.AssetKey]] | None:
    """In the process of a run: the pipelines among `names` that it seems to be about, and the assets it must find.

    None in any other process, and where the run does not say what it is about: all have to be built then.
    """
    run = _run_of_this_process()
    if run is None:
        return None
    checked = {key.asset_key for key in run.asset_check_selection or ()}
    keys = set(run.asset_selection or ()) | checked
    about = {key.path[0] for key in keys} | {run.tags.get(PIPELINE_TAG, "")}
    found = [name for name in names if name in about]
    return (found, keys) if keys and found else None


def _run_of_this_process() -> dg.DagsterRun | None:
    for argument in _arguments():
        if isinstance(argument, dg.DagsterRun):
            return argument
        if isinstance(argument, str) and argument.startswith('{"__class__": "Execute'):
            return _described(argument)
    return None


def _arguments() -> Iterator[object]:
    """What this process was started with: `dagster api execute_run …`, or a child of the code server or an executor."""
    yield from sys.argv[1:]
    for argument in getattr(multiprocessing.current_process(), "_args", ()):
        yield argument
        yield getattr(argument, "dagster_run", None)  # a step's own process


def _described(text: str) -> dg.DagsterRun | None:
    """The run that serialized arguments of Dagster's are about, looked up in its instance."""
    from dagster._grpc.types import ExecuteExternalJobArgs, ExecuteRunArgs, ExecuteStepArgs
    from dagster_shared.serdes import deserialize_value
    from dagster_shared.serdes.errors import DeserializationError

    try:
        found = deserialize_value(text)
    except (DeserializationError, ValueError):
        return None
    known = ExecuteExternalJobArgs | ExecuteRunArgs | ExecuteStepArgs  # of a code server, a launcher, an executor
    if not isinstance(found, known) or found.instance_ref is None:
        return None
    with dg.DagsterInstance.from_ref(found.instance_ref) as instance:
        return instance.get_run_by_id(found.run_id)
