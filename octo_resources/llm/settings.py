"""Whether a pipeline has a model to ask, and the door to it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from octo_core.errors import UsageError
from octo_core.spec.llm import LlmSettings, Share
from octo_resources.llm.provider import KEY_VARIABLES, KEYLESS
from octo_resources.redaction import remember

if TYPE_CHECKING:
    from octo_resources.llm.door import Door
    from octo_resources.llm.silence import Silences
    from octo_resources.pipeline import Pipeline
    from octo_resources.registry import Registry


@dataclass(frozen=True)
class Access:
    """What a pipeline's settings come to. `why_not`: the reason why no model is asked, where there is one to say."""

    settings: LlmSettings
    key: str | None = None
    why_not: str | None = None

    @property
    def share(self) -> Share:
        return self.settings.share or "statistics"

    @property
    def asks(self) -> bool:
        """Whether a model is asked at all."""
        return self.settings.model is not None and self.why_not is None


def access(pipeline: "Pipeline") -> Access:
    """The pipeline's `llm` over octopipe.yaml's, with the key revealed. A missing key is a reason, not an error."""
    settings = pipeline.llm
    if settings.model is None:
        return Access(settings)
    if settings.share == "none":
        return Access(settings, why_not="llm.share is none: nothing may leave")
    provider = settings.model.partition("/")[0]
    secrets = pipeline.project.secrets
    if settings.key is not None:
        try:
            key = secrets.reveal(settings.key)
        except UsageError as error:
            return Access(settings, why_not=f"there is no key for {settings.model}: {error.message}")
        return _with_key(settings, key, "llm.key")
    variable = KEY_VARIABLES.get(provider)
    if provider in KEYLESS or (settings.base_url is not None and variable not in pipeline.project.environment):
        return Access(settings)
    if variable is None or not pipeline.project.environment.get(variable):
        names = f"llm.key or {variable}" if variable else "llm.key"
        return Access(settings, why_not=f"there is no key for {settings.model}: set {names}")
    return _with_key(settings, secrets.get("env", variable), variable)


def _with_key(settings: LlmSettings, said: str, name: str) -> Access:
    """With a key as a header can carry it: without the line's end that a file leaves."""
    key = said.strip()
    if not key or not key.isascii() or not key.isprintable():
        wrong = "is empty" if not key else "holds characters that no key has"
        return Access(settings, why_not=f"there is no key for {settings.model}: {name} {wrong}")
    remember(key)  # it may stand in the file itself, or in the data
    return Access(settings, key=key)


def door(pipeline: "Pipeline", registry: "Registry", found: Access, silences: "Silences") -> "Door":
    """The door of a pipeline whose access says that it `asks`. `silences`: of the command or run that asks."""
    from octo_resources.llm.door import Door
    from octo_resources.llm.silence import silence_of

    return Door(pipeline.name, found, registry.llm_calls, silence_of(found, silences))
