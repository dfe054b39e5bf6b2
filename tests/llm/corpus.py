"""The corpus of injections: the cases in injections/*.yaml, and the two sides with one of them in its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from octo_core.catalog import Catalog, Check, Column, Label, Table
from octo_core.inference import infer_column
from octo_core.schema import Field, SourceSchema
from octo_core.types import INT64, TEXT, decimal

FOLDER = Path(__file__).with_name("injections")
Place = Literal[
    "field_name", "value", "label", "comment", "description", "table_comment", "source_name", "allowed_value"
]


@dataclass(frozen=True)
class TextCase:
    """A text of others and the place where it stands."""

    id: str
    place: Place
    text: str


@dataclass(frozen=True)
class ReplyCase:
    """What a hijacked model says to one of the two questions."""

    id: str
    of: Literal["schema", "mapping"]
    reply: Any


def _entries(kind: str) -> Iterator[dict[str, Any]]:
    for path in sorted(FOLDER.glob("*.yaml")):
        yield from (one for one in yaml.safe_load(path.read_text()) if kind in one)


@cache
def text_cases() -> tuple[TextCase, ...]:
    """Those whose text stands somewhere; `times` repeats it."""
    return tuple(TextCase(one["id"], one["place"], one["text"] * one.get("times", 1)) for one in _entries("text"))


@cache
def reply_cases() -> tuple[ReplyCase, ...]:
    """Those of replies; `times` repeats the items of their list."""
    return tuple(ReplyCase(one["id"], one["of"], _repeated(one)) for one in _entries("reply"))


def _repeated(one: dict[str, Any]) -> Any:
    times = one.get("times", 1)
    return {name: items * times for name, items in one["reply"].items()} if times > 1 else one["reply"]


@cache
def _column(values: tuple[str, ...], name: str) -> Field:
    return infer_column(values, name)


@cache
def sides(case: TextCase | None = None) -> tuple[SourceSchema, Catalog]:
    """A source of sales and the table they go to, with the case's text where it says."""

    def put(place: Place, usual: str) -> str:
        return case.text if case is not None and case.place == place else usual

    values = (put("value", "paid"), "sent", "void") * 5
    total = _column(tuple(f"{number}.50" for number in range(1, 40)), "total")
    fields = (
        _column(tuple(str(number) for number in range(1, 40)), "id"),
        total.model_copy(update={"description": put("description", "what was paid")}),
        _column(values, put("field_name", "state")),
        _column(tuple(f"buyer{number}@shop.example" for number in range(39)), "email"),
    )
    return SourceSchema(source=put("source_name", "sales"), fields=fields, key=("id",)), _catalog(put)


def _catalog(put: Any) -> Catalog:
    columns = (
        Column(name="sale_id", type=INT64, native="bigint", nullable=False),
        Column(
            name="amount",
            type=decimal(10, 2),
            native="numeric(10,2)",
            comment=put("comment", "in euros"),
            label=Label(label=put("label", "Amount of the sale"), unit="EUR"),
        ),
        Column(name="status", type=TEXT, native="text", enum=(put("allowed_value", "paid"), "sent")),
        Column(name="note", type=TEXT, native="text"),
    )
    table = Table(
        name="shop.sale",
        schema_name="shop",
        table_name="sale",
        columns=columns,
        primary_key=("sale_id",),
        checks=(Check(name="c", sql="(amount >= 0)"),),
        comment=put("table_comment", "Sales of the shop"),
    )
    samples = {"shop.sale": {"status": (put("value", "paid"), "sent")}}
    return Catalog(dialect="postgres", version="17", tables={"shop.sale": table}, samples=samples)


def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every string in a JSON value with the key that it stands under; keys themselves come under `<key>`."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield "<key>", name
            yield from strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, key)
