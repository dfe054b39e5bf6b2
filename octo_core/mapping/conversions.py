"""Ways to write one field into one column: as it is, converted from its unit, mapped value by value, rounded.

Gives texts of the expression language, the best first; whoever takes one parses it and checks that it can be assigned.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from octo_core.catalog import Column
from octo_core.inference.choose import rival_of
from octo_core.mapping import units
from octo_core.mapping.attribute import Attribute
from octo_core.mapping.codelists import paired
from octo_core.mapping.evidence import folded
from octo_core.mapping.opposites import contradiction, other_currency
from octo_core.mapping.spelling import boolean_codes, literal, value_map
from octo_core.mapping.valuemaps import ValueMap, map_values, truths
from octo_core.mapping.words import stem, words
from octo_core.schema import Field
from octo_core.types import INTEGER_BITS, DataType

_NOT_AVAILABLE: Final = ("NA", "N/A", "n/a", "NULL", "null", "#N/A", "-", "--")
MAX_MAPPED: Final = 60
_NAMED: Final = 12
"""Pairs of a value map that its note names."""
_WHOLE: Final = ("int16", "int32", "int64")
_KNOWN_AS_TEXT: Final = re.compile(
    r"(?:text|varchar|char|character|bpchar|\"char\"|name|citext|string|xml|inet|cidr|macaddr8?|money|bit|point|line|lseg|"
    r"box|path|polygon|circle|time|timetz|interval|oid|pg_lsn|jsonpath|tsvector|tsquery|\w+(?:range|multirange)|reg\w+|"
    r"hstore|ltree|lquery|isbn\d*|ean13|cube|semver|(?:[\w.]+\.)?(?:geometry|geography|vector|citext|hstore|ltree))"
    r"(?![\w.])"
)
"""Types that take the text in which their values are written everywhere."""
_CURRENCY: Final = ": the column is in whole units of a currency"
_SOME: Final = 0.4
"""Quality from which a value map is worth a look, as where two of three letters are initials of the column's words."""
_GUESSED: Final = 0.7
"""What a value map counts at most in which a pair is a guess: too little not to be doubtful."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One expression; `factor` of 0..1 multiplies the pair's confidence; `note` says in plain words what it does.

    `explains`: it is why both names differ, as `weight_lbs` and `weight_kg` do.
    """

    expr: str
    factor: float = 1.0
    note: str = ""
    explains: bool = False


@dataclass(frozen=True, slots=True)
class Ends:
    """Both ends of one pair: the field, its path, the column, and what the matcher knows of both."""

    field: Field
    path: str
    source: Attribute
    column: Column
    target: Attribute


def candidates(ends: Ends) -> list[Candidate]:
    """Every way there is, the best first; the field alone is among them, but for a list of records that is no text."""
    carried = [*_available(ends), *_shortened(ends), *_plain(ends), *_cast(ends)]
    found = [*_turned(ends), *_coded(ends), *_in_unit(ends), *_span(ends), *_dated(ends), *_doubted(ends, carried)]
    misread = _reading_doubt(ends.field)
    first: dict[str, Candidate] = {}
    for one in found:
        doubted = replace(one, factor=min(one.factor, _GUESSED), note="; ".join(filter(None, (one.note, misread))))
        first.setdefault(one.expr, doubted if misread else one)
    return list(first.values())


def _reading_doubt(field: Field) -> str | None:
    """What there is to say of dates that may have been read as others than were meant."""
    if (rival := rival_of(field)) is not None:
        return f"its days and months fit {rival} as well: nothing says which comes first, check it"
    if field.semantic == "birth_date" and "%y" in (field.format or ""):
        return "of its years only two digits are said: 00 to 68 are read as 2000 to 2068, check it"
    return None


def _plain(ends: Ends) -> Iterator[Candidate]:
    element = ends.field.type.element
    if element is not None and element.kind in ("record", "list") and ends.column.type.kind == "text":
        return  # such a list is another table's rows, seldom a text: `parcels` is no parcel_no
    if ends.field.type.kind == "record" and ends.column.type.kind == "text":
        yield Candidate(ends.path, 0.7, "the whole record, as JSON text")
    elif element is not None and ends.column.type.kind == "text":
        yield Candidate(ends.path, 0.6, "the whole list, as JSON text")
    elif _too_long(ends):
        note = f"values of up to {ends.source.length} characters are seen, the column holds {ends.column.max_length}"
        yield Candidate(ends.path, 0.6, note)
    else:
        yield Candidate(ends.path)


def _doubted(ends: Ends, carried: Iterable[Candidate]) -> Iterator[Candidate]:
    """The ways that leave the unit as it is, less sure where it may be another."""
    unit, codes, room, own = _unit_doubt(ends), _code_doubt(ends), _room_doubt(ends), _own_type_doubt(ends)
    against = _opposite_doubt(ends)
    for one in carried:
        notes = [note for note in (one.note, unit, codes, room, own, against) if note]
        factor = (0.68 if unit else 1.0) * (0.4 if codes else 1.0) * (0.6 if room else 1.0)
        factor *= (0.5 if own else 1.0) * (0.6 if against else 1.0)
        yield Candidate(one.expr, one.factor * factor, "; ".join(notes))


def _room_doubt(ends: Ends) -> str | None:
    """What there is to say where numbers were seen that the column has no room for."""
    kind, low, high = ends.column.type, ends.source.low, ends.source.high
    if not ends.field.type.is_numeric or low is None or high is None:
        return None
    if kind.kind == "decimal" and kind.precision is not None:
        room = 10 ** (kind.precision - (kind.scale or 0))
    elif kind.is_integer:
        room = 2 ** (INTEGER_BITS[kind.kind] - 1)
    else:
        return None
    most = high if high >= -low else low
    return f"values such as {most:g} do not fit {ends.column.native}" if abs(most) >= room else None


def _opposite_doubt(ends: Ends) -> str | None:
    """What there is to say where the names say the opposite of each other, or two currencies."""
    found = contradiction(ends.path, ends.column.name, of_truth=ends.column.type.kind == "boolean")
    if found is not None:
        return f"{found[0]} is the opposite of {found[1]}: check it"
    if not (ends.field.type.is_numeric and ends.column.type.is_numeric):
        return None
    given = f"{ends.path} {ends.field.unit or ''} {ends.source.text}"
    currencies = other_currency(given, f"{ends.column.name} {ends.target.unit or ''} {ends.target.text}")
    if currencies is None:
        return None
    return (
        f"the column is in {currencies[1].upper()} but the source in {currencies[0].upper()}: not converted, check it"
    )


def _turned(ends: Ends) -> Iterator[Candidate]:
    """The opposite of what a field says, for a boolean column whose name says the opposite."""
    if ends.column.type.kind != "boolean":
        return
    found = contradiction(ends.path, ends.column.name, of_truth=True)
    if found is None:
        return
    note = f"{found[0]} is the opposite of {found[1]}: turned round"
    if ends.field.type.kind == "boolean":
        yield Candidate(f"not {ends.path}", _GUESSED, note)
        return
    values = tuple(dict.fromkeys(ends.source.values))
    sides = truths(values) if ends.source.closed and len(values) <= MAX_MAPPED else None
    if sides is not None:
        pairs = tuple((value, "false" if side == "true" else "true") for value, side in sides.pairs)
        said = ", ".join(f"{value} = {side}" for value, side in pairs)
        yield Candidate(boolean_codes(ends.path, pairs), _GUESSED, f"{note}; values mapped: {said}")


def _own_type_doubt(ends: Ends) -> str | None:
    """What there is to say of a column whose type somebody made there: a composite type, above all."""
    column = ends.column
    if column.type.kind != "text" or column.enum or column.domain or _KNOWN_AS_TEXT.match(column.native):
        return None
    return f"{column.native} is a type made there, and takes a text that is written as it writes its values: check it"


def _code_doubt(ends: Ends) -> str | None:
    """What there is to say where the column takes some values only, and none of the field's is among them."""
    if not (ends.target.closed and ends.source.closed and ends.source.values and ends.target.values):
        return None
    if {folded(one) for one in ends.source.values} & {folded(one) for one in ends.target.values}:
        return None
    return f"none of its values is among those that the column takes ({', '.join(ends.target.values[:6])})"


def _coded(ends: Ends) -> Iterator[Candidate]:
    """Value maps for enums, CHECK lists and two-sided codes."""
    values = tuple(dict.fromkeys(ends.source.values))
    whole = ends.source.closed and len(values) <= MAX_MAPPED
    if ends.target.type is not None and ends.target.type.kind == "boolean" and ends.field.type.kind != "boolean":
        sides = truths(values, ends.source.shares) if whole or ends.source.shares else None
        sides = sides or (_sided(values, ends.column.name) if whole else None)
        if sides is not None:
            said = ", ".join(f"{left} = {right}" for left, right in sides.pairs)
            factor = 0.95 if whole and not sides.unmatched else 0.75
            rest = "" if whole and not sides.unmatched else "; other values go to quarantine"
            yield Candidate(boolean_codes(ends.path, sides.pairs), factor, f"values mapped: {said}{rest}")
        return
    found = _paired(ends, values) if ends.target.closed and values else None
    if found is None or not found.identical:
        yield from _listed(ends, values)
    if found is None:
        return
    if found.identical:
        yield Candidate(ends.path, 1.0, f"all its values are among the {len(ends.target.values)} that the column takes")
    elif found.pairs and whole and found.quality >= _SOME:
        said = ", ".join(f"{left} → {right}" for left, right in found.pairs if left != right)
        note = f"values mapped: {said}" if said else "values are those of the column"
        if found.unmatched:
            note += f"; no counterpart for {', '.join(map(repr, found.unmatched[:8]))}"
        if found.guess:
            note += f"; that {' is '.join(found.guess)} is a guess"
        factor = (0.6 + 0.4 * found.quality) * (0.8 if found.unmatched else 1.0)
        factor = min(factor, _GUESSED) if found.guess else factor
        yield Candidate(value_map(ends.path, found.pairs), factor, note)


def _sided(values: Sequence[str], column: str) -> ValueMap | None:
    """Two values of which one is what the column asks for and the other its opposite: paid and unpaid for is_paid."""
    if len(values) != 2 or contradiction(*values, of_truth=True) is None:
        return None
    asked = {stem(word) for word in words(column)}
    told = [value for value in values if {stem(word) for word in words(value)} & asked]
    if len(told) != 1:
        return None
    return ValueMap(tuple((value, "true" if value == told[0] else "false") for value in values), (), 0.9)


def _paired(ends: Ends, values: Sequence[str]) -> ValueMap:
    """Values with members; letters that the field's name explains, as S and H of `Soll/Haben`, by its words."""
    found = map_values(values, ends.target.values, ends.source.shares)
    said = {value: [word for word in words(ends.path) if word.startswith(value.casefold())] for value in values}
    if found.pairs or len(values) < 2 or any(len(value) != 1 or len(said[value]) != 1 for value in values):
        return found
    spelled = map_values([said[value][0] for value in values], ends.target.values)
    members = dict(spelled.pairs)
    pairs = tuple((value, members[said[value][0]]) for value in values if said[value][0] in members)
    return ValueMap(pairs, tuple(value for value in values if said[value][0] not in members), spelled.quality)


def _listed(ends: Ends, values: Sequence[str]) -> Iterator[Candidate]:
    """Value maps by a public list: names of countries to their codes, and back. What is unknown goes to quarantine."""
    if not ends.source.closed or ends.field.type.kind not in ("text", *_WHOLE) or ends.field.pii:
        return
    found = paired(values, ends.column, ends.target)
    if found is None or found.identical:
        return
    source = ends.path if ends.field.type.kind == "text" else f"cast({ends.path} as text)"
    for word in found.nothing:
        source = f"nullif({source}, {literal(word)})"
    changed = [f"{left} → {right}" for left, right in found.pairs if left != right]
    more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    note = f"values mapped, {found.said}: {', '.join(changed[:_NAMED])}{more}"
    if found.unmatched:
        note += f"; no counterpart for {', '.join(map(repr, found.unmatched[:8]))}"
    factor = 0.95 * len(found.pairs) / (len(found.pairs) + len(found.unmatched))
    mapped = value_map(source, found.pairs)
    yield Candidate(mapped, factor, note)
    if ends.column.type.kind != "text":
        yield Candidate(f"cast({mapped} as {ends.column.type})", factor, note)


def source_units(ends: Ends) -> tuple[units.Unit, ...]:
    """What the source says of its unit: declared, else in its name, else in its description."""
    return units.named(ends.field.unit) or units.in_name(ends.path) or units.in_text(ends.source.text)


def target_units(ends: Ends) -> tuple[units.Unit, ...]:
    """What the destination says of its unit: the label's, else in its name, else in its label or comment."""
    if ends.target.unit:
        return units.named(ends.target.unit)
    return units.in_name(ends.column.name) or units.in_text(ends.target.text)


def _in_unit(ends: Ends) -> Iterator[Candidate]:
    if not (ends.field.type.is_numeric and ends.column.type.is_numeric):
        return
    given, wanted = source_units(ends), target_units(ends)
    pair, factor, doubt = units.convertible(given, wanted), 0.97, ""
    said_by_both = pair is not None
    if pair is None and (assumed := _assumed(ends, given, wanted)) is not None:
        pair, doubt = assumed
        factor = 0.97 if doubt == _CURRENCY else 0.68
    if pair is None or pair[0] == pair[1]:
        return
    note = f"converted from {pair[0].plural} to {pair[1].plural}{doubt}"
    for one in _fitted(units.formula(ends.path, *pair), ends.column.type, note, factor):
        yield replace(one, explains=said_by_both or doubt == _CURRENCY)


def _span(ends: Ends) -> Iterator[Candidate]:
    """A number of seconds, minutes … as an interval."""
    kind = ends.field.type
    unit = next((one for one in source_units(ends) if one.dimension == "time"), None)
    if not kind.is_numeric or ends.column.type.kind != "interval" or unit is None:
        return
    seconds = units.formula(ends.path, unit, units.SECOND)
    if kind.family == "float":
        seconds = f"cast({seconds} as decimal(18, 6))"
    elif unit.factor < 1 or kind.kind == "decimal":
        seconds = f"round({seconds}, 6)"
    sign = f"case when {ends.path} < 0 then '-PT' else 'PT' end"
    text = f"parse_interval({sign} || cast(abs({seconds}) as text) || 'S', 'iso')"
    yield Candidate(text, 0.95, f"a number of {unit.plural} as an interval")


def _assumed(
    ends: Ends, given: Sequence[units.Unit], wanted: Sequence[units.Unit]
) -> tuple[tuple[units.Unit, units.Unit], str] | None:
    """(the units of both sides, why) where one side alone says a share or a scale, and the numbers bear it out."""
    low, high = ends.source.low, ends.source.high
    if not given and low is not None and high is not None and low >= 0:
        if units.PERCENT in wanted and 0 < high <= 1 and _decimals(ends):
            return (units.RATIO, units.PERCENT), f": its values lie between {low:g} and {high:g}"
        if units.RATIO in wanted and 1 < high <= 100:
            return (units.PERCENT, units.RATIO), f": its values go up to {high:g}"
    if not wanted and units.PERCENT in given and (ends.target.low, ends.target.high) == (0, 1):
        return (units.PERCENT, units.RATIO), ": the column takes 0 to 1"
    kind = ends.column.type
    room = 10 ** ((kind.precision or 0) - (kind.scale or 0)) if kind.kind == "decimal" and kind.precision else None
    if not wanted and units.PERCENT in given and room is not None and high is not None and room <= high <= 100:
        return (units.PERCENT, units.RATIO), f": {high:g} would not fit the column"
    for one in given:
        if one.dimension == "scale" and not wanted:
            if _in_currency(ends):
                return (one, units.ONES), _CURRENCY
            if not _whole_cents(ends, one):
                return (one, units.ONES), ": the column says no other scale"
    for two in wanted:
        if two.dimension == "scale" and not given:
            return (units.ONES, two), ": the source says no other scale"
    return None


def _in_currency(ends: Ends) -> bool:
    """Whether the column says that it is in euros, dollars …: one that says cents too has a unit already."""
    return units.in_currency(ends.target.unit, ends.target.text, ends.column.name)


def _whole_cents(ends: Ends, unit: units.Unit) -> bool:
    """Whether a column of whole numbers, that says no scale, may well hold the source's cents as they are."""
    return unit == units.CENT and ends.column.type.is_integer


def _fitted(text: str, kind: DataType, note: str, factor: float) -> Iterator[Candidate]:
    """A computed number in the decimals of its column; `round` takes exact numbers, a cast also floats."""
    if kind.kind == "decimal":
        said = f"{note}, rounded to {kind.scale} decimal{'' if kind.scale == 1 else 's'}"
        yield Candidate(f"round({text}, {kind.scale})", factor, said)
        yield Candidate(f"cast({text} as {kind})", factor, said)
    elif kind.is_integer:
        said = f"{note}, rounded to a whole number"
        yield Candidate(f"round({text}, 0)", factor, said)
        yield Candidate(f"cast({text} as decimal(18, 0))", factor, said)
        yield Candidate(f"cast(cast({text} as decimal(18, 0)) as {kind})", factor, said)
    yield Candidate(text, factor, note)


def _unit_doubt(ends: Ends) -> str | None:
    """A sentence where the destination states a unit and the source does not, or another that cannot be converted."""
    if not (ends.field.type.is_numeric and ends.column.type.is_numeric):
        return None
    wanted, given = target_units(ends), source_units(ends)
    if not wanted and any(_whole_cents(ends, one) for one in given) and not _in_currency(ends):
        return "the source is in cents and nothing says whether the column is too: not converted, check it"
    if not wanted or units.convertible(given, wanted):
        return None
    name = wanted[0].plural
    if given:
        return f"the column is in {name} but the source in {given[0].plural}, which cannot be converted"
    if wanted[0].dimension in ("angle", "ratio", "scale"):
        return None
    return f"the column is in {name} and nothing says what unit the source has: not converted, check it"


def _dated(ends: Ends) -> Iterator[Candidate]:
    """Between dates, times of day, timestamps with and without a zone."""
    path, pair = ends.path, (ends.field.type.kind, ends.column.type.kind)
    assumed = "the source does not say whose local time it is: UTC is assumed"
    ways: dict[tuple[str, str], tuple[str, float, str]] = {
        ("timestamp", "date"): (f"date_of({path})", 0.9, "the date of a timestamp"),
        ("timestamptz", "date"): (f"date_of(at_zone({path}, 'UTC'))", 0.85, "the date, in UTC, of an instant"),
        ("timestamp", "time"): (f"time_of({path})", 0.85, "the time of day of a timestamp"),
        ("timestamptz", "time"): (f"time_of(at_zone({path}, 'UTC'))", 0.75, "the time of day, in UTC, of an instant"),
        ("timestamptz", "timestamp"): (f"at_zone({path}, 'UTC')", 0.9, "written as local time of UTC"),
        ("timestamp", "timestamptz"): (f"at_zone({path}, 'UTC')", 0.65, assumed),
        ("date", "timestamptz"): (f"at_zone(cast({path} as timestamp), 'UTC')", 0.55, f"midnight; {assumed}"),
        ("date", "timestamp"): (f"cast({path} as timestamp)", 0.85, "midnight of the date"),
    }
    if pair in ways:
        yield Candidate(*ways[pair])
    elif ends.field.type.is_integer and ends.column.type.kind == "date" and (ends.source.low or 0) >= 19_000_101:
        text = f"parse_date(cast({path} as text), '%Y%m%d')"
        yield Candidate(text, 0.85, "a number such as 20130131 read as a date")


def _cast(ends: Ends) -> Iterator[Candidate]:
    """Explicit casts, where the field alone is refused."""
    source, target = ends.field.type, ends.column.type
    if source.kind == "text" and target.kind not in ("text", "record", "list"):
        note = f"values that are no {target} go to quarantine"
        yield Candidate(f"cast({ends.path} as {target})", 0.5, note)
    elif source.is_numeric and target.is_numeric:
        yield Candidate(f"cast({ends.path} as {target})", 0.9, "values that do not fit go to quarantine")
    elif source.kind == "list" and target.kind == "text":
        yield Candidate(f"list_join({ends.path}, ', ')", 0.7, "the list's elements joined with commas")
    elif target.kind == "text" or {source.family, target.family} == {"boolean", "integer"}:
        yield Candidate(f"cast({ends.path} as {target})", 0.85)


def _available(ends: Ends) -> Iterator[Candidate]:
    """NA and its like become null, where they are the exception, the column takes nulls and does not list them."""
    if ends.field.type.kind != "text" or ends.target.closed or not ends.column.nullable:
        return
    others = [value for value in ends.source.values if value not in _NOT_AVAILABLE]
    spelled = [value for value in ends.source.values if value in _NOT_AVAILABLE]
    # Among codes NA may be one of them: Namibia, North America, sodium.
    codes = sum(1 for value in others if re.fullmatch(r"[A-Z]{2,4}", value)) > len(others) / 3
    if len(spelled) == 1 and others and not (spelled[0] == "NA" and codes):
        yield Candidate(f"nullif({ends.path}, {literal(spelled[0])})", 0.93, f"{spelled[0]!r} becomes null")


def _shortened(ends: Ends) -> Iterator[Candidate]:
    """Rounded where more decimals were seen than the column keeps; a measure is not worth a quarantined row."""
    kind, seen = ends.column.type, _decimals(ends)
    if not ends.field.type.is_numeric or not seen:
        return
    why = f"up to {seen} decimals are seen" if _decimals_seen(ends) else f"its type has room for {seen} decimals"
    if kind.is_integer:
        yield from list(_fitted(ends.path, kind, why, 0.7))[:-1]
    elif kind.kind == "decimal" and seen > (kind.scale or 0):
        yield from list(_fitted(ends.path, kind, why, 0.9))[:-1]


def cut(ends: Ends) -> Candidate | None:
    """The first characters only, as an alternative where values are longer than their column."""
    if not _too_long(ends):
        return None
    size = ends.column.max_length
    return Candidate(f"left({ends.path}, {size})", 0.5, f"cut off after {size} characters")


def _too_long(ends: Ends) -> bool:
    limit, seen = ends.column.max_length, ends.source.length
    return ends.field.type.kind == "text" and limit is not None and seen is not None and seen > limit


def _decimals(ends: Ends) -> int:
    """The most decimals that a value may have: by its type, or else by those that are seen."""
    return ends.field.type.scale or 0 if ends.field.type.kind == "decimal" else _decimals_seen(ends)


def _decimals_seen(ends: Ends) -> int:
    """The most decimals that a value has, as far as the values kept and the masks of all (`99.99+`) tell."""
    stats = ends.field.stats
    seen = [*ends.source.values, *(filter(None, (stats.min, stats.max)) if stats else ())]
    found = [len(value.split(".")[1].rstrip("0")) for value in seen if re.fullmatch(r"-?\d+\.\d+", value)]
    for mask in ends.source.masks:
        whole, _, rest = mask.partition(".")
        if rest and set(rest) <= {"9", "+"} and whole.strip("-+9") == "":
            longest = (ends.source.length or 0) - len(whole) - 1
            found.append(max(longest, len(rest)) if rest.endswith("+") else len(rest))
    return max(found, default=0)
