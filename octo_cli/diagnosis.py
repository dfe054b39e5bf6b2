"""What `doctor` looks at, one function a subject; each gives findings and breaks on none of them."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from octo_cli.answers import Finding
from octo_core.errors import OctopipeError, SpecError
from octo_resources.redaction import redact

if TYPE_CHECKING:
    from octo_resources.project import Pipeline, Project

_SHOWN_PACKAGES = ("dagster", "duckdb", "pyarrow", "pydantic", "sqlglot")
_LITTLE_SPACE = 2_000_000_000


def diagnosed(variables: Mapping[str, str]) -> Iterator[Finding]:
    """Every finding, in the order in which one thing stands on another."""
    from octo_resources.project import Project

    yield _python()
    yield _java()
    yield from _packages()
    try:
        project = Project.find(variables=variables)
    except OctopipeError as error:
        yield Finding(what="project", state="broken", found=redact(error.message), fix=error.hint)
        return
    yield from _project(project)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] < (3, 13):
        return Finding(what="Python", state="ok", found=version)
    return Finding(
        what="Python", state="broken", found=version, fix="Install Python 3.11 or 3.12 and make install again."
    )


def _java() -> Finding:
    from octo_resources.engines.spark.missing import JAVA, java, java_fits

    path, line = java()
    fix = f"Install Java {JAVA[0]} or {JAVA[1]} if you want the Spark engine; nothing else needs it."
    if path is None:
        return Finding(what="Java", state="warning", found=line, fix=fix)
    return Finding(what="Java", state="ok", found=line) if java_fits(line) else _old_java(line, fix)


def _old_java(line: str, fix: str) -> Finding:
    return Finding(what="Java", state="warning", found=f"{line}: Spark does not run on it", fix=fix)


def _packages() -> Iterator[Finding]:
    """Octopipe's own requirements against what is installed."""
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    shown, count = [], 0
    for text in requires("octopipe") or ():
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            there = version(wanted.name)
        except PackageNotFoundError:
            yield Finding(what=wanted.name, state="broken", found="not installed", fix="make install")
            continue
        if not wanted.specifier.contains(there, prereleases=True):
            yield Finding(
                what=wanted.name, state="broken", found=f"{there}, not {wanted.specifier}", fix="make install"
            )
            continue
        count += 1
        shown += [f"{wanted.name} {there}"] if wanted.name in _SHOWN_PACKAGES else []
    yield Finding(what="packages", state="ok", found=f"{count} as required ({', '.join(shown)})")


def _project(project: "Project") -> Iterator[Finding]:
    names = project.pipeline_names()
    yield Finding(
        what="project", state="ok", found=f"{project.root}, {len(names)} pipeline{'' if len(names) == 1 else 's'}"
    )
    try:
        wrong = project.mistakes()
    except OctopipeError as error:
        yield Finding(what="octopipe.yaml", state="broken", found=redact(str(error.message)), fix=error.hint)
        return
    if wrong:
        found = f"{len(wrong)} mistake{'' if len(wrong) == 1 else 's'}, first: {wrong[0]}"
        yield Finding(what="octopipe.yaml", state="broken", found=redact(found), fix="octopipe check")
        return
    yield _registry(project)
    yield _landing(project)
    yield _dagster(project)
    seen: dict[str, Finding] = {}
    for name in names:
        yield from _pipeline(project, name, seen)


def _registry(project: "Project") -> Finding:
    what = "registry"
    if project.spec.registry == "sqlite" and not (project.state / "registry.db").is_file():
        return Finding(what=what, state="ok", found=f"{project.state / 'registry.db'}, made at first use")
    from octo_resources.registry import Registry

    try:
        Registry.open(project.registry_url, project.state).close()
    except OctopipeError as error:
        fix = error.hint or "Look at registry: in octopipe.yaml."
        return Finding(what=what, state="broken", found=redact(error.message), fix=fix)
    shown = project.state / "registry.db" if project.spec.registry == "sqlite" else redact(project.spec.registry)
    return Finding(what=what, state="ok", found=str(shown))


def _landing(project: "Project") -> Finding:
    """Whether the landing zone can be written, and how much room is left there."""
    import tempfile

    if "://" in project.spec.landing.path:
        return _landing_elsewhere(project)
    folder = project.landing_path
    base = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=base):
            free = shutil.disk_usage(base).free
    except OSError as error:
        fix = f"Give the user the right to write in {base}, or set landing.path in octopipe.yaml."
        return Finding(what="landing", state="broken", found=f"{folder} cannot be written: {error.strerror}", fix=fix)
    found = f"{folder}, {free / 1e9:,.1f} GB free"
    if free < _LITTLE_SPACE:
        return Finding(
            what="landing", state="warning", found=found, fix="octopipe history clean, or another landing.path"
        )
    return Finding(what="landing", state="ok", found=found)


def _landing_elsewhere(project: "Project") -> Finding:
    """Whether the landing zone's store answers, and lets itself be written to."""
    from octo_resources.objects import StoreError, open_store

    settings = project.spec.landing
    try:
        store = open_store(project.secrets.reveal(settings.path), settings.endpoint)
        key = f"{store.prefix}.octopipe-doctor"
        store.write(key, b"doctor")
        store.delete([key])
    except (StoreError, OctopipeError) as error:
        fix = error.hint or "Look at landing: in octopipe.yaml."
        return Finding(what="landing", state="broken", found=redact(error.message), fix=fix)
    return Finding(what="landing", state="ok", found=store.address)


def _dagster(project: "Project") -> Finding:
    import os

    home = os.environ.get("DAGSTER_HOME")
    folder = Path(home) if home else project.root
    if (folder / "dagster.yaml").is_file():
        return Finding(what="Dagster", state="ok", found=f"settings in {folder / 'dagster.yaml'}")
    fix = "Copy dagster.yaml and workspace.yaml from a folder that `octopipe new` made; without, history is lost."
    return Finding(what="Dagster", state="warning", found=f"no dagster.yaml in {folder}", fix=fix)


def _pipeline(project: "Project", name: str, seen: dict[str, Finding]) -> Iterator[Finding]:
    try:
        pipeline = project.pipeline(name)
    except SpecError as error:
        count = len(error.mistakes)
        found = f"{count} mistake{'' if count == 1 else 's'}, first: {error.mistakes[0]}"
        yield Finding(what=name, state="broken", found=redact(found), fix=f"octopipe check {name}")
        return
    except OctopipeError as error:
        yield Finding(what=name, state="broken", found=redact(error.message), fix=error.hint)
        return
    missing = list(_secrets(project, pipeline))
    yield from missing
    yield from _model(pipeline)
    if not missing:
        yield from _spark(project, pipeline, seen)
        yield from _topics(project, pipeline)
        yield _destination(project, pipeline, seen)


def _secrets(project: "Project", pipeline: "Pipeline") -> Iterator[Finding]:
    """The secrets that the pipeline refers to and that are not there."""
    text = pipeline.spec.model_dump_json(by_alias=True)
    for store, name in dict.fromkeys(project.secrets.references(text)):
        try:
            project.secrets.get(store, name)
        except OctopipeError as error:
            what = f"{pipeline.name}: secret {store}/{name}"
            yield Finding(what=what, state="broken", found=error.message, fix=error.hint)


def _model(pipeline: "Pipeline") -> Iterator[Finding]:
    """Whether the pipeline's language model could be asked; nothing is asked here, as it might cost."""
    from importlib.util import find_spec

    from octo_resources.llm import access

    asked = access(pipeline)
    if asked.settings.model is None:
        return
    what = f"{pipeline.name}: language model"
    if asked.why_not is not None:
        fix = "Set the key, or leave `llm` out: the embedded matcher proposes then."
        yield Finding(what=what, state="warning", found=asked.why_not, fix=fix)
    elif find_spec("instructor") is None:
        yield Finding(what=what, state="broken", found="instructor is not installed", fix="pip install octopipe[llm]")
    else:
        yield Finding(what=what, state="ok", found=f"{asked.settings.model}, share: {asked.share}")


def _spark(project: "Project", pipeline: "Pipeline", seen: dict[str, Finding]) -> Iterator[Finding]:
    """Whether the Spark that a pipeline may run on is there and its executors fit; each is asked once."""
    from octo_resources.engines.choice import place

    engine = pipeline.engine
    if engine.kind == "duckdb" or (engine.kind == "auto" and place(engine) is None):
        return
    from octo_resources.engines.spark.doctor import examine

    what = f"{pipeline.name}: Spark"
    address = f"spark {engine.model_dump_json()}"
    if address not in seen:
        state, found, fix = examine(engine, project.secrets.reveal)
        seen[address] = Finding(what=what, state=state, found=redact(found), fix=fix)
    yield seen[address].model_copy(update={"what": what})


def _topics(project: "Project", pipeline: "Pipeline") -> Iterator[Finding]:
    """Whether the brokers of Kafka sources answer and the topics are there."""
    for name, spec in pipeline.spec.sources.items():
        if spec.kind != "kafka":
            continue
        from octo_resources.kafka.client import client_settings
        from octo_resources.kafka.cluster import Cluster

        what = f"{pipeline.name}: topics of {name}"
        try:
            with Cluster(client_settings(spec, project)) as cluster:
                topics = cluster.topics(spec.topic)
        except OctopipeError as error:
            yield Finding(what=what, state="broken", found=redact(error.message), fix=error.hint)
            continue
        found = ", ".join(f"{one.name} ({len(one.partitions)})" for one in topics[:10])
        if topics:
            yield Finding(what=what, state="ok", found=f"topics (and their partitions): {found}")
        else:
            fix = "Look at the pattern; octopipe kafka topics lists what there is."
            yield Finding(what=what, state="warning", found=f"no topic fits {', '.join(spec.topic)}", fix=fix)


def _destination(project: "Project", pipeline: "Pipeline", seen: dict[str, Finding]) -> Finding:
    """Whether the destination answers and has the state tables; each address is asked once."""
    from octo_resources.destinations import connect

    target = pipeline.destination
    what = f"{pipeline.name}: destination"
    address = f"{target.url} {target.state_schema}"
    if address in seen:
        return seen[address].model_copy(update={"what": what})
    try:
        destination = connect(target, project.secrets)
        version, prepared = destination.version(), destination.prepared()
    except OctopipeError as error:
        fix = error.hint or "See that it runs, and that destination.url is right."
        finding = Finding(what=what, state="broken", found=redact(error.message), fix=fix)
    else:
        finding = Finding(
            what=what, state="ok", found=f"{target.kind} {version}, state tables in {target.state_schema}"
        )
        if not prepared:
            found = f"{target.kind} {version}, without state tables in {target.state_schema}"
            fix = f"octopipe destination prepare {pipeline.name}   (or --sql, for a DBA)"
            finding = Finding(what=what, state="broken", found=found, fix=fix)
    seen[address] = finding
    return finding
