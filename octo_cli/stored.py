"""Mistakes that show only against what is known of a pipeline's sources and tables, without asking either again."""

from typing import TYPE_CHECKING

from octo_core.errors import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    """Settings of Kafka's topics that their client does not take, each at its place; nothing is asked of a broker."""
    written = list(_settings(pipeline))
    if not written:
        return []
    from octo_resources.kafka.client import unfit_settings

    return [
        pipeline.mistake(f"settings: {setting} {why}", *place, "settings", setting)
        for place, settings in written
        for setting, why in unfit_settings(settings).items()
    ]


def _settings(pipeline: "Pipeline") -> "Iterator[tuple[tuple[str, ...], Mapping[str, str]]]":
    """(where, `settings`) of each topic that the file has settings for: read, pushed to, or announced on."""
    from octo_core.spec.sources import KafkaSource, PushSource

    spec = pipeline.spec
    shared = next((one.settings for one in spec.sources.values() if isinstance(one, KafkaSource)), None)
    for name, source in spec.sources.items():
        if isinstance(source, KafkaSource) and source.settings:
            yield ("sources", name), source.settings
        to = source.to if isinstance(source, PushSource) else None
        if to is not None and to.settings and to.settings is not shared:
            yield ("sources", name, "to"), to.settings
    if spec.transport is not None and spec.transport.settings:
        yield ("transport",), spec.transport.settings


def _has_registry(project: "Project") -> bool:
    return project.spec.registry != "sqlite" or (project.state / "registry.db").is_file()
