"""The plan that was read last, where files and one question to the destination say that nothing has changed since.

`ready` tells it by way of the registry, whose library alone takes a third of a second to import. Here the registry's
file is not asked but looked at: as long as nobody wrote to it, what was read of it stands. Its page comes from there
all the same, by the hash that its seal has: what only one of the two says is not shown. Only for a registry in a file;
approving and loading go by `prepare`, and never by this.
"""

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from octo_core.plan.fingerprint import fingerprint
from octo_core.plan.model import Plan, Recipe
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline

_QUERY = """
SELECT plan.body, recipe.body FROM plan JOIN recipe USING (pipeline, fingerprint)
WHERE pipeline = ? AND fingerprint = ? ORDER BY plan.id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Glance:
    """What was read and of what: hashes of 64 hex digits, and how the plan stood with its reviewers."""

    world: str
    signature: str
    tables: list[str]
    fingerprint: str
    page: str
    standing: dict[str, Any]


def unchanged(space: Workspace, pipeline: Pipeline) -> tuple[Plan, Recipe] | None:
    """The plan that `remember` was told of, if it stands. Raises DestinationError where the destination is silent."""
    try:
        seen = Glance(**json.loads(_place(space, pipeline).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # none yet, or of another version
    if seen.world != _world(space, pipeline):
        return None
    found = _read(space, pipeline, seen)
    if found is None or space.destination(pipeline).signature(seen.tables) != seen.signature:
        return None
    return found[0].model_copy(update=seen.standing), found[1]


def remember(space: Workspace, pipeline: Pipeline, plan: Plan, recipe: Recipe, signature: str, page: str) -> None:
    """Say what was read. `page`: the hash of the plan as the registry holds it."""
    world = _world(space, pipeline)
    if world is None or plan.diff is not None:
        return
    standing = {"state": plan.state, "approved_fingerprint": plan.approved_fingerprint}
    seen = Glance(world, signature, list(recipe.tables), plan.fingerprint, page, standing)
    place = _place(space, pipeline)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(asdict(seen)), encoding="utf-8")


def hashed(*texts: str) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def newest_batches(space: Workspace, pipeline: Pipeline) -> str:
    """A hash of what landed, which a plan's figures are of."""
    return hashed(*(batch.id for name in pipeline.spec.sources for batch in space.seen(pipeline.name, name)[-1:]))


def _place(space: Workspace, pipeline: Pipeline) -> Path:
    return space.project.state / "plans" / f"{pipeline.name}.seen.json"


def _world(space: Workspace, pipeline: Pipeline) -> str | None:
    """A hash of what a plan's page depends on besides the destination; None where that cannot be told from here."""
    if space.project.spec.registry != "sqlite":
        return None
    stands = [_stand(path) for path in (_registry(space), _registry(space).with_name("registry.db-wal"))]
    return hashed(version("octopipe"), pipeline.text_hash, newest_batches(space, pipeline), *stands)


def _registry(space: Workspace) -> Path:
    return space.project.state / "registry.db"


def _stand(path: Path) -> str:
    """Which content a file has, as far as its file system tells; an empty one has none."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_ino} {found.st_size} {found.st_mtime_ns}" if found.st_size else ""


def _read(space: Workspace, pipeline: Pipeline, seen: Glance) -> tuple[Plan, Recipe] | None:
    try:
        with closing(sqlite3.connect(f"{_registry(space).as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute(_QUERY, (pipeline.name, seen.fingerprint)).fetchone()
        plan, recipe = Plan.model_validate_json(row[0]), Recipe.model_validate_json(row[1])
    except (sqlite3.Error, TypeError, ValueError):
        return None
    if hashed(plan.model_dump_json()) != seen.page or {fingerprint(recipe), plan.fingerprint} != {seen.fingerprint}:
        return None
    return plan, recipe
