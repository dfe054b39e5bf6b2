"""What a table asks of each row by itself: nullness, lengths, ranges, casts, and CHECKs in the catalog's own text."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from octo_core.catalog import Check, Column
from octo_resources.destinations.names import literal, quoted
from octo_resources.destinations.postgres.session import Refused
from octo_resources.destinations.postgres.stage import Rule, Stage
from octo_resources.destinations.postgres.staging import Staged

_SOFT_CASTS: Final = 160000
"""pg_input_is_valid is of 16 and later."""
_BITS: Final = {"smallint": 16, "integer": 32, "bigint": 64}
_NUMERIC: Final = re.compile(r"numeric\((\d+),(-?\d+)\)")
_FINE: Final = re.compile(r"(?:time|timestamp|interval).*\([0-5]\).*")
_BIT_STRING: Final = re.compile(r"bit( varying)?\((\d+)\)")
_CUT_LISTS: Final = frozenset({"name[]", '"char"[]'})
_TEXTS: Final = re.compile(r"text|name|character|citext|.*\.citext")


def raw_rules(columns: Sequence[Staged], key: Sequence[str], version: str | None = None) -> list[Rule]:
    """The rules that the staged values can be asked before any cast."""
    rules: list[Rule] = []
    for staged in columns:
        name, raw = staged.column.name, staged.raw
        if name in key:
            rules.append(Rule(name, f"key column {name} is null", f"{raw} IS NULL", of_key=True))
        elif not staged.column.nullable:
            rules.append(Rule(name, "null in a column that takes none", f"{raw} IS NULL"))
        own = name in key or name == version
        rules += [Rule(name, reason, broken, f"{raw}::text", own) for reason, broken in _cast_rules(staged)]
    return rules


def _cast_rules(staged: Staged) -> Iterator[tuple[str, str]]:
    raw, base, stage = staged.raw, staged.base, staged.stage
    bits, length = _BITS.get(base), staged.column.max_length
    if bits and _BITS.get(stage, 0) > bits:
        yield f"out of range for {base}", f"{raw} NOT BETWEEN {-(2 ** (bits - 1))} AND {2 ** (bits - 1) - 1}"
    if (match := _NUMERIC.fullmatch(base)) and stage != base:
        precision, scale = int(match.group(1)), int(match.group(2))
        exact = f"{raw}::numeric"
        yield f"more than {scale} digits after the point", f"{exact} <> round({exact}, {scale})"
        yield f"too large for {base}", f"abs({exact}) >= 1e{precision - scale}::numeric"
    if length is not None and stage == "text":
        measured = f"rtrim({raw}, ' ')" if base.startswith("character(") else raw
        yield f"longer than {length} characters", f"char_length({measured}) > {length}"
    if staged.column.enum is not None and stage == "text":
        labels = ", ".join(map(literal, staged.column.enum))
        yield f"not one of {', '.join(staged.column.enum[:10])}", f"{raw} NOT IN ({labels})"
    if _FINE.fullmatch(base):
        yield f"finer than {base}", f"{raw}::text <> ({raw}::{base})::{stage}::text"
    if stage == "text":
        yield from _cut_rules(base, raw)
    if base.endswith("[]") and ("(" in base or base in _CUT_LISTS):
        yield f"an element does not fit {base}", f"{raw} IS DISTINCT FROM ({raw}::{base})::{stage}"


def _cut_rules(base: str, raw: str) -> Iterator[tuple[str, str]]:
    """What a cast from text to these types cuts, fills up or rounds without a word."""
    if match := _BIT_STRING.fullmatch(base):
        digits = f"CASE WHEN {raw} ~* '^x' THEN 4 * (char_length({raw}) - 1) ELSE char_length(ltrim({raw}, 'bB')) END"
        varying, length = match.groups()
        yield f"{'longer than' if varying else 'not'} {length} bits", f"{digits} {'>' if varying else '<>'} {length}"
    elif base == "name":
        yield "longer than 63 bytes", f"octet_length({raw}) > 63"
    elif base == '"char"':
        yield "longer than 1 byte", f"octet_length({raw}) > 1 AND {raw} !~ '^[\\\\][0-3][0-7][0-7]$'"
    elif base == "money":
        exact = f"({raw})::numeric"
        off = f"abs({exact} - ({raw}::money)::numeric)"
        guarded = f"CASE WHEN {raw} ~ '^[-+]?[0-9]{{1,15}}[.][0-9]+$' THEN {off} ELSE 0 END"
        yield "finer than money", f"{guarded} > 0 AND {guarded} < 1"


def lossy(columns: Sequence[Staged]) -> bool:
    """Whether an INSERT of the staged values might change one in silence, so that they have to be looked at first."""
    return any(True for staged in columns for _ in _cast_rules(staged))


def reject_uncastable(stage: Stage, server: int, judged: Collection[str] = ()) -> None:
    """Set aside the rows whose text is no value of the column's type (uuid, jsonb, inet, ranges …).

    `judged`: the columns of which a tombstone's value has to hold too.
    """
    columns = [staged for staged in stage.columns if _parsed(staged)]
    if not columns:
        return
    probe = f"SELECT {', '.join(f'count({staged.plain})' for staged in columns)} FROM {stage.name} s"
    try:
        with stage.session.savepoint():
            stage.session.rows(probe)
        return
    except Refused as error:
        if not error.rows_fault:
            raise
    if server >= _SOFT_CASTS and _rejected_softly(stage, columns, judged):
        return
    for staged in columns:
        one = f"SELECT count({staged.plain}) FROM {stage.name} s WHERE "
        for number, _ in list(stage.isolate(partial(_ask, stage, one))):
            stage.reject_numbered(number, staged.column.name, _invalid(staged), f"{staged.raw}::text")


def _ask(stage: Stage, query: str, where: str) -> None:
    stage.session.rows(query + where)


def _rejected_softly(stage: Stage, columns: Sequence[Staged], judged: Collection[str]) -> bool:
    """By pg_input_is_valid; False where a type's own reader does not know how to say no without an error."""
    rules = [
        Rule(
            staged.column.name,
            _invalid(staged),
            f"NOT pg_input_is_valid({staged.raw}::text, {literal(staged.base)})",
            f"{staged.raw}::text",
            staged.column.name in judged,
        )
        for staged in columns
    ]
    try:
        with stage.session.savepoint():
            stage.reject(rules)
    except Refused as error:
        if not error.rows_fault:
            raise
        return False
    return True


def _parsed(staged: Staged) -> bool:
    """Whether PostgreSQL has to read the value from text, and might not be able to."""
    text = staged.stage in ("text", "text[]")
    return text and staged.column.enum is None and not _TEXTS.match(staged.base)


def _invalid(staged: Staged) -> str:
    return f"not a valid {staged.base}"


def check_rules(stage: Stage, checks: Iterable[Check]) -> list[Rule]:
    """The CHECKs that speak of written columns only; the rest is left to the table itself and to bisection."""
    return [
        Rule(
            check.columns[0] if len(check.columns) == 1 else None,
            f"breaks the check {check.name}: {check.sql}",
            f"(SELECT ({check.sql}) IS FALSE FROM {_row_of(stage, check.columns)})",
            stage.by_name[check.columns[0]].raw + "::text" if len(check.columns) == 1 else "NULL",
        )
        for check in checks
        if check.columns and all(name in stage.by_name for name in check.columns)
    ]


def _row_of(stage: Stage, columns: Iterable[str]) -> str:
    """The staged row as one of the table, with these columns under their own names."""
    values = ", ".join(f"{stage.by_name[name].plain} AS {quoted(name)}" for name in columns)
    return f"(SELECT {values}) AS {quoted(stage.table.table_name)}"


def reject_breaking_checks(stage: Stage, checks: Sequence[Check]) -> None:
    """Set aside the rows that break a CHECK. One that cannot be evaluated is left to the table itself."""
    rules = check_rules(stage, checks)
    try:
        with stage.session.savepoint():
            stage.reject(rules)
    except Refused:
        for rule in rules:
            _reject_by_itself(stage, rule)


def _reject_by_itself(stage: Stage, rule: Rule) -> None:
    try:
        with stage.session.savepoint():
            stage.reject([rule])
    except Refused:
        return  # e.g. it divides by zero, or calls what the role may not: the INSERT will say, row by row


def mentions(sql: str, column: Column) -> bool:
    """Whether a piece of catalog SQL may speak of the column (it may say so falsely, never miss it)."""
    return re.search(rf'(?<![\w"]){re.escape(column.name)}(?![\w"])|{re.escape(quoted(column.name))}', sql) is not None
