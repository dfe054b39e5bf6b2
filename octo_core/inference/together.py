"""The fields of one source together: dates that fit two orders take the order of the others, or there is a warning; so
do numbers that may be thousands, beside decimal commas. What repeats people's names of other fields is personal, too.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from octo_core.inference import claims as c
from octo_core.inference.choose import EITHER, rival_of
from octo_core.inference.dates import digits_of, order_of
from octo_core.inference.decide import decide
from octo_core.inference.kin import Held, kin
from octo_core.inference.numbers import THOUSANDS
from octo_core.inference.profile import Evidence, FieldProfile
from octo_core.schema import Field

_COMMA: Final = ",56"
"""What a format of numbers with a decimal comma has."""
_DEGREES: Final = frozenset({"latitude", "longitude"})
"""What has no thousands."""
_PEOPLE: Final = frozenset({"person_name", "email"})
_EXAMPLE: Final = date(2021, 4, 3)
"""Not a date of the source: those may be personal."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The fields, in order, and what to tell of them: path of the field → warning."""

    fields: tuple[Field, ...]
    warnings: dict[str, str]


def decide_together(profiles: Mapping[str, FieldProfile]) -> Decided:
    """Each field by its profile and name, and by what the other fields tell of the order of day and month.

    Where all dates of a field have days up to twelve, the order of the fields that are clear is theirs too; where none
    is clear, or they differ, days come first and a warning says how to say otherwise. Numbers such as 1.234 and nothing
    else are a thousand and more where another field's decimals have a comma; a warning says so.
    """
    fields = tuple(decide(profile, name) for name, profile in profiles.items())
    grouped = dict(_thousands(dict(_leaves(fields))))
    if grouped:
        profiles = {name: _grouped(profile, name, grouped) for name, profile in profiles.items()}
        fields = tuple(decide(profile, name) for name, profile in profiles.items())
    orders = {path: order_of(field.format) for path, field in _leaves(fields)}
    doubtful = {path: field for path, field in _leaves(fields) if EITHER in (field.why or "")}
    clear = {order: path for path, order in orders.items() if order and path not in doubtful}
    if doubtful and set(clear) == {"month"}:
        fields = tuple(decide(profile, name, month_first=True) for name, profile in profiles.items())
    if doubtful and len(clear) == 1:
        (order, witness), *_ = clear.items()
        why = f"{order}s come first, as in {witness}"
        settled = {path: field for path, field in doubtful.items() if order_of(field.format)}
        fields = tuple(_settled(field, why, settled, field.name) for field in fields)
        doubtful = {path: field for path, field in doubtful.items() if path not in settled}
    warnings = {path: _either(path, field) for path, field in doubtful.items()}
    warnings |= grouped
    cut = {path: _cut(path, field.format) for path, field in _leaves(fields) if "%9f" in (field.format or "")}
    cut |= {name: _cut(name, None) for name, profile in profiles.items() if profile.finer}
    return Decided(_beside_people(fields, profiles), {**warnings, **cut})


def _beside_people(fields: tuple[Field, ...], profiles: Mapping[str, FieldProfile]) -> tuple[Field, ...]:
    """The fields, with those personal whose values are surnames, initials or logins of people in other fields."""
    people: list[Held] = []
    others: dict[str, FieldProfile] = {}
    for path, field, profile in _texts(fields, profiles):
        if field.semantic in _PEOPLE or (field.pii and field.semantic is None):
            people.append(_held(profile))
        elif not field.pii and field.semantic is None:
            others[path] = profile
    found = kin(people, {path: _held(profile) for path, profile in others.items()}) if people else set()
    return tuple(_personal(field, found, field.name) for field in fields) if found else fields


def _texts(
    fields: tuple[Field, ...], profiles: Mapping[str, FieldProfile], above: str = ""
) -> Iterator[tuple[str, Field, FieldProfile]]:
    """Path, field and profile of each text, also of those in records and lists."""
    for field in fields:
        path, profile = f"{above}{field.name}", profiles.get(field.name)
        if profile is None:
            continue
        if field.type.kind == "text":
            yield path, field, profile
        inside = {"[]": profile.element} if profile.element is not None else profile.children or {}
        yield from _texts(field.children, inside, f"{path}.")


def _held(profile: FieldProfile) -> Held:
    seen = [entry for entry in profile.sketch.top() if entry[0] not in profile.spelled_nulls]
    return Held([text for text, _ in seen], [count for _, count in seen], not profile.sketch.full)


def _personal(field: Field, paths: Container[str], path: str) -> Field:
    """The field, personal where it is one of these or holds one of them."""
    children = tuple(_personal(child, paths, f"{path}.{child.name}") for child in field.children)
    if path not in paths and children == field.children:
        return field
    return field.model_copy(update={"children": children, "pii": True})


def _leaves(fields: tuple[Field, ...], above: str = "") -> Iterator[tuple[str, Field]]:
    for field in fields:
        path = f"{above}{field.name}"
        yield path, field
        yield from _leaves(field.children, f"{path}.")


def _settled(field: Field, why: str, doubtful: Mapping[str, Field], path: str) -> Field:
    children = tuple(_settled(child, why, doubtful, f"{path}.{child.name}") for child in field.children)
    if path not in doubtful:
        return field.model_copy(update={"children": children}) if children else field
    sure = round(min(1.0, field.confidence / 0.6), 2)
    return field.model_copy(update={"confidence": sure, "why": f"written as {field.format}; {why}"})


def _thousands(leaves: Mapping[str, Field]) -> Iterator[tuple[str, str]]:
    """Warnings of texts such as 1.234 beside fields whose decimals have a comma; a number of JSON is what it is."""
    witness = next((path for path, field in leaves.items() if _COMMA in (field.format or "")), None)
    for path, field in leaves.items() if witness is not None else ():
        if THOUSANDS in (field.why or "") and field.carrier == "text" and field.semantic not in _DEGREES:
            yield (
                path,
                f"{path}: 1.234 is read as a thousand and more, as {witness} has decimal commas; if one and a fraction"
                f" is meant, say so: `fields: {{{path}: {{type: 'decimal(18,3)'}}}}` of the source in the pipeline"
                " file",
            )


def _grouped(profile: FieldProfile, path: str, paths: Container[str]) -> FieldProfile:
    """The profile with what looks like 1.234 in these fields as digits in groups of three."""
    if path in paths:
        claims = {
            (c.DE_GROUPED if kind == c.POINT3 else kind, layout): _whole(evidence) if kind == c.POINT3 else evidence
            for (kind, layout), evidence in profile.claims.items()
        }
        return replace(profile, claims=claims)
    children = {name: _grouped(one, f"{path}.{name}", paths) for name, one in (profile.children or {}).items()}
    return replace(profile, children=children) if children else profile


def _whole(evidence: Evidence) -> Evidence:
    """What was counted as a fraction of three digits, a thousand times as much."""
    (low, low_text), (high, high_text) = evidence.low, evidence.high
    if isinstance(low, float) and isinstance(high, float):
        low, high = low * 1000, high * 1000
    digits = evidence.digits + evidence.scale
    return replace(evidence, low=(low, low_text), high=(high, high_text), digits=digits, scale=0)


def _either(path: str, field: Field) -> str:
    first = (field.format or "").split(" | ")[0]
    other = _swapped(first)
    rival = rival_of(field)
    if rival != other:  # not day or month, but which of two digits are the year
        return (
            f"{path}: read as {first}, though every value also fits {rival}; if that is meant, say so:"
            f" `fields: {{{path}: {{format: '{rival}'}}}}` of the source in the pipeline file"
        )
    shown = _EXAMPLE.strftime(digits_of(first) or "%d/%m/%Y")
    return (
        f"{path}: {shown} reads as {_EXAMPLE.day} April, because no day passes 12; if months come first, say so: "
        f"`fields: {{{path}: {{format: '{other}'}}}}` of the source in the pipeline file"
    )


def _swapped(layout: str) -> str:
    return layout.translate(str.maketrans("dm", "md"))


def _cut(path: str, layout: str | None) -> str:
    written = f" ({layout})" if layout else ""
    return f"{path}: fractions of a second finer than a microsecond are cut off{written}"
