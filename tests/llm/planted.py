"""A source with recognisable values of every kind in it, and a model that claims the wrong thing of each field."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from tests.flow.shop import Shop, sale
from tests.servers.model import asked_of

KEY = "sk-planted-key-123"
PASSWORD = "warehouse-pangolin-77"
FILE = "export-bartholomew"

PERSONAL = {
    "email": "wilhelmina.zeug@private.example",
    "phone": "+49 171 5559321",
    "iban": "DE89370400440532013000",
    "card_number": "4539578763621486",
    "ip": "203.0.113.177",
    "ip6": "2001:db8:85a3:77::8a2e:7334",
    "mac": "00:1b:63:84:45:e6",
    "customer_name": "Hildegarda Ostrowska",
    "name": "Bartolomea Vukovic",
    "street": "Lerchenfelder Gasse 4711",
    "birth_date": "1961-07-23",
    "remark": "Please call Theophania Krull at theo.krull@private.example or 0171 5558432, it is urgent",
    "uuid": "9f1c2e3d-77aa-4b1b-8c55-6d0e1f2a3b4c",
    "hash": "d2a84f4b8b650937ec8f73cd8be2c74add5a911ba64df27458ed8229da804a26",
    "access": "https://api.example.net/v1/users?token=tok9f8e7d6c5b&user=krull",
    "password_seen": PASSWORD,
    "key_seen": KEY,
}  # fmt: skip
"""Field → what is somebody's, or opens something: it leaves in no form but masks, whatever `share` says."""

OTHER = {
    "plain": "quetzalcoatl",
    "state_of_it": "marzipan",
    "city": "Llanfairpwll",
    "day": "05.11.2019",
    "at_moment": "2021-02-17T13:37:42Z",
    "whole": 73914682,
    "price": "31415926.53",
    "grouped": "27.182.818,28 €",
    "agreed": "verdadero",
    "odd_truth": "jawohlja",
    "json_text": '{"secretnote": "rhododendron"}',
    "non_latin": "Ωμέγα Ψυχή",
    "chinese": "李小龙的秘密",
    "hindi": "गोपनीय सूचना",
    "signs": "♠♥♦♣☯",
    "punctuation": "$#@!%^&*~",
    "missing_word": "not available",
    "typed_mostly": "gallimaufry",
    "long_text": "floccinaucinihilipilification " * 100,
}
"""Field → what is nobody's in particular: it leaves with `samples` only."""

NESTED = {
    "inner": {"place": "Tyrrhenia", "deeper": {"word": "Xanthippe"}},
    "tags": ["periwinkle", "heliotrope"],
    "items": [{"sku": "ocelot-4471", "theo.nested@private.example": "Sigismund"}],
}
THERE = "xylophone jubilee"
"""Stands in the destination already."""
BROKEN = '{"id": 9999, "note": "abracadabrant'
KEYS = ("anneliese.key@private.example", "4917155512345", "Persephone")
"""Keys of records that are data: a map of addresses, one of numbers, one of first names."""


def records(count: int = 120) -> Iterable[dict[str, Any]]:
    """Rows of `sales` with the planted values among look-alikes, in other rows other ones."""
    for number in range(count):
        row = sale(number, whole=1 + number, day=f"{1 + number % 28:02d}.03.2020", agreed="falso", price=f"{number}.25")
        if number % 3 == 0:
            row |= {**PERSONAL, **OTHER, **NESTED}
        else:
            row |= {"typed_mostly": str(number), "state_of_it": "obsidian", "missing_word": str(number)}
        names = {f"{KEYS[2] if number == 5 else 'Anna'}{'abcdefghij'[number % 10]}": number}
        yield row | {"by_address": {f"{number}{KEYS[0]}": 1}, "by_number": {f"{KEYS[1]}{number}": 1}, "by_name": names}


def plant(shop: Shop) -> None:
    """The files of the source, one with broken lines, and rows in the destination."""
    shop.drop("sales", FILE, list(records()))
    shop.drop_text("sales", f"{FILE}-2.jsonl", BROKEN + "\n")
    shop.sql("INSERT INTO shop.sale SELECT 900000 + n, 1, 1, 'paid', now(), %s, %s FROM generate_series(1, 9) n",
             PERSONAL["email"], THERE)  # fmt: skip


EXPRESSIONS = (
    ("cast(remark as bigint)", "cast(plain as date)", "by_address", "by_number.x", "by_name.Persephon", "by_address.x"),
    (
        "parse_date(name, '%Y')",
        "cast(card_number as int8)",
        "by_nam",
        "inner.deeper",
        "tags",
        "items[1].x",
        "by_number",
    ),
    ("cast(typed_mostly as int64)", "cast(json_text as uuid)", "hildegrd", "by_address.a@b", "emial", "iban + 1"),
)
"""In turn, each for one of the columns."""


def wrong_claims(body: Mapping[str, Any]) -> Any:
    """Whatever is asked: claims that the rows contradict, and expressions that name what may not be named."""
    asked = asked_of(dict(body))
    if "columns" in asked:
        turn = (len(body["messages"]) - 2) // 2
        names = [one["column"] for one in asked["columns"]]
        pairs = zip(names, EXPRESSIONS[turn % len(EXPRESSIONS)], strict=False)
        return {"columns": [{"column": name, "expression": text, "confidence": 0.9} for name, text in pairs]}
    kinds = ("date", "uuid", "int8", "boolean")[(len(body["messages"]) // 2) % 4]
    wrong = {"type": kinds, "semantic": "isbn", "unit": "kg", "nullable": False, "personal": False}
    return {"fields": [{"field": one["field"], **wrong} for one in asked["fields"]]}


_EVERYDAY = ("example", "private", "please", "urgent", "available", "planted", "warehouse")


def needles(values: Iterable[Any]) -> list[str]:
    """What is looked for: every planted text, and its words and numbers that are long enough to be recognised."""
    found: dict[str, None] = {}
    for value in values:
        for text in _texts(value):
            for part in [text[:60], *re.findall(r"\w{6,}", text)]:
                found[part] = None
    return [one for one in found if len(one) >= 5 and one.lower() not in _EVERYDAY]


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    else:
        yield str(value)


def forms(needle: str) -> set[str]:
    """A value as it is and in the obvious disguises, all case-folded."""
    raw = needle.encode()
    digits = re.sub(r"\D", "", needle)
    spelled = {
        needle, needle[::-1], quote(needle), quote(needle, safe=""), json.dumps(needle)[1:-1],
        base64.b64encode(raw).decode().rstrip("="), raw.hex(), repr(needle)[1:-1],
    }  # fmt: skip
    return {one.casefold() for one in spelled | ({digits} if len(digits) >= 7 else set())}


def leaked(values: Iterable[Any], heard: str) -> list[str]:
    """The planted values that are in what was heard, in any form, also with everything but letters and digits gone."""
    low = heard.casefold()
    bare = re.sub(r"[\s\\+.,:()/_-]", "", low)
    return [one for one in needles(values) if any(form in low or form in bare for form in forms(one))]
