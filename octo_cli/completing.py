"""What a shell completes besides commands and options: the names of pipelines and of their sources."""

from typing import Any

from octo_core.errors import OctopipeError


def pipelines(incomplete: str) -> list[str]:
    """The project's pipelines that begin so; none where there is no project: a shell has no place for an error."""
    from octo_resources.project import Project

    try:
        names = Project.find().pipeline_names()
    except (OctopipeError, OSError):
        return []
    return [name for name in names if name.startswith(incomplete)]


def sources(ctx: Any, incomplete: str) -> list[str]:
    """The sources that begin so, of the pipeline named before."""
    from octo_resources.project import Project

    pipeline = ctx.params.get("pipeline") or ctx.params.get("name")
    try:
        written = Project.find().written(pipeline).get("sources") if pipeline else None
    except (OctopipeError, OSError):
        return []
    return [name for name in written if name.startswith(incomplete)] if isinstance(written, dict) else []
