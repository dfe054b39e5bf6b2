"""Which offer feeds which column: the matcher's scores, what names, keys and lists say against or for a pair, and
the assignment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from octo_core.mapping import references
from octo_core.mapping.assembled import is_full_name, is_of_a_person, is_of_a_thing, is_part_of_a_name
from octo_core.mapping.audit import audit_expression
from octo_core.mapping.matching import MARGIN, assign
from octo_core.mapping.remembered import SURE, recalled
from octo_core.mapping.scoring import Scores, product, score
from octo_core.mapping.sides import BEFORE, Sides
from octo_core.mapping.sureness import Choice, chosen
from octo_core.mapping.valuemaps import map_values
from octo_core.mapping.words import words
from octo_core.mapping.writing import Writer
from octo_core.types import TIMESTAMP

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REUSE: Final = 0.6
"""From this score on a field may feed a second column."""
LIST_TO_LIST: Final = 0.4
"""What a list of values that pairs whole with a column's counts, where no name says so."""
LEFT_OVER: Final = 0.5
"""What a pair counts at the most that is likely only because its rivals are gone."""
MAX_LISTED: Final = 30
_ROUNDS: Final = 12


def pair(sides: Sides, writer: Writer) -> tuple[dict[int, Choice], Scores]:
    """Assign one to one, drop what cannot be written, assign again; then let strong fields feed a second column."""
    import numpy as np

    attributes = [offer.attribute for offer in sides.offers]
    method = product()
    scores = score(attributes, sides.targets, method)
    if sides.remembered:
        known = recalled(
            scores.score,
            attributes,
            sides.targets,
            sides.remembered,
            source_name=sides.schema.source,
            method=method,
        )
        scores = scores.with_score(known)
    matrix = scores.score * np.array([offer.factor for offer in sides.offers])[:, None]
    _keep_what_was_said(sides, matrix)
    _reserve(sides, matrix)
    references.prefer_left(sides, matrix)
    references.prefer_named(sides, matrix)
    references.reserve_own(sides, matrix)
    references.reserve_keys(sides, matrix)
    references.prefer_keys(sides, matrix)
    references.prefer_elements(sides, matrix)
    assigned: list[int | None] = []
    for _ in range(_ROUNDS):
        assigned = assign(matrix)
        impossible = [
            (row, column)
            for row, column in enumerate(assigned)
            if column is not None and writer.write(row, column) is None
        ]
        for row, column in impossible:
            matrix[row, column] = 0.0
        if not impossible:
            break
    taken = {column: row for row, column in enumerate(assigned) if column is not None and writer.write(row, column)}
    references.pair_keys(sides, writer, matrix, taken)
    references.pair_parents(sides, writer, matrix, taken)
    _pair_lists(sides, writer, matrix, taken)
    _pair_required(sides, writer, matrix, taken)
    again = _reuse(sides, writer, matrix, taken)
    fed = {**taken, **again}
    choices = {
        column: chosen(sides, writer, matrix, fed, column, column in again, _twins(sides, writer, matrix, fed, column))
        for column in fed
    }
    return {column: choice for column, choice in choices.items() if choice is not None}, scores


def _keep_what_was_said(sides: Sides, matrix: NDArray[np.float64]) -> None:
    """What a column was made of before feeds that column, and no other."""
    for row, offer in enumerate(sides.offers):
        if offer.expressions is not None and offer.expressions[0].note == BEFORE:
            position = sides.positions[offer.attribute.name]
            matrix[row] = 0.0
            matrix[row, position] = SURE


def _reserve(sides: Sides, matrix: NDArray[np.float64]) -> None:
    """Columns that the load fills take only a field of very much the same name; instants no local parts; a part of
    a name not the whole of it; a text no whole record of a joined source.
    """
    parted = {path for offer in sides.offers if is_part_of_a_name(offer.attribute.name) for path in offer.uses}
    whole_names = [
        row
        for row, offer in enumerate(sides.offers)
        if offer.is_full_name
        or (offer.expressions is None and offer.uses[0] in parted and not is_part_of_a_name(offer.uses[0]))
    ]
    joined = [row for row, offer in enumerate(sides.offers) if offer.is_full_name]
    single = [row for row, offer in enumerate(sides.offers) if is_part_of_a_name(offer.attribute.name)]
    titled = [row for row, offer in enumerate(sides.offers) if words(offer.uses[0])[-1:] == ("title",)]
    parts = sum(is_part_of_a_name(column.name) for column in sides.columns) > 1
    local = [row for row, offer in enumerate(sides.offers) if offer.expressions and offer.attribute.type == TIMESTAMP]
    records = [row for path in sides.joined if (row := sides.row(path)) is not None]
    for position, column in enumerate(sides.columns):
        if column.type.kind not in ("json", "record"):
            matrix[records, position] = 0.0
        if column.type.kind == "timestamptz":
            matrix[local, position] = 0.0
        if is_part_of_a_name(column.name):
            matrix[whole_names, position] = 0.0
        elif is_of_a_person(column.name):
            matrix[titled, position] = 0.0
            matrix[single, position] *= not joined
        elif is_of_a_thing(column.name) or (parts and not is_full_name(column.name)):
            matrix[joined, position] = 0.0
        if audit_expression(column) is not None:
            matrix[:, position] *= matrix[:, position] >= 0.9


def _pair_lists(sides: Sides, writer: Writer, matrix: NDArray[np.float64], taken: dict[int, int]) -> None:
    """A column's list of values and the field whose every value has its own place in it, where both are left over
    and each is the only one for the other: D and C for debit and credit. To be looked at.
    """
    free = [column for column, target in enumerate(sides.targets) if target.closed and column not in taken]
    rows = [n for n, offer in enumerate(sides.offers) if offer.expressions is None and n not in taken.values()]
    fits = {
        (row, column): quality
        for column in free
        for row in rows
        if (quality := _list_fit(sides, row, column)) and writer.write(row, column) is not None
    }
    for (row, column), quality in fits.items():
        rivals = [one for pair, one in fits.items() if pair != (row, column) and (pair[0] == row or pair[1] == column)]
        if all(one < quality for one in rivals):
            matrix[row, column] = max(matrix[row, column], LIST_TO_LIST)
            taken[column] = row


def _pair_required(sides: Sides, writer: Writer, matrix: NDArray[np.float64], taken: dict[int, int]) -> None:
    """Columns that have to be fed and the fields that are left over, scored again without the rivals that went
    elsewhere or cannot be written there: where one is likely enough then, to be looked at.
    """
    columns = [
        n for n, one in enumerate(sides.columns) if one.required and n not in taken and audit_expression(one) is None
    ]
    rows = [n for n, one in enumerate(sides.offers) if one.expressions is None and n not in taken.values()]
    if not columns or not rows:
        return
    found = score([sides.offers[row].attribute for row in rows], [sides.targets[n] for n in columns], product()).score
    for place, row in enumerate(rows):
        for position, column in enumerate(columns):
            if matrix[row, column] == 0 or writer.write(row, column) is None:
                found[place, position] = 0.0
    for place, chosen_place in enumerate(assign(found)):
        if chosen_place is not None:
            row, column = rows[place], columns[chosen_place]
            matrix[row, column] = max(matrix[row, column], min(float(found[place, chosen_place]), LEFT_OVER))
            taken[column] = row


def _list_fit(sides: Sides, row: int, column: int) -> float:
    """How well a field's few values pair with a column's list, one to one; 0 where any value is left over."""
    values, members = sides.offers[row].attribute.values, sides.targets[column].values
    if not sides.offers[row].attribute.closed or not 2 <= len(values) <= len(members) <= MAX_LISTED:
        return 0.0
    found = map_values(values, members)
    each = {member for _, member in found.pairs}
    return found.quality if len(each) == len(found.pairs) == len(values) and not found.guess else 0.0


def _reuse(sides: Sides, writer: Writer, matrix: NDArray[np.float64], taken: Mapping[int, int]) -> dict[int, int]:
    """Columns that nothing feeds and the offer that feeds another one too; no two of a key by the same."""
    found = {}
    key = {place for name in sides.table.primary_key if (place := sides.positions.get(name)) is not None}
    for column in range(len(sides.columns)):
        if column not in taken:
            best = int(matrix[:, column].argmax())
            twice = column in key and any(taken.get(other) == best for other in key)
            if matrix[best, column] >= REUSE and not twice and writer.write(best, column) is not None:
                found[column] = best
    return found


def _twins(
    sides: Sides, writer: Writer, matrix: NDArray[np.float64], fed: Mapping[int, int], column: int
) -> tuple[str, ...]:
    """The columns that a column's field would feed just as well, in the same way, and that have no other field."""
    row = fed[column]
    mine = writer.write(row, column)
    found = []
    for other, name in enumerate(sides.columns):
        near = other != column and matrix[row, other] > matrix[row, column] - MARGIN and fed.get(other, row) == row
        if near and mine is not None and (way := writer.write(row, other)) is not None and way.expr == mine.expr:
            found.append(name.name)
    return tuple(found)
