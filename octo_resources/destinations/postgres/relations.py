"""What a table asks of rows together: one row a key, unique constraints, and parents that have to be there."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from octo_core.catalog import Column, ForeignKey, Table, Unique
from octo_core.deletes import TOMBSTONE
from octo_resources.destinations.names import parse_name, quoted, quoted_table
from octo_resources.destinations.postgres.rules import mentions
from octo_resources.destinations.postgres.session import Refused
from octo_resources.destinations.postgres.stage import Rule, Stage
from octo_resources.destinations.writing import WriteJob

_NO_RIGHT: Final = "42501"


def deduplicate(stage: Stage, job: WriteJob) -> int:
    """Keep of each key the row with the newest version, else the last read; gives how many were dropped."""
    if not job.key:
        return 0
    key = ", ".join(stage.by_name[name].plain for name in job.key)
    twice = f"SELECT EXISTS (SELECT FROM {stage.name} s GROUP BY {key} HAVING count(*) > 1)"
    if not stage.session.value(twice):
        return 0
    newest = f"{stage.by_name[job.version].plain} DESC NULLS LAST, " if job.version else ""
    places = (
        f"SELECT s.ctid AS id, row_number() OVER (PARTITION BY {key} ORDER BY {newest}s._row DESC, s.ctid DESC) "
        f"AS place FROM {stage.name} s"
    )
    if job.version and stage.tombstones:
        places = _places(stage, job, job.version)
    return stage.session.run(f"DELETE FROM {stage.name} s USING ({places}) d WHERE s.ctid = d.id AND d.place > 1")


def _places(stage: Stage, job: WriteJob, version: str) -> str:
    """The place of each row among those of its key where tombstones may come without a version.

    Kafka's have no value at all: such a one is as new as the newest row that was read before it.
    """
    keys = [stage.by_name[name].plain for name in job.key]
    named, names = (
        ", ".join(f"{one} AS k{n}" for n, one in enumerate(keys)),
        ", ".join(f"k{n}" for n in range(len(keys))),
    )
    own = stage.by_name[version].plain
    before = f"max({own}) OVER (PARTITION BY {', '.join(keys)} ORDER BY s._row, s.ctid)"
    ranked = f"CASE WHEN s.{TOMBSTONE} AND {own} IS NULL THEN {before} ELSE {own} END AS version"
    return (
        f"SELECT id, row_number() OVER (PARTITION BY {names} ORDER BY version DESC NULLS LAST, octo_row DESC, id DESC) "
        f"AS place FROM (SELECT s.ctid AS id, s._row AS octo_row, {named}, {ranked} FROM {stage.name} s) r"
    )


def drop_older(stage: Stage, job: WriteJob) -> int:
    """Drop the rows whose version is older than what is loaded: of two rows with one key the newer wins."""
    if not job.version:
        return 0
    theirs, ours = f"t.{quoted(job.version)}", stage.by_name[job.version].plain
    older = f"{ours} IS NULL OR {ours} < {theirs}"
    if job.deletes is not None and job.deletes.mark is not None and not job.deletes.absence:
        # A tombstone often has the version of the row that it takes away: that row, read again, must not bring it back.
        older += f" OR ({ours} = {theirs} AND {marked(job.deletes.mark)})"
    return stage.session.run(
        f"DELETE FROM {stage.name} s USING {stage.target} t WHERE {stage.key_equal(job.key)} "
        f"AND {theirs} IS NOT NULL AND ({older})"
    )


def marked(mark: Column, alias: str = "t") -> str:
    """SQL of `the destination's row is marked as gone`."""
    place = f"{alias}.{quoted(mark.name)}"
    return f"{place} IS TRUE" if mark.type.kind == "boolean" else f"{place} IS NOT NULL"


def reject_known_keys(stage: Stage, key: Sequence[str]) -> None:
    """For `append`: set aside the rows whose key is in the table already."""
    reason = f"key {', '.join(key)} is there already in {stage.table.name}"
    there = f"EXISTS (SELECT FROM {stage.target} t WHERE {stage.key_equal(key)})"
    stage.reject([Rule(key[0] if len(key) == 1 else None, reason, there, stage.key_text(key))])


def key_is_unique(table: Table, key: Collection[str]) -> bool:
    """Whether the table itself keeps at most one row a key."""
    plain = [unique.columns for unique in table.uniques if unique.where is None and unique.expression is None]
    return any(columns and set(columns) <= set(key) for columns in (table.primary_key, *plain))


def ambiguous_keys(stage: Stage, key: Sequence[str]) -> int:
    """How many of the staged keys more than one row of the table has."""
    columns = ", ".join(f"t.{quoted(name)}" for name in key)
    return int(
        stage.session.value(
            f"SELECT count(*) FROM (SELECT 1 FROM {stage.target} t JOIN {stage.name} s ON {stage.key_equal(key)} "
            f"GROUP BY {columns} HAVING count(*) > 1) d"
        )
    )


def other_uniques(stage: Stage, job: WriteJob) -> list[Unique]:
    """The unique constraints, the key's own left out, that written columns alone decide."""
    table, own = stage.table, set(job.key)
    found = (
        [Unique(name=table.primary_key_name or "primary key", columns=table.primary_key)] if table.primary_key else []
    )
    decidable = []
    for unique in (*found, *table.uniques):
        if unique.expression is None and unique.where is None and set(unique.columns) == own:
            continue
        text = f"{unique.where or ''} {unique.expression or ''}"
        unwritten = [column for column in table.columns if column.name not in stage.by_name]
        if all(name in stage.by_name for name in unique.columns) and not any(mentions(text, one) for one in unwritten):
            decidable.append(unique)
    return decidable


def reject_not_unique(stage: Stage, job: WriteJob, unique: Unique, *, empty: bool) -> None:
    """Set aside the rows that share a unique value with an earlier row of the batch, or with another row of the table.

    An index over expressions that cannot be evaluated here is left to the table itself.
    """
    names = ", ".join(unique.columns) or (unique.expression or "")
    column = unique.columns[0] if len(unique.columns) == 1 else None
    value = f"{stage.by_name[column].raw}::text" if column else "NULL"
    reason = f"another row of the batch has the same {names} ({unique.name})"
    rules = [
        Rule(column, reason, _again(stage, unique), value)
    ]  # last: a row that the table refuses is in nobody's way
    if not empty and (job.key or job.write != "replace"):
        elsewhere = (
            _elsewhere_by_expression(stage, job, unique) if unique.expression else _elsewhere(stage, job, unique)
        )
        reason = f"another row of {stage.table.name} has the same {names} ({unique.name})"
        rules.insert(0, Rule(column, reason, elsewhere, value))
    for rule in rules:
        try:
            with stage.session.savepoint():
                stage.reject([rule])
        except Refused:
            if unique.expression is None and unique.where is None:
                raise


def _named(stage: Stage, extra: str) -> str:
    """The staged rows under the table's own column names, for the catalog's expressions."""
    ours = ", ".join(f"{staged.plain} AS {quoted(name)}" for name, staged in stage.by_name.items())
    return f"(SELECT {extra}, {ours} FROM {stage.name} s) AS {quoted(stage.table.table_name)}"


def _records(stage: Stage, unique: Unique) -> str:
    """id, _row and the unique value `u` of every staged row that the constraint looks at."""
    parts = unique.expression or ", ".join(map(quoted, unique.columns))
    where = f" WHERE {unique.where}" if unique.where else ""
    place = _named(stage, "s.ctid AS octo_id, s._row AS octo_row")
    rows = f"SELECT octo_id, octo_row, ROW({parts}) AS u FROM {place}{where}"
    return f"SELECT * FROM ({rows}) r WHERE u IS NOT NULL" if unique.nulls_distinct else rows


def _again(stage: Stage, unique: Unique) -> str:
    place = "row_number() OVER (PARTITION BY u ORDER BY octo_row, octo_id)"
    numbered = f"SELECT octo_id, {place} AS place FROM ({_records(stage, unique)}) m"
    return f"s.ctid IN (SELECT octo_id FROM ({numbered}) d WHERE place > 1)"


def _another(stage: Stage, job: WriteJob, alias: str) -> str:
    """SQL of `the table's row has another key, and this load does not remove it`."""
    if not job.key or job.write == "append":
        return "true"
    other = f"NOT ({stage.key_equal(job.key, alias)})"
    if job.write == "replace":
        pairs = " AND ".join(f"{alias}.{quoted(n)} = {_of(stage, n, 'k')}" for n in job.key)
        other += f" AND EXISTS (SELECT FROM {stage.name} k WHERE {pairs})"
    return other


def _elsewhere(stage: Stage, job: WriteJob, unique: Unique) -> str:
    equal = "=" if unique.nulls_distinct else "IS NOT DISTINCT FROM"
    same = " AND ".join(f"t.{quoted(name)} {equal} {stage.by_name[name].plain}" for name in unique.columns)
    there = f"EXISTS (SELECT FROM {stage.target} t WHERE {same} AND {_another(stage, job, 't')})"
    if unique.where is None:
        return there
    place = quoted(stage.table.table_name)
    within = f"SELECT octo_id FROM ({_records(stage, unique)}) m"
    there = there.replace(
        f"{stage.target} t WHERE", f"(SELECT * FROM {stage.target} AS {place} WHERE {unique.where}) t WHERE"
    )
    return f"s.ctid IN ({within}) AND {there}"


def _elsewhere_by_expression(stage: Stage, job: WriteJob, unique: Unique) -> str:
    where = f" WHERE {unique.where}" if unique.where else ""
    place = quoted(stage.table.table_name)
    theirs = f"SELECT {place}.*, ROW({unique.expression}) AS octo_u FROM {stage.target} AS {place}{where}"
    return (
        f"s.ctid IN (SELECT s.ctid FROM {stage.name} s JOIN ({_records(stage, unique)}) m ON m.octo_id = s.ctid "
        f"JOIN ({theirs}) t ON t.octo_u = m.u WHERE {_another(stage, job, 't')})"
    )


def reject_orphans(stage: Stage, keys: Sequence[ForeignKey], parents: Mapping[str, Stage]) -> None:
    """Set aside the rows whose parent is missing. A parent that the role may not read is left to PostgreSQL itself.

    The check of the foreign key itself locks the parents as their owner does, which no right of ours is needed for.
    `parents`: what is staged of other tables and counts as if it were there.
    """
    for key in keys:
        if all(name in stage.by_name for name in key.columns):
            rules = _orphan_rules(
                stage, key, stage if key.ref_table == stage.table.name else parents.get(key.ref_table)
            )
            try:
                while True:  # a row that is set aside is no parent any more
                    with stage.session.savepoint():
                        found = sum(stage.reject([rule]) for rule in rules)
                    if not found or key.ref_table != stage.table.name:
                        break
            except Refused as error:
                if error.state != _NO_RIGHT:
                    raise


def _orphan_rules(stage: Stage, key: ForeignKey, beside: Stage | None) -> list[Rule]:
    ours = [stage.by_name[name] for name in key.columns]
    parent = quoted_table(*parse_name(key.ref_table))
    pairs = list(zip(key.ref_columns, ours, strict=True))
    missing = (
        f"NOT EXISTS (SELECT FROM {parent} t WHERE {' AND '.join(f't.{quoted(n)} = {own.plain}' for n, own in pairs)})"
    )
    if beside is not None and all(name in beside.by_name for name in key.ref_columns):
        same = " AND ".join(f"{_of(beside, name, 'p')} = {own.plain}" for name, own in pairs)
        missing += f" AND NOT EXISTS (SELECT FROM {beside.name} p WHERE {same})"
    given = " AND ".join(f"{own.raw} IS NOT NULL" for own in ours)
    column = key.columns[0] if len(key.columns) == 1 else None
    value = f"{ours[0].raw}::text" if column else stage.key_text(key.columns)
    rules = [Rule(column, f"no such {', '.join(key.columns)} in {key.ref_table}", f"{given} AND {missing}", value)]
    if key.match == "FULL" and len(ours) > 1:
        any_given = " OR ".join(f"{own.raw} IS NOT NULL" for own in ours)
        reason = f"{', '.join(key.columns)} are null in part ({key.name} is MATCH FULL)"
        rules.append(Rule(None, reason, f"({any_given}) AND NOT ({given})", value))
    return rules


def _of(stage: Stage, column: str, alias: str) -> str:
    """The value expression of a column over another alias of the staging table."""
    staged = stage.by_name[column]
    return staged.plain.replace(staged.raw, f"{alias}.{staged.raw.partition('.')[2]}")
