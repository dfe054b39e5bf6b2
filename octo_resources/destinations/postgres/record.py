"""Writes a load down in the state tables, inside the load's own transaction."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from octo_core.errors import DestinationError, LedgerMismatch
from octo_core.ledger import TableLedger
from octo_resources.destinations.names import literal, quoted
from octo_resources.destinations.postgres import state
from octo_resources.destinations.postgres.session import Refused, Session
from octo_resources.destinations.writing import LoadRecord, Move, WriteOutcome

Value = str | int | float | list[str] | datetime
_UNIQUE: Final = "23505"
_COUNTS = (
    "read", "inserted", "updated", "unchanged", "deduplicated", "filtered", "quarantined", "tombstoned",
    "soft_deleted", "removed", "seconds",
)  # fmt: skip


class Recorder:
    """The state of one pipeline's load."""

    def __init__(self, schema: str, load_id: str, pipeline: str, fingerprint: str) -> None:
        self._schema = schema
        self._place = quoted(schema)
        self._load_id = load_id
        self._pipeline = pipeline
        self._fingerprint = fingerprint

    def require(self, session: Session) -> None:
        """Raises DestinationError where the state tables are missing or of another version."""
        there = session.value(f"SELECT to_regclass({literal(self._place + '.version')}) IS NOT NULL")
        if not there:
            raise state.not_prepared(self._schema)
        found = session.value(f"SELECT max(version) FROM {self._place}.version")
        if found != state.VERSION:
            raise state.other_version(self._schema, found)

    def known_batches(
        self, session: Session, source: str, table: str, among: Collection[str] | None = None
    ) -> frozenset[str]:
        pipeline, source, table = map(literal, (self._pipeline, source, table))
        place = f"pipeline = {pipeline} AND source = {source} AND table_name = {table}"
        if among is not None:  # a stream has tens of thousands of them a day
            place += f" AND batch_id IN ({', '.join(map(literal, among))})" if among else " AND false"
        return frozenset(row[0] for row in session.rows(f"SELECT batch_id FROM {self._place}.batches WHERE {place}"))

    def positions(self, session: Session) -> dict[tuple[str, str], state.Position]:
        query = f"SELECT source, table_name, position::text, epoch FROM {self._place}.positions"
        rows = session.rows(f"{query} WHERE pipeline = {literal(self._pipeline)}")
        return {(source, table): state.Position(json.loads(value), epoch) for source, table, value, epoch in rows}

    def write(self, session: Session, record: LoadRecord, outcomes: Mapping[str, WriteOutcome]) -> None:
        """Everything of the record; raises LedgerMismatch where it differs from what was written."""
        for name, outcome in outcomes.items():
            _agree(name, record.ledgers.get(name), outcome, record.passed_over.get(name, 0))
        self._load(session, record)
        for name, ledger in record.ledgers.items():
            self._ledger(session, name, ledger, record)
        for batch in record.batches:
            self._batch(session, batch.source, batch.table, batch.batch)
        for move in record.moves:
            self._move(session, move)
        for table, row_id in record.replayed:
            self._insert(session, "replays", pipeline=self._pipeline, table_name=table, row_id=row_id)

    def _load(self, session: Session, record: LoadRecord) -> None:
        batches = list(dict.fromkeys(batch.batch for batch in record.batches))
        self._insert(
            session,
            "loads",
            pipeline=self._pipeline,
            fingerprint=self._fingerprint,
            batches=batches,
            status=record.status,
            started=record.started,
        )

    def _ledger(self, session: Session, name: str, ledger: TableLedger, record: LoadRecord) -> None:
        if not ledger.balanced:
            message = f"{ledger.read} rows were read, {ledger.accounted} are accounted for; it was rolled back"
            raise LedgerMismatch(message, where=name)
        file = record.quarantine.get(name)
        if ledger.quarantined and file is None:
            raise LedgerMismatch(f"{ledger.quarantined} rows were set aside and no file holds them", where=name)
        counts: dict[str, Value] = {key: getattr(ledger, key) for key in _COUNTS}
        files: dict[str, Value] = {"quarantine_file": file.path, "quarantine_sha256": file.sha256} if file else {}
        self._insert(session, "ledger", table_name=name, **counts, **files)

    def _batch(self, session: Session, source: str, table: str, batch: str) -> None:
        try:
            self._insert(session, "batches", pipeline=self._pipeline, source=source, table_name=table, batch_id=batch)
        except Refused as error:
            if error.state != _UNIQUE:
                raise
            hint = "nothing was loaded twice; it was rolled back"
            raise DestinationError(f"batch {batch} of {source} is loaded already", where=table, hint=hint) from error

    def _move(self, session: Session, move: Move) -> None:
        """Compare-and-set on the epoch: it must hit exactly one row."""
        value = f"{literal(json.dumps(dict(move.to), ensure_ascii=False, sort_keys=True))}::jsonb"
        pipeline, source, table, load_id = map(literal, (self._pipeline, move.source, move.table, self._load_id))
        if move.seen_epoch == 0:
            moved = session.run(
                f"INSERT INTO {self._place}.positions (pipeline, source, table_name, position, epoch, load_id) "
                f"VALUES ({pipeline}, {source}, {table}, {value}, 1, {load_id}) ON CONFLICT DO NOTHING"
            )
        else:
            moved = session.run(
                f"UPDATE {self._place}.positions SET position = {value}, epoch = epoch + 1, load_id = {load_id}, "
                f"moved = clock_timestamp() WHERE pipeline = {pipeline} AND source = {source} "
                f"AND table_name = {table} AND epoch = {int(move.seen_epoch)}"
            )
        if moved != 1:
            message = f"the position of {move.source} was moved by another load since epoch {move.seen_epoch}"
            hint = "it was rolled back; run it again"
            raise DestinationError(message, where=move.table, hint=hint, retryable=True)

    def _insert(self, session: Session, table: str, **values: Value) -> None:
        given = {"load_id": self._load_id, **values}
        places = ", ".join(["%s"] * len(given))
        session.run(f"INSERT INTO {self._place}.{table} ({', '.join(given)}) VALUES ({places})", *given.values())


def _agree(name: str, ledger: TableLedger | None, outcome: WriteOutcome, passed_over: int) -> None:
    """The ledger's counts of what the destination did are the destination's own."""
    if ledger is None:
        raise LedgerMismatch("rows were written and no ledger says so", where=name)
    for key in ("inserted", "updated", "unchanged", "tombstoned", "soft_deleted", "removed"):
        own = getattr(outcome, key) + (passed_over if key == "tombstoned" else 0)
        if getattr(ledger, key) != own:
            message = f"the ledger says {getattr(ledger, key)} {key}, the destination {own}"
            raise LedgerMismatch(message, where=name)
