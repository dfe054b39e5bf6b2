"""Where rows are written: one folder a kind. `connect` opens what a pipeline's `destination:` says."""

from typing import TYPE_CHECKING, Protocol

from octo_core.errors import NotSupportedYet
from octo_core.spec.pipeline import Destination

if TYPE_CHECKING:
    from octo_resources.destinations.postgres import PostgresDestination


class Reveals(Protocol):
    """What turns `${secret:…}` references into their values; `octo_resources.secrets.Secrets` does."""

    def reveal(self, text: str) -> str: ...


def connect(spec: Destination, secrets: Reveals | None = None) -> "PostgresDestination":
    """The destination that `spec` describes; nothing is opened before it is used.

    Raises UsageError for an unusable URL and NotSupportedYet for kinds other than `postgres`.
    """
    if spec.kind != "postgres":
        raise NotSupportedYet(f"destinations of kind {spec.kind} are not supported yet", hint="use kind: postgres")
    from octo_resources.destinations.postgres import PostgresDestination

    def revealed(url: str | None) -> str | None:
        return secrets.reveal(url) if secrets and url else url

    return PostgresDestination.from_url(
        revealed(spec.url) or "", state_schema=spec.state_schema, direct_url=revealed(spec.direct_url)
    )
