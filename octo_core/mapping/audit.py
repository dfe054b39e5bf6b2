"""Columns that the load itself fills: when a row was loaded and by which load."""

import re
from typing import Final

from octo_core.catalog import Column
from octo_core.mapping.conversions import Candidate
from octo_core.mapping.words import words

_NAMES: Final = re.compile(
    r"_?(dw|dwh|etl|wh|sys|meta)?_?(row_)?(load(ed)?|ingest(ed|ion)?|etl|insert(ed)?_by_etl|updated_by_etl|imported)"
    r"_?(at|on|ts|time|timestamp|date|dt|datetime|dttm|utc)?_?(utc)?"
)
_LABELS: Final = re.compile(
    r"\b(when|time|date|timestamp|moment|instant)\b.*\b(row|record|line|data|it)?\b.*\b(loaded|load|ingested|imported|"
    r"inserted by|written by the (load|etl)|etl)\b|\b(load|ingestion|etl) (time|date|timestamp)\b|\bloaded (at|on)\b",
    re.IGNORECASE,
)
_PLACES: Final = re.compile(
    r"\b(un|re|pay|work|truck|over)?load(ed|ing)? (port|dock|factor|weight|capacity)\b|\bcargo\b", re.I
)
_INSERTED: Final = frozenset({"inserted_at", "insert_ts", "inserted_on", "insert_time", "inserted", "ingested_at"})


def audit_expression(column: Column) -> Candidate | None:
    """`load_time()` or `load_id()` where name or label say that the load fills it, with how sure that is; else None."""
    if not column.writable or column.default is not None:
        return None
    name = "_".join(words(column.name))
    text = " ".join(filter(None, (column.label.label if column.label else None, column.comment)))
    if _PLACES.search(text):
        return None
    if column.type.family in ("timestamp", "timestamptz", "date"):
        if _LABELS.search(text):
            return Candidate("load_time()", 0.95, f"its label says so: {text!r}: the time of the load")
        if _NAMES.fullmatch(name) or name in _INSERTED:
            return Candidate("load_time()", 0.85 if not text else 0.75, "its name says so: the time of the load")
    if name in ("load_id", "etl_load_id", "batch_id", "load_batch_id") and column.type.family in ("text", "uuid"):
        return Candidate("load_id()", 0.8, "its name says so: the id of the load")
    return None
