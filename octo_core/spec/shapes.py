"""What a table is made from (`from:`): a source, the elements of a list in it, a join or a union of several."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, TypeAdapter

from octo_core.spec.sources import Names, Strict

PARENT = "parent"
"""The field of an element that holds the record which its list is in."""
INDEX = "_index"
"""The field of an element that says where in its list it stands, from 1."""
VALUE = "value"
"""The field of an element that is no record."""


def _two(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(value) < 2:
        raise ValueError("a union is of two sources or more")
    return value


def _steps(value: str) -> str:
    if not all(part.strip() for part in value.split(".")):
        raise ValueError(f"{value!r} is no path of a list; write for example items, or items.lines")
    return value


def _some(value: "tuple[JoinWith, ...]") -> "tuple[JoinWith, ...]":
    if not value:
        raise ValueError("a join is with one source or more")
    return value


class SqlFrom(Strict):
    sql: str


class UnionFrom(Strict):
    """The rows of several sources, fields by their names; one that a source lacks is null."""

    union: Annotated[Names, AfterValidator(_two)]


def _same_name(value: object) -> object:
    """`on: carrier` and `on: [a, b]`: fields that are called the same on both sides."""
    names = [value] if isinstance(value, str) else value
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return {name: name for name in names}
    return value


class JoinWith(Strict):
    """A source that is joined to the left one. Its fields are called by its name (or `as`): `carriers.name`."""

    source: str
    as_: str | None = Field(default=None, alias="as")
    on: Annotated[
        dict[str, str],
        BeforeValidator(_same_name, json_schema_input_type=dict[str, str] | str | list[str]),
        Field(min_length=1),
    ]
    """Expression over the left source's fields → expression over this source's: all pairs have to be equal."""
    kind: Literal["left", "inner"] = "left"
    """What becomes of a row without a match: it stays with nulls (`left`), or goes (`inner`)."""
    many: bool = False
    """Whether a row with several matches becomes several rows; else it goes to quarantine."""

    @property
    def alias(self) -> str:
        return self.as_ or self.source


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, dict) else value


class Join(Strict):
    left: str
    with_: Annotated[
        tuple[JoinWith, ...],
        BeforeValidator(_one_or_more, json_schema_input_type=JoinWith | tuple[JoinWith, ...]),
        AfterValidator(_some),
        Field(alias="with"),
    ]


class JoinFrom(Strict):
    join: Join


class EachFrom(Strict):
    """One row for each element of a list inside a source's records: `items`, `items.lines`."""

    source: str
    each: Annotated[str, AfterValidator(_steps)]

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(self.each.split("."))


def _kind(value: object) -> str | None:
    """Which of its forms a `from` has, by the key that only that form has.

    A form is named as no key is: where a mistake stands is told by the file's keys, and not by the names of forms.
    """
    if isinstance(value, str):
        return "source form"
    has = value.__contains__ if isinstance(value, dict) else lambda key: hasattr(value, key)
    return next((f"{kind} form" for kind in ("sql", "union", "join", "each") if has(kind)), None)


From = Annotated[
    Annotated[str, Tag("source form")]
    | Annotated[SqlFrom, Tag("sql form")]
    | Annotated[UnionFrom, Tag("union form")]
    | Annotated[JoinFrom, Tag("join form")]
    | Annotated[EachFrom, Tag("each form")],
    Discriminator(
        _kind,
        custom_error_type="from",
        custom_error_message="name a source, or write {sql: …}, {union: […]}, {join: {…}} or {source: …, each: …}",
    ),
]
Shape = str | SqlFrom | UnionFrom | JoinFrom | EachFrom
_ADAPTER: TypeAdapter[Shape] = TypeAdapter(From)


def shape_of(value: Any) -> Shape:
    """A `from` again, from what a recipe keeps of it."""
    return _ADAPTER.validate_python(value)


def plain_shape(origin: Shape) -> Any:
    """A `from` as the file writes it and a recipe keeps it: text, or mappings and lists."""
    return origin if isinstance(origin, str) else origin.model_dump(mode="json", by_alias=True)


def driving(origin: Shape) -> tuple[str, ...]:
    """The sources whose batches are loaded through a table; each of them has a position there."""
    if isinstance(origin, str):
        return (origin,)
    if isinstance(origin, EachFrom):
        return (origin.source,)
    if isinstance(origin, UnionFrom):
        return tuple(dict.fromkeys(origin.union))
    return (origin.join.left,) if isinstance(origin, JoinFrom) else ()


def looked_up(origin: Shape) -> tuple[str, ...]:
    """The sources that rows are joined with."""
    return tuple(dict.fromkeys(one.source for one in origin.join.with_)) if isinstance(origin, JoinFrom) else ()


def every_source(origin: Shape) -> tuple[str, ...]:
    """All sources that a table needs, the driving ones first."""
    return tuple(dict.fromkeys((*driving(origin), *looked_up(origin))))


def relation_name(origin: Shape) -> str:
    """What the relation that a table is made from is called: the source, `orders.items`, `a + b`, `a join b on …`."""
    if isinstance(origin, str):
        return origin
    if isinstance(origin, EachFrom):
        return f"{origin.source}.{origin.each}"
    if isinstance(origin, UnionFrom):
        return " + ".join(origin.union)
    if isinstance(origin, JoinFrom):
        return " ".join([origin.join.left, *_joined(origin.join)])
    return origin.sql


def _joined(join: Join) -> Iterator[str]:
    for one in join.with_:
        called = f"{one.source} as {one.as_}" if one.as_ else one.source
        pairs = " and ".join(f"{left} = {one.alias}.{right}" for left, right in one.on.items())
        many = " (many)" if one.many else ""
        yield f"{'inner ' if one.kind == 'inner' else ''}join {called} on {pairs}{many}"
