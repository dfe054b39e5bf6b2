"""`decide`: from a field's profile and name to its type and properties. Pure; plans, loads and evaluation use it."""

from collections.abc import Sequence
from typing import Final

from octo_core.inference.choose import Choice, choose, enough
from octo_core.inference.claims import ZERO_DATES
from octo_core.inference.describing import describe
from octo_core.inference.inside import hold_personal
from octo_core.inference.names import unit_of
from octo_core.inference.profile import FieldProfile
from octo_core.inference.roles import role_of
from octo_core.inference.semantic_types.checks import possible_phone
from octo_core.inference.semantics import semantic_of
from octo_core.inference.sketch import marks
from octo_core.schema import Carrier, Field, FieldStats
from octo_core.types import BOOLEAN, JSON, TEXT, DataType, list_of, record

ENUMERATION: Final = 50
"""At most so many distinct values are listed."""
LISTED: Final = 400
"""At most so many of what a public list has, such as countries."""
_PUBLIC: Final = frozenset({"country", "country_code", "language", "language_code", "currency_code", "subdivision"})
_EXAMPLES: Final = 5
_MASKS: Final = 10
_NAMING: Final = frozenset({"text", "integer", "uuid"})
_LONGEST_NAME: Final = 64
"""Values of these families, and no longer, may name records of another source."""
_SIGNS: Final = (
    ("%", "percent"), ("€", "EUR"), ("£", "GBP"), ("$", "USD"), ("₺", "TRY"), ("₽", "RUB"), ("₹", "INR"), ("₩", "KRW"),
    ("₪", "ILS"), ("₴", "UAH"), ("zł", "PLN"), ("Kč", "CZK"), ("円", "JPY"), ("원", "KRW"),
)  # fmt: skip
"""Signs in a number's format that mean one unit; crowns and yuan do not."""
_PHONE: Final = "phone"
"""Such numbers come as text and stay it: the next one may begin with a zero or a plus."""


def decide(profile: FieldProfile, name: str, *, month_first: bool = False) -> Field:
    """The field that a profile suggests: type from the closed vocabulary, format, nulls, unit, semantic type, role,
    whether it is personal data, a description, how sure that is and why. The same profile gives the same field.

    `month_first`: what other fields of the source say of dates that fit either order.
    """
    structure = _structure(profile, name, month_first)
    choice, children = structure or (choose(profile, name, month_first=month_first), ())
    typed = choice.type.kind not in ("text", "json", "list", "record") and choice.of < profile.tokens
    dated = choice.type.kind in ("date", "timestamp", "timestamptz")
    words_for_null = [word for word in profile.spelled_nulls if dated or word not in ZERO_DATES]
    spelled = tuple(sorted(words_for_null, key=lambda word: (-profile.spelled_nulls[word], word)))
    nulls = spelled if typed else ()
    kind = _native(profile) or choice.type
    values = [text for text, _ in profile.sketch.top() if text not in profile.spelled_nulls]
    semantic, pii = semantic_of(kind, name, values)
    if kind.is_integer and _carrier(profile) == "text" and values and all(map(possible_phone, values)):
        semantic, pii = _PHONE, True
    if kind.is_numeric and semantic == _PHONE and _carrier(profile) == "text":
        choice = _counted(TEXT, profile.values, profile.values, "a phone number: nobody adds it up")
        kind = choice.type
    field = Field(
        name=name,
        type=kind,
        nullable=bool(profile.missing or profile.nulls or nulls or not profile.values),
        format=None if _carrier(profile) == "typed" else choice.format,
        nulls=nulls,
        unit=profile.unit or _unit(kind, name, choice.format),
        semantic=semantic,
        role=role_of(kind, profile, name, choice.format),
        pii=pii or any(child.pii for child in children) or _is_personal_inside(profile, kind, name, values),
        carrier=_carrier(profile),
        children=children,
        confidence=choice.confidence,
        why=choice.why,
        stats=_stats(profile, choice, kind, LISTED if semantic in _PUBLIC else ENUMERATION),
    )
    return field.model_copy(update={"description": describe(field)})


def reading(profile: FieldProfile, name: str) -> tuple[DataType, str | None]:
    """The type of a field and the format in which its values are written, as `decide` has them."""
    choice, _ = _structure(profile, name) or (choose(profile, name), ())
    return _native(profile) or choice.type, choice.format


def _structure(profile: FieldProfile, name: str, month_first: bool = False) -> tuple[Choice, tuple[Field, ...]] | None:
    """Records, lists, JSON booleans and typed values, which need no grammar; None for scalar tokens."""
    values, carriers = profile.values, profile.carriers
    objects, arrays = carriers.get("object", 0), carriers.get("array", 0)
    if not values:
        return None
    if profile.native is not None and enough(carriers.get("typed", 0), values):
        why = "as the source types it"
        return Choice(profile.native, values, values, why, None, profile.least, profile.greatest), _inner(
            profile.native
        )
    if enough(carriers.get("boolean", 0), values):
        return _counted(BOOLEAN, carriers["boolean"], values, "JSON's true and false"), ()
    if objects and enough(objects, values):
        return _record(profile, objects, month_first)
    if arrays and enough(arrays, values):
        return _list(profile, arrays, name, month_first)
    if (objects or arrays) and not enough(values - objects - arrays, values):
        kinds = ", ".join(sorted(carriers))
        return _counted(JSON, values, values, f"values of different structure ({kinds}), kept as JSON"), ()
    return None


def _record(profile: FieldProfile, objects: int, month_first: bool) -> tuple[Choice, tuple[Field, ...]]:
    if not profile.children:
        why = "objects with too many or too deep keys" if profile.children is None else "objects without a key"
        return _counted(JSON, objects, profile.values, why), ()
    children = tuple(decide(child, key, month_first=month_first) for key, child in profile.children.items())
    return _counted(
        record({child.name: child.type for child in children}), objects, profile.values, "objects"
    ), children


def _list(profile: FieldProfile, arrays: int, name: str, month_first: bool) -> tuple[Choice, tuple[Field, ...]]:
    if profile.element is None:
        return _counted(JSON, arrays, profile.values, "arrays that are empty or too deep"), ()
    element = decide(profile.element, name, month_first=month_first).model_copy(update={"name": "[]"})
    return _counted(list_of(element.type), arrays, profile.values, "arrays"), (element,)


def _counted(kind: DataType, held: int, of: int, why: str) -> Choice:
    tail = "" if held == of else f"; {of - held} of {of} values do not fit"
    return Choice(kind, held, of, why + tail)


def _inner(kind: DataType) -> tuple[Field, ...]:
    """The fields inside a type that the source says: nothing is known of their values."""
    inside = kind.fields if kind.kind == "record" else (("[]", kind.element),) if kind.element else ()
    return tuple(
        Field(name=name, type=inner, carrier="typed", children=_inner(inner), why="as the source types it")
        for name, inner in inside
        if inner is not None
    )


def _is_personal_inside(profile: FieldProfile, kind: DataType, name: str, values: Sequence[str]) -> bool:
    """Whether what a field holds that is no single value is personal: where nobody looked (keys without end, lists too
    deep), it counts as such.
    """
    if kind.kind not in ("json", "list", "record"):
        nested = [value for value in values if value.lstrip()[:1] in ("{", "[")]
        return kind.kind == "text" and 2 * len(nested) > len(values) and hold_personal(name, nested)
    if profile.children is None or (profile.element is None and profile.carriers.get("array")):
        return True
    if kind.kind == "json":
        inside = [*profile.children.items(), *([(name, profile.element)] if profile.element is not None else [])]
        if any(decide(child, key).pii for key, child in inside) or semantic_of(TEXT, name, values)[1]:
            return True
    return hold_personal(name, values)


def _native(profile: FieldProfile) -> DataType | None:
    only = profile.carriers.get("typed", 0) == profile.values > 0
    return profile.native if only else None


def _carrier(profile: FieldProfile) -> Carrier:
    if not profile.carriers:
        return "text"
    return next(iter(profile.carriers)) if len(profile.carriers) == 1 else "mixed"


def _unit(kind: DataType, name: str, layout: str | None) -> str | None:
    if not kind.is_numeric:
        return None
    for sign, unit in _SIGNS:
        if layout and sign in layout:
            return unit
    return unit_of(name)


def _stats(profile: FieldProfile, choice: Choice, kind: DataType, most: int) -> FieldStats:
    top = profile.sketch.top()
    few = not profile.sketch.full and 0 < len(top) <= most and profile.distinct <= most
    ordered = choice.low is not None
    return FieldStats(
        rows=profile.rows,
        missing=profile.missing,
        nulls=profile.nulls,
        distinct=profile.distinct if profile.tokens else None,
        distinct_exact=profile.distinct_exact,
        min=choice.low if ordered or kind.kind != "text" else profile.least,
        max=choice.high if ordered or kind.kind != "text" else profile.greatest,
        min_length=profile.shortest,
        max_length=profile.longest,
        values=tuple(text for text, _ in top) if few else None,
        examples=tuple(text for text, _ in top[:_EXAMPLES]),
        counts=tuple(count for _, count in (top if few else top[:_EXAMPLES])),
        masks=tuple(sorted(profile.masks.items(), key=lambda item: (-item[1], item[0])))[:_MASKS],
        marks=marks(profile.sketch) if _may_name(profile, kind) else None,
    )


def _may_name(profile: FieldProfile, kind: DataType) -> bool:
    return kind.family in _NAMING and bool(profile.sketch.entries) and (profile.longest or 0) <= _LONGEST_NAME
