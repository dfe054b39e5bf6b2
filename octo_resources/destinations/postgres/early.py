"""Moves what tasks brought while other tasks still bring: server and cluster then work at the same time.

It is done on trust: an attempt says by itself that it committed, and the driver learns only at the end which attempts
count. So it happens under a savepoint, and where a loser was moved, or a row was refused, all of it is taken back.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Final, Self

from octo_resources.destinations.names import quoted
from octo_resources.destinations.postgres.depot import PostgresLedge
from octo_resources.destinations.postgres.session import Refused, Session
from octo_resources.engines.protocol import Brought

_EVERY: Final = 0.1
"""Seconds between two looks for what tasks have committed."""
_SAVEPOINT: Final = "octo_early"


class Early:
    """The moves of one table. Use it as a context manager around the tasks; nobody else uses the session meanwhile.

    `statement` gives the SQL that moves the rows of one place; it has to write as many rows as there are.
    """

    def __init__(self, session: Session, ledge: PostgresLedge, number: int, statement: Callable[[str], str]) -> None:
        self._session, self._ledge, self._number, self._statement = session, ledge, number, statement
        self._moved: dict[str, int] = {}
        self._error: BaseException | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="octopipe-early", daemon=True)

    def __enter__(self) -> Self:
        self._session.run(f"SAVEPOINT {_SAVEPOINT}")
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        if kind is not None:
            self._session.cancel()  # nothing of it is wanted any more
        self._thread.join()

    def finish(self, brought: Sequence[Brought]) -> int | None:
        """Move what is left of what counts; gives the rows moved, or None, with nothing moved, where it went wrong.

        Raises Refused for what no row is to blame for.
        """
        try:
            if self._error is not None:
                raise self._error
            wanted = {one.place: one.rows for one in brought if one.rows}
            right = all(wanted.get(place) == rows for place, rows in self._moved.items())
            for place in wanted if right else ():
                if place not in self._moved:
                    self._move(place)
            right = right and self._moved == wanted
        except Refused as error:
            if not error.rows_fault:
                raise
            right = False
        if right:
            self._session.run(f"RELEASE SAVEPOINT {_SAVEPOINT}")
            return sum(self._moved.values())
        self._session.run(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
        return None

    def _look(self) -> None:
        try:
            while not self._over.wait(_EVERY):
                for place, kept in self._ledge.kept(self._session, self._number).items():
                    if kept.rows and place not in self._moved and not self._over.is_set():
                        self._move(place)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the tasks' end is waited for
            self._error = error

    def _move(self, place: str) -> None:
        self._moved[place] = self._session.run(self._statement(f"{quoted(self._ledge.schema)}.{quoted(place)}"))
