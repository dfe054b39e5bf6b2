"""octopipe.yaml as a model: what a whole project says once. Everything in it is optional."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from octo_core.spec.llm import LlmSettings
from octo_core.spec.pipeline import Engine, EngineKind
from octo_core.spec.sources import Strict
from octo_core.spec.units import Duration, Size


class LandingSettings(Strict):
    path: str = ".octopipe/landing"
    """A folder, or `s3://bucket/prefix`."""
    endpoint: str | None = None
    """Of S3, where it is not Amazon's and AWS_ENDPOINT_URL does not say."""
    keep: Duration = Field(default="30 d", validate_default=True)
    max_bytes: Size = Field(default="50 GB", validate_default=True)


class NotifyRoute(Strict):
    to: str
    owner: str | None = None
    severity: Literal["info", "warning", "error"] = "error"


class Notify(Strict):
    routes: tuple[NotifyRoute, ...] = ()


def _engine(value: object) -> object:
    return {"kind": value} if isinstance(value, str) else value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from None
    return value


class Rules(Strict):
    names: Annotated[str, AfterValidator(_pattern)] | None = None
    """A regular expression that the name of every pipeline must match, from its beginning."""
    autostart: bool = False


class Profile(Strict):
    """Laid over the rest of the file by `hosting: NAME` or OCTOPIPE_PROFILE."""

    registry: str | None = None
    landing: LandingSettings | None = None
    engine: Annotated[Engine, BeforeValidator(_engine, json_schema_input_type=EngineKind | Engine)] | None = None
    vars: dict[str, Any] = Field(default_factory=dict)
    llm: LlmSettings | None = None
    notify: Notify | None = None
    rules: Rules | None = None


class ProjectSpec(Strict):
    registry: str = "sqlite"
    landing: LandingSettings = LandingSettings()
    vars: dict[str, Any] = Field(default_factory=dict)
    engine: Annotated[Engine, BeforeValidator(_engine, json_schema_input_type=EngineKind | Engine)] | None = None
    llm: LlmSettings = LlmSettings()
    notify: Notify = Notify()
    rules: Rules = Rules()
    profiles: dict[str, Profile] = Field(default_factory=dict)
