"""Drift: whether a source still keeps its contract, what a pipeline does when not, and what changed, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final, Literal

from octo_core.schema import Field, Frozen, SourceSchema
from octo_core.spec.pipeline import DriftPolicy

FAILURE_SHARE: Final = 0.05
MIN_ROWS: Final = 100
"""A field drifts when its contract fails in more than 5 % of at least 100 rows …"""
PRESENCE_SHARE: Final = 0.01
"""… or when a field is new or missing in more than 1 % of the rows. Below that they are quarantined and counted."""
OF_LOADS: Final = 4
OF_SCHEMAS: Final = 2
"""Standard deviations by which an optional key may be rarer than before: of a load's rows, of which one load in thirty
thousand has more by chance; and of the rows that its schema was made of, which were drawn but once."""

Action = Literal["ask", "stop", "ignore"]


@dataclass(frozen=True, slots=True)
class FieldCounts:
    """What a pass over the rows counted of one field: rows read, rows without it, values that fail its contract."""

    rows: int
    missing: int = 0
    contract_failures: int = 0


class FieldDrift(Frozen):
    """One field that drifted: in `rows` of `of` rows."""

    field: str
    rows: int
    of: int
    message: str


class Drift(Frozen):
    """What drifted, and what changed too little to be drift (`warnings`, in words)."""

    new: tuple[FieldDrift, ...] = ()
    missing: tuple[FieldDrift, ...] = ()
    changed: tuple[FieldDrift, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def drifted(self) -> bool:
        return bool(self.new or self.missing or self.changed)

    @property
    def messages(self) -> tuple[str, ...]:
        """Every drift in words, the gravest kind first."""
        return tuple(entry.message for entry in (*self.missing, *self.changed, *self.new))


class DriftDecision(Frozen):
    """What to do: the strictest action that the policy has for what drifted, and the messages that call for it."""

    action: Action
    messages: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def detect(
    contract: SourceSchema,
    seen: Mapping[str, FieldCounts],
    new_fields: Mapping[str, int],
    total: int,
    *,
    now: SourceSchema | None = None,
    least: int = 0,
) -> Drift:
    """Compare counts of `total` rows with the contract.

    `seen`: per field of the contract; a field that is not there was not looked at (a plan needs not read it) and
    cannot drift. `new_fields`: keys that the contract does not know, with the rows that have them. `now`: the schema
    that inference sees in the new data; with it, messages name the new type. `least`: the rows that shares are taken of
    at least, so that one odd row among few is no drift; words tell the rows that there are.
    """
    new: list[FieldDrift] = []
    missing: list[FieldDrift] = []
    changed: list[FieldDrift] = []
    warnings: list[str] = []
    for name, rows in sorted(new_fields.items()):
        entry = FieldDrift(field=name, rows=rows, of=total, message=_new_message(name, rows, total, now))
        if rows > PRESENCE_SHARE * max(total, least):
            new.append(entry)
        else:
            warnings.append(
                f"source field {name} is new in {_of(rows, total)} and is not loaded; it stays in the payload"
            )
    for field in contract.fields:
        counts = seen.get(field.name)
        if counts is None or not counts.rows:
            continue
        usual = _usual(field)
        beyond = counts.missing - usual * counts.rows
        if beyond > _chance(field, counts.rows):
            message = f"source field {field.name} is missing in {_of(counts.missing, counts.rows)}"
            message += f" ({usual:.1%} before)".replace("%", " %") if usual else ""
            if beyond > PRESENCE_SHARE * max(counts.rows, least):
                missing.append(FieldDrift(field=field.name, rows=counts.missing, of=counts.rows, message=message))
            else:
                warnings.append(message)
        if counts.contract_failures:
            _judge(field, counts, now, changed, warnings, least)
    return Drift(new=tuple(new), missing=tuple(missing), changed=tuple(changed), warnings=tuple(warnings))


def _usual(field: Field) -> float:
    """The share of rows without the field as its schema saw them: an optional key is no drift where it is left out as
    before."""
    stats = field.stats
    return stats.missing / stats.rows if stats and stats.rows else 0.0


def _chance(field: Field, rows: int) -> float:
    """How many more of `rows` may lack an optional field by chance alone. Of five items that a key is left out of half
    the time, all may have none."""
    usual, examined = _usual(field), field.stats.rows if field.stats else 0
    if not examined:
        return 0.0
    spread = sqrt(usual * (1 - usual))
    return OF_LOADS * spread * sqrt(rows) + OF_SCHEMAS * spread * rows / sqrt(examined)


def _judge(
    field: Field,
    counts: FieldCounts,
    now: SourceSchema | None,
    changed: list[FieldDrift],
    warnings: list[str],
    least: int,
) -> None:
    failed, rows = counts.contract_failures, counts.rows
    if max(rows, least) >= MIN_ROWS and failed > FAILURE_SHARE * max(rows, least):
        found = now.field(field.name) if now else None
        what = _changes(field, found) if found else ()
        message = (
            what[0] if what else f"source field {field.name} is no longer {_type(field)}: {_of(failed, rows)} fail"
        )
        changed.append(FieldDrift(field=field.name, rows=failed, of=rows, message=message))
    else:
        warnings.append(f"source field {field.name}: {_of(failed, rows)} are not {_type(field)} and are quarantined")


def apply(policy: DriftPolicy, drift: Drift) -> DriftDecision:
    """What the pipeline's policy says of what drifted: `stop` before `ask` before `ignore`."""
    asked = ((policy.missing_field, drift.missing), (policy.type_change, drift.changed), (policy.new_field, drift.new))
    for action in ("stop", "ask"):
        messages = tuple(entry.message for told, entries in asked if told == action for entry in entries)
        if messages:
            return DriftDecision(action=action, messages=messages, warnings=drift.warnings)
    return DriftDecision(action="ignore", messages=drift.messages, warnings=drift.warnings)


def compare(old: SourceSchema, new: SourceSchema) -> tuple[str, ...]:
    """What changed between two schemas of a source, one sentence each; empty where nothing that matters did.

    Ranges, counts and a wider or narrower integer are no changes: they are not part of what is approved.
    """
    said: list[str] = []
    for field in old.fields:
        found = new.field(field.name)
        said += [f"source field {field.name} is gone"] if found is None else _changes(field, found)
    known = {field.name for field in old.fields}
    said += [f"source field {field.name} is new: {_type(field)}" for field in new.fields if field.name not in known]
    if old.key != new.key:
        said.append(f"the key of {new.source} changed from {_list(old.key)} to {_list(new.key)}")
    return tuple(said)


def _changes(old: Field, new: Field, path: str = "") -> tuple[str, ...]:
    name = f"{path}{old.name}"
    if old.type.family != new.type.family:
        return (f"source field {name} changed from {_type(old)} to {_type(new)}",)
    said = [
        f"source field {name} changed its {what} from {before or 'none'} to {after or 'none'}"
        for what, before, after in (("format", old.format, new.format), ("unit", old.unit, new.unit))
        if before != after
    ]
    inner = "" if old.type.kind == "list" else "."
    for child in old.children:
        found = new.child(child.name)
        where = f"{name}{inner}"
        said += [f"source field {where}{child.name} is gone"] if found is None else _changes(child, found, where)
    known = {child.name for child in old.children}
    said += [
        f"source field {name}{inner}{child.name} is new: {_type(child)}"
        for child in new.children
        if child.name not in known
    ]
    return tuple(said)


def _new_message(name: str, rows: int, total: int, now: SourceSchema | None) -> str:
    field = now.field(name) if now else None
    return f"source field {name} is new{f': {_type(field)}' if field else ''}, in {_of(rows, total)}"


def _type(field: Field) -> str:
    """The type as people say it: its family."""
    return {"timestamptz": "timestamp with a zone"}.get(field.type.family, field.type.family)


def _of(rows: int, total: int) -> str:
    if rows == total > 1:
        return f"all {total:,} rows"
    share = 100 * rows / total if total else 0.0
    return f"{rows:,} of {total:,} rows ({share:.1f} %)" if share >= 0.1 else f"{rows:,} of {total:,} rows"


def _list(names: Sequence[str]) -> str:
    return f"({', '.join(names)})" if names else "none"
