"""What keys and references say of a pair: what identifies a record, an element of a list, or another table's row.

`reserve_…` takes pairs away, `prefer_…` makes them less likely, `pair_…` adds those of what is left over. All change
`matrix` (offer × column), the last also `taken` (column → offer).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from octo_core.mapping.sides import Sides
from octo_core.mapping.words import stem, words
from octo_core.mapping.writing import Writer
from octo_core.spec.shapes import INDEX, PARENT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KEY_TO_KEY: Final = 0.35
"""What a source's key counts for a table's, where no name says so."""
PARENT_TO_REFERENCE: Final = 0.5
"""What an element's own identity (its record's key, its position) counts for that of a row, where no name says so."""
NEARLY: Final = 0.75
"""From this share of another's score on a source's key goes before it for a table's key."""
DAMPED: Final = 0.7
"""What is left of the score of what is the less likely by its place."""
SAME_NAME: Final = 0.95
"""From this score on a name is the column's own."""
_IDENTIFIER: Final = frozenset({"id", "uuid", "guid", "gid", "oid", "key", "pk"})
"""What a record calls its own identity, without a word for what it is."""
_BARE: Final = frozenset(map(stem, {*_IDENTIFIER, "code", "no", "nr", "number", "num", "ref", "reference"}))
HARDLY: Final = 0.5
"""What is left of the score of what is another source's by its name."""


def prefer_left(sides: Sides, matrix: NDArray[np.float64]) -> None:
    """Of two fields that a join says to be equal the left source's, since the other is null where nothing matches."""
    for there, here in sides.equal.items():
        row, left = sides.row(there), sides.row(here)
        if row is not None and left is not None:
            matrix[left] = matrix[[row, left]].max(axis=0)
            matrix[row] = 0.0


def prefer_named(sides: Sides, matrix: NDArray[np.float64]) -> None:
    """Of two fields that a joined source and the left one call alike: the joined one's where the column says whose it
    is, as customer_created_at does, else the left one's.
    """
    for row, offer in enumerate(sides.offers):
        alias = next((one for one in sides.joined if offer.uses[0].startswith(f"{one}.")), None)
        left = sides.row(offer.uses[0].removeprefix(f"{alias}.")) if alias is not None else None
        if alias is None or left is None or offer.expressions is not None:
            continue
        whose = {stem(word) for word in words(alias)}
        for position, column in enumerate(sides.columns):
            says = bool(whose & {stem(word) for word in words(column.name)})
            matrix[left if says else row, position] *= DAMPED


def reserve_own(sides: Sides, matrix: NDArray[np.float64]) -> None:
    """A bare `id` or `no` is hardly what a column calls by the name of another source: customers.id no invoice_id."""
    own = {stem(word) for word in words(sides.schema.source)}
    others = {stem(word) for name in sides.beside.sources for word in words(name)} - own - _BARE
    bare = [
        row
        for row, one in enumerate(sides.offers)
        if one.expressions is None and {stem(word) for word in words(one.uses[0])} <= _BARE
    ]
    for position, column in enumerate(sides.columns):
        if others & {stem(word) for word in words(column.name)}:
            matrix[bare, position] *= HARDLY


def reserve_keys(sides: Sides, matrix: NDArray[np.float64]) -> None:
    """Of a list's elements: the `id` of the element, or of something else in it, is no reference to the table of
    its record; and what identifies the record, which its elements share, does not identify one of them.
    """
    above, refer, key = _above(sides), _refers(sides), sides.table.primary_key
    if not above:
        return
    for name in refer:
        if len(refer) == 1 and (name not in key or len(key) > 1) and name in sides.positions:
            matrix[_other_identities(sides, above, name), sides.positions[name]] = 0.0
    own = [name for name in key if name not in refer and name in sides.positions]
    if len(key) == 1 or len(own) < len(key):
        for name in own:
            column = sides.positions[name]
            shared = _of_the_record(sides)
            named = [
                row for row in shared if matrix[row, column] >= SAME_NAME and sides.offers[row].uses[0] not in above
            ]
            matrix[[row for row in shared if row not in named], column] = 0.0


def prefer_keys(sides: Sides, matrix: NDArray[np.float64]) -> None:
    """What identifies a record goes before what repeats, where both are nearly as like what identifies a row."""
    column = sides.positions.get(sides.table.primary_key[0]) if len(sides.table.primary_key) == 1 else None
    own = [row for row, offer in enumerate(sides.offers) if len(offer.uses) == 1 and offer.uses == sides.schema.key]
    if column is None or sides.table.primary_key[0] in _refers(sides) or not own:
        return
    repeats = [row for row, one in enumerate(sides.offers) if (one.attribute.distinct or 1.0) < 1 and row not in own]
    like = matrix[own, column].max()
    for row in repeats:
        if like >= NEARLY * matrix[row, column]:
            matrix[row, column] *= DAMPED


def prefer_elements(sides: Sides, matrix: NDArray[np.float64]) -> None:
    """Of a list's elements: what their record has, and they share, feeds a column of their own less surely than
    what they have themselves, where its name is not the column's.
    """
    above = _of_the_record(sides)
    own = [row for row, one in enumerate(sides.offers) if row not in above and one.uses != (INDEX,)]
    keys = {name for key in sides.table.foreign_keys for name in key.columns} | set(sides.table.primary_key)
    if not above or not own:
        return
    for name, column in sides.positions.items():
        if name not in keys and matrix[own, column].max() > 0:
            guessed = [row for row in above if matrix[row, column] < SAME_NAME]
            matrix[guessed, column] *= DAMPED


def pair_keys(sides: Sides, writer: Writer, matrix: NDArray[np.float64], taken: dict[int, int]) -> None:
    """What identifies a record feeds what identifies a row, where one field of each is left over: to be looked at."""
    if len(sides.table.primary_key) != len(sides.schema.key):
        return
    places = [sides.positions[name] for name in sides.table.primary_key if name in sides.positions]
    free = [column for column in places if column not in taken and sides.columns[column].required]
    rows = [row for path in sides.schema.key if (row := sides.row(path)) is not None and row not in taken.values()]
    if len(free) == len(rows) == 1 and writer.write(rows[0], free[0]) is not None:
        matrix[rows[0], free[0]] = max(matrix[rows[0], free[0]], KEY_TO_KEY)
        taken[free[0]] = rows[0]


def pair_parents(sides: Sides, writer: Writer, matrix: NDArray[np.float64], taken: dict[int, int]) -> None:
    """What identifies an element of a list feeds what identifies a row, where nothing else does: the key of the
    record that the list is in the column that refers to another table, the position the rest of the key.
    """
    above, refer = _above(sides), _refers(sides)
    if len(above) != 1:
        return
    _pair_one(sides, writer, matrix, taken, above[0], refer)
    numbers = [name for name in sides.table.primary_key if _is_integer(sides, name) and name not in refer]
    _pair_one(sides, writer, matrix, taken, INDEX, numbers)


def _of_the_record(sides: Sides) -> list[int]:
    """The offers that a list's elements share, as they are their record's."""
    return [row for row, one in enumerate(sides.offers) if all(path.startswith(f"{PARENT}.") for path in one.uses)]


def _above(sides: Sides) -> list[str]:
    """What identifies the record that a list is in, where the rows are its elements."""
    return [path for path in sides.schema.key if path.startswith(f"{PARENT}.") and not path.endswith(INDEX)]


def _refers(sides: Sides) -> list[str]:
    """The columns that refer to another table by themselves."""
    return [key.columns[0] for key in sides.table.foreign_keys if len(key.columns) == 1]


def _other_identities(sides: Sides, above: Sequence[str], column: str) -> list[int]:
    """The offers called `id` and the like that no word of the column's says to be meant."""
    found = []
    for row, offer in enumerate(sides.offers):
        *inside, last = offer.uses[0].removeprefix(f"{PARENT}.").split(".")
        called = offer.expressions is None and set(words(last)) <= _IDENTIFIER and offer.uses[0] not in above
        if called and not set(words(" ".join(inside))) & set(words(column)):
            found.append(row)
    return found


def _pair_one(
    sides: Sides, writer: Writer, matrix: NDArray[np.float64], taken: dict[int, int], path: str, names: Sequence[str]
) -> None:
    """A field feeds the one of these columns that nothing feeds yet, where there is just one."""
    free = [column for name in names if (column := sides.positions.get(name)) is not None and column not in taken]
    rows = [n for n, offer in enumerate(sides.offers) if offer.uses == (path,) and offer.expressions is None]
    if len(free) == 1 and rows and writer.write(rows[0], free[0]) is not None:
        matrix[rows[0], free[0]] = max(matrix[rows[0], free[0]], PARENT_TO_REFERENCE)
        taken[free[0]] = rows[0]


def _is_integer(sides: Sides, name: str) -> bool:
    column = sides.table.column(name)
    return column is not None and column.type.is_integer and column.required
