"""What a body's items are, and what of an item its source's contract refuses."""

from typing import Any

import pytest

from octo_core.holding import Contract
from octo_core.schema import Field, SourceSchema
from octo_core.types import parse_type
from octo_resources.sources.push.items import BadItems, read_items

KEPT = [
    ("one object", b'{"a": 1.10}', [b'{"a": 1.10}']),
    ("a list", b' [{"a":1e5}, {"a": 12345678901234567890} ]', [b'{"a":1e5}', b'{"a": 12345678901234567890}']),
    ("an item a line", b'{"a":1}\n\n{"a":2}\r\n', [b'{"a":1}', b'{"a":2}']),
    ("one object over several lines", b'{\n "a": 1\n}\n', [b'{  "a": 1 }']),
    ("a byte-order mark", b'\xef\xbb\xbf{"a":"\xc3\xa4"}', [b'{"a":"\xc3\xa4"}']),
    ("one key twice", b'{"a":1,"a":2}', [b'{"a":1,"a":2}']),
]
REFUSED = [
    ("nothing", b"  \n", False, 0, "no item"),
    ("an empty list", b"[]", False, 0, "no item"),
    ("a number", b"7", False, 1, "an item is a JSON object"),
    ("a number among objects", b'[{"a":1}, 7]', False, 2, "an item is a JSON object"),
    ("half an object", b'{"a":', True, 1, "broken JSON"),
    ("half a list", b'[{"a":1}', True, 0, "broken JSON"),
    ("a broken line", b'{"a":1}\n{"a"\n', True, 2, "broken JSON"),
    ("not a number", b'{"a": NaN}', True, 1, "NaN is no JSON"),
    ("no UTF-8", b'{"a": "\xff"}', True, 1, "broken JSON"),
    ("UTF-16", '{"a": "b"}'.encode("utf-16"), True, 1, "no UTF-8"),
    ("UTF-16 without its mark", '{"a": 1}'.encode("utf-16-le"), True, 1, "broken JSON"),
    ("too deep", b'{"a":' + b"[" * 100_000, True, 1, "too deeply"),
]


@pytest.mark.parametrize(("title", "body", "lines"), KEPT, ids=[case[0] for case in KEPT])
def test_items_are_kept_as_they_came(title: str, body: bytes, lines: list[bytes]) -> None:
    assert read_items(body).lines == lines


@pytest.mark.parametrize(("title", "body", "broken", "item", "said"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_is_no_item_is_named_with_its_place(title: str, body: bytes, broken: bool, item: int, said: str) -> None:
    with pytest.raises(BadItems) as bad:
        read_items(body)
    assert bad.value.broken is broken
    assert bad.value.wrong[0].item == item
    assert said in bad.value.wrong[0].message


def field(name: str, kind: str, **more: Any) -> Field:
    return Field(name=name, type=parse_type(kind), **more)


SCHEMA = SourceSchema(
    source="orders",
    fields=(
        field("id", "int32", carrier="number", nullable=False),
        field("amount", "decimal(6,2)", carrier="number"),
        field("placed", "date", format="%d/%m/%Y", nulls=("-",)),
        field("paid", "boolean", carrier="boolean"),
        field("note", "text"),
        field("tags", "list<int8>", carrier="array"),
        field("lines", "list<record{a: int8}>", carrier="array"),
        field(
            "ship",
            "record{town: text, km: int16}",
            carrier="object",
            children=(field("town", "text"), field("km", "int16")),
        ),
        field("extra", "json", carrier="object"),
    ),
)
FITS = [
    b'{"id": 7, "amount": 12.5, "placed": "03/02/2026", "paid": true, "note": "a"}',
    b'{"id": "7", "amount": "12.50", "placed": "-", "paid": "false", "note": 1.5}',
    b'{"tags": [1, null], "ship": {"km": 3}, "lines": [{"a": 1}], "extra": {"b": []}}',
    b'{"id": null, "unknown": {"key": 1}}',
    b"{}",
]
MISFITS = [
    (b'{"id": 3000000000}', "id", "3000000000"),
    (b'{"id": 1.5}', "id", "1.5"),
    (b'{"amount": 1.234}', "amount", "1.234"),
    (b'{"placed": "2026-02-03"}', "placed", "2026-02-03"),
    (b'{"paid": "perhaps"}', "paid", "perhaps"),
    (b'{"note": "a\\u0000b"}', "note", "NUL"),
    (b'{"note": "a\\ud800"}', "note", "surrogate"),
    (b'{"tags": [1, 300]}', "tags", "300"),
    (b'{"tags": "none"}', "tags", "none"),
    (b'{"ship": {"km": "far"}}', "ship.km", "far"),
    (b'{"ship": 4}', "ship", "no object"),
    (b'{"amount": 1e999999999}', "amount", "1e999999999"),
]


def test_a_key_that_stands_twice_is_known() -> None:
    found = read_items(b'[{"a":1,"b":{"a":1}}, {"a":1,"\\u0061":2}, {"a":"x\\":","b":[{"c":1,"c":2}]}]')
    assert [(one.item, one.path) for one in found.doubled] == [(2, "a")]


@pytest.mark.parametrize("body", FITS)
def test_an_item_that_a_load_would_take_fits(body: bytes) -> None:
    assert list(Contract(SCHEMA).misfits(read_items(body).parsed[0])) == []


@pytest.mark.parametrize(("body", "path", "said"), MISFITS, ids=[case[0].decode() for case in MISFITS])
def test_a_misfit_names_its_field_and_what_is_wrong(body: bytes, path: str, said: str) -> None:
    (found,) = Contract(SCHEMA).misfits(read_items(body).parsed[0])
    assert found.path == path
    assert said in found.message
