"""The project folder: the one place that reads configuration. What it says is in octo_core/spec."""

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from octo_core.errors import Mistake, SpecError, UsageError
from octo_core.spec.document import Document, Position, parse_document
from octo_core.spec.loading import Loaded, load_pipeline, load_project
from octo_core.spec.mapping_file import LoadedMapping, load_mapping
from octo_core.spec.names import canonical_table_name
from octo_core.spec.nearest import did_you_mean
from octo_core.spec.project import ProjectSpec
from octo_core.spec.rules import Surroundings
from octo_core.spec.substitution import Substitution
from octo_resources.pipeline import Pipeline
from octo_resources.redaction import remember_credentials
from octo_resources.secrets import Secrets

__all__ = ["PIPELINE_FILES", "PROJECT_FILE", "Pipeline", "Project"]

PROJECT_FILE = "octopipe.yaml"
PIPELINE_FILES = ("pipeline.yaml", "pipeline.json")
HOME_VARIABLE = "OCTOPIPE_HOME"
PROFILE_VARIABLE = "OCTOPIPE_PROFILE"


@dataclass(frozen=True)
class Project:
    """A project folder. Nothing is read before it is asked for; what was read is kept."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Environment variables, and below them what the folder's .env says."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """`--var k=v` of the command line, over `vars:` of the file."""

    @classmethod
    def find(cls, start: Path | None = None, variables: Mapping[str, str] | None = None) -> "Project":
        """$OCTOPIPE_HOME, else the nearest folder from `start` upward with pipelines/ or octopipe.yaml.

        Raises UsageError where there is none.
        """
        home = os.environ.get(HOME_VARIABLE)
        if home and start is None:
            return cls.at(home, variables)
        folder = (start or Path.cwd()).resolve()
        for candidate in (folder, *folder.parents):
            if (candidate / PROJECT_FILE).is_file() or (candidate / "pipelines").is_dir():
                return cls.at(candidate, variables)
        hint = f"Go into a project's folder, set {HOME_VARIABLE} to it, or make one: octopipe new DIR"
        raise UsageError(f"no Octopipe project in {folder} nor above it", hint=hint)

    @classmethod
    def at(cls, root: Path | str, variables: Mapping[str, str] | None = None) -> "Project":
        """The project in exactly this folder. Raises UsageError where there is no such folder."""
        folder = Path(root).expanduser().resolve()
        if not folder.is_dir():
            raise UsageError(f"the project folder {folder} is not there", hint="Make one: octopipe new DIR")
        return cls(folder, _environment(folder), dict(variables or {}))

    @property
    def state(self) -> Path:
        """Where all local state goes."""
        return self.root / ".octopipe"

    @property
    def landing_path(self) -> Path:
        """The folder of landed batches."""
        return self.root / self.spec.landing.path

    @property
    def registry_url(self) -> str:
        """`sqlite` (registry.db in the state folder), or a PostgreSQL URL with its secrets revealed."""
        return self.secrets.reveal(self.spec.registry)

    @cached_property
    def secrets(self) -> Secrets:
        return Secrets(self.environment)

    @property
    def spec(self) -> ProjectSpec:
        """octopipe.yaml with the profile of OCTOPIPE_PROFILE laid over it. Raises SpecError with all its mistakes."""
        return self.settings(self.environment.get(PROFILE_VARIABLE) or None)

    def settings(self, profile: str | None) -> ProjectSpec:
        """octopipe.yaml with one of its profiles laid over it. Raises SpecError, or UsageError for no such profile."""
        loaded = self._loaded(profile)
        if loaded.mistakes:
            raise SpecError(loaded.mistakes)
        return loaded.spec or ProjectSpec()

    def filled_in(self, text: str) -> str:
        """A value as a file's is used: references replaced, secrets revealed. Raises SpecError, UsageError."""
        substitution = self._substitution(self.spec.vars, self.variables)
        value = substitution(text, Position("the command line", 1, 1)) if "${" in text else text
        if substitution.mistakes:
            raise SpecError(substitution.mistakes)
        return self.secrets.reveal(str(value))

    def mistakes(self) -> tuple[Mistake, ...]:
        """What is wrong with octopipe.yaml itself."""
        return self._loaded(self.environment.get(PROFILE_VARIABLE) or None).mistakes

    def pipeline_names(self) -> list[str]:
        """The folders of pipelines/ that hold a pipeline file, in order."""
        folder = self.root / "pipelines"
        if not folder.is_dir():
            return []
        return sorted(child.name for child in folder.iterdir() if self.has_pipeline(child.name))

    def has_pipeline(self, name: str) -> bool:
        return any((self.root / "pipelines" / name / file).is_file() for file in PIPELINE_FILES)

    def pipeline(
        self,
        name: str,
        variables: Mapping[str, str] | None = None,
        *,
        text: str | None = None,
        mapping: str | None = None,
    ) -> Pipeline:
        """One pipeline with what belongs to it. Raises SpecError with all its mistakes, UsageError where it is not.

        `text` and `mapping` stand for what pipeline.yaml and mapping.yaml would say, also where there is no file yet.
        """
        found, mistakes = self.examined(name, variables, text=text, mapping=mapping)
        if mistakes or found is None:
            raise SpecError(mistakes)
        return found

    def examined(
        self,
        name: str,
        variables: Mapping[str, str] | None = None,
        *,
        text: str | None = None,
        mapping: str | None = None,
    ) -> tuple[Pipeline | None, list[Mistake]]:
        """One pipeline, or what is left of it without its mistakes (None: nothing), and the mistakes of its files.

        Raises UsageError where there is no such pipeline.
        """
        new = text is not None and not self.has_pipeline(name)
        file = self.root / "pipelines" / name / PIPELINE_FILES[0] if new else self.pipeline_file(name)
        overrides = {**self.variables, **(variables or {})}
        text = _read(file) if text is None else text
        project = self._loaded(self._profile_of(text, overrides))
        vars_ = project.spec.vars if project.spec else _entry(project.document.data, "vars")
        loaded = load_pipeline(
            text, self._shown(file), name, self._substitution(vars_, overrides), self._surroundings(file, project)
        )
        tables = _tables(loaded.document)
        mapped = self._mapping(file.parent / "mapping.yaml", mapping, tables, self._substitution(vars_, overrides))
        mistakes = [*project.mistakes, *self._two_files(file), *loaded.mistakes, *mapped.mistakes]
        spec = loaded.spec or loaded.partial
        if spec is None:
            return None, mistakes
        return Pipeline(
            self, name, file, spec, loaded.document, project.spec or ProjectSpec(), mapped.columns
        ), mistakes

    def _mapping(
        self, file: Path, text: str | None, tables: Collection[str], substitution: Substitution
    ) -> LoadedMapping:
        if not tables or (text is None and not file.is_file()):
            return LoadedMapping({}, ())  # without tables every line of the mapping would look wrong
        return load_mapping(_read(file) if text is None else text, self._shown(file), tables, substitution)

    def _two_files(self, file: Path) -> list[Mistake]:
        there = [self._shown(file.parent / name) for name in PIPELINE_FILES if (file.parent / name).is_file()]
        return [Mistake(there[1], 1, 1, f"{there[0]} is there as well; keep one of the two")] if len(there) > 1 else []

    def written(self, name: str) -> dict[str, Any]:
        """What a pipeline's file says at its top level, whatever may be wrong with it; references as they stand."""
        return _entry({"": parse_document(_read(self.pipeline_file(name)), "").data}, "")

    def pipeline_file(self, name: str) -> Path:
        """pipelines/<name>/pipeline.yaml or .json. Raises UsageError where there is none."""
        folder = self.root / "pipelines" / name
        if name and "/" not in name and name not in (".", ".."):
            for candidate in PIPELINE_FILES:
                if (folder / candidate).is_file():
                    return folder / candidate
        names = self.pipeline_names()
        hint = did_you_mean(name, names).strip() or f"Make it: octopipe init {name}"
        raise UsageError(f"there is no pipeline '{name}' in {self.root}", hint=hint)

    def _loaded(self, profile: str | None) -> Loaded:
        if profile not in self._files:
            self._files[profile] = self._load(profile)
        return self._files[profile]

    @cached_property
    def _files(self) -> dict[str | None, Loaded]:
        return {}

    def _load(self, profile: str | None) -> Loaded:
        path = self.root / PROJECT_FILE
        text = _read(path) if path.is_file() else ""
        written = parse_document(text, PROJECT_FILE).data if text else None
        profiles = _entry(written, "profiles")
        if profile is not None and profile not in profiles:
            hint = did_you_mean(profile, profiles).strip() or f"{PROJECT_FILE} has no profiles."
            raise UsageError(f"there is no profile '{profile}'", where=PROJECT_FILE, hint=hint)
        vars_ = {**_entry(written, "vars"), **(_entry(profiles.get(profile), "vars") if profile else {})}
        return load_project(text, PROJECT_FILE, self._substitution(vars_, self.variables, nested=True), profile)

    def _profile_of(self, text: str, overrides: Mapping[str, str]) -> str | None:
        """The profile that a pipeline asks for by `hosting`, else that of OCTOPIPE_PROFILE."""
        base = self.environment.get(PROFILE_VARIABLE) or None
        if "hosting" not in text:
            return base
        vars_ = _entry(self._loaded(base).document.data, "vars")
        hosting = _entry({"": parse_document(text, "", self._substitution(vars_, overrides)).data}, "").get("hosting")
        known = _entry(self._loaded(base).document.data, "profiles")
        return hosting if isinstance(hosting, str) and hosting in known else base

    def _substitution(
        self, variables: Mapping[str, Any], overrides: Mapping[str, str], *, nested: bool = False
    ) -> Substitution:
        return Substitution(
            self.environment, variables, overrides, lambda _, value: remember_credentials(value), nested=nested
        )

    def _surroundings(self, file: Path, project: Loaded) -> Surroundings:
        return Surroundings(
            pipelines=self.pipeline_names,
            has_pipeline=self.has_pipeline,
            profiles=tuple(_entry(project.document.data, "profiles")),
            names=project.spec.rules.names if project.spec else None,
            needs_of=self._needs_of,
            has_file=lambda name: _inside(file.parent, name).is_file(),
        )

    def _needs_of(self, name: str) -> Iterable[str]:
        """What another pipeline's file says it needs, whatever else may be wrong with it."""
        try:
            data = parse_document(_read(self.pipeline_file(name)), "").data
        except UsageError:
            return ()
        needs = data.get("needs") if isinstance(data, dict) else None
        return [needs] if isinstance(needs, str) else [need for need in needs or () if isinstance(need, str)]

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def _environment(folder: Path) -> Mapping[str, str]:
    """The process's environment over the folder's .env, which Dagster reads too."""
    file = folder / ".env"
    if not file.is_file():
        return dict(os.environ)
    from dotenv import dotenv_values  # 15 ms, and most folders have no .env

    return {**{key: value for key, value in dotenv_values(file).items() if value is not None}, **os.environ}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problem = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else f"cannot be read: {error.strerror}"
        raise UsageError(f"{path} {problem}") from None


def _entry(data: Any, key: str) -> dict[str, Any]:
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def _tables(document: Document) -> list[str]:
    """The canonical names of a file's tables, also where it is broken, so that its mapping can be read all the same."""
    names = []
    for written in _entry(document.data, "tables"):
        try:
            names.append(canonical_table_name(written))
        except ValueError:
            continue
    return names


def _inside(folder: Path, name: str) -> Path:
    """A file that a pipeline names; for one outside its folder the folder itself, which is no file."""
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) else folder
