"""What is kept from one micro-batch to the next: a connection to the destination, and what the engine has learned."""

from types import TracebackType
from typing import TYPE_CHECKING

from octo_core.spec.pipeline import Destination
from octo_resources.destinations import Reveals, connect
from octo_resources.engines.duckdb.remembered import Remembered

if TYPE_CHECKING:
    from octo_resources.destinations.postgres import PostgresDestination


class Held:
    """For the loads of one pipeline, one after the other, for the length of a `with`."""

    def __init__(self) -> None:
        self.engine = Remembered()
        self._known: tuple[Destination, PostgresDestination] | None = None

    def __enter__(self) -> "Held":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.engine.close()
        self._give_up()

    def destination(self, spec: Destination, secrets: Reveals) -> "PostgresDestination":
        """The destination that `spec` describes; the same as before while that says the same."""
        if self._known is None or self._known[0] != spec:
            self._give_up()
            self._known = spec, connect(spec, secrets).keeping()
        return self._known[1]

    def _give_up(self) -> None:
        known, self._known = self._known, None
        if known is not None:
            known[1].close()
