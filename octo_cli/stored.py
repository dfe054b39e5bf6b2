"""Mistakes that show only against what is known of a pipeline's sources and tables, without asking either again."""

from typing import TYPE_CHECKING

from octo_core.errors import Mistake

if TYPE_CHECKING:
    from octo_resources.project import Pipeline, Project


def against_stored(project: "Project", pipeline: "Pipeline") -> tuple[list[Mistake], int]:
    """(mistakes, expressions checked) of labels, keys, fields and mapping.yaml against the newest pull and schemas.

    Nothing is asked of a source or a destination, and no registry is made; what was never read is not checked, nor
    anything where octopipe.yaml has mistakes: nobody knows then which registry is meant.
    """
    if project.mistakes() or not _has_registry(project):
        return [], 0
    from octo_resources.flow.mistaken import unknown_columns, unknown_fields, wrong_expressions
    from octo_resources.flow.origins import settled_offline
    from octo_resources.flow.relations import misfits
    from octo_resources.registry import Registry

    registry = Registry.open(project.registry_url, project.state)
    try:
        stored = registry.catalogs.newest_version(pipeline.name)
        catalog = stored.value if stored is not None else None
        mistakes = unknown_columns(pipeline, catalog) if catalog is not None else []
        unsettled, pipeline = settled_offline(registry, pipeline, catalog)
        found, count = wrong_expressions(registry, pipeline, catalog)
        mistakes += unknown_fields(registry, pipeline)
        return [*mistakes, *unsettled, *misfits(registry, pipeline), *found], count
    finally:
        registry.close()


def of_clients(pipeline: "Pipeline") -> list[Mistake]:
    """Settings of Kafka sources that their client does not take, each at its place; nothing is asked of a broker."""
    from octo_core.spec.sources import KafkaSource

    kafka = {name: spec for name, spec in pipeline.spec.sources.items() if isinstance(spec, KafkaSource)}
    if not any(spec.settings for spec in kafka.values()):
        return []
    from octo_resources.kafka.client import unfit_settings

    return [
        pipeline.mistake(f"settings: {setting} {why}", "sources", name, "settings", setting)
        for name, spec in kafka.items()
        for setting, why in unfit_settings(spec.settings).items()
    ]


def _has_registry(project: "Project") -> bool:
    return project.spec.registry != "sqlite" or (project.state / "registry.db").is_file()
