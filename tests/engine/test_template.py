"""Lines that are proven by their layout: nothing that the slow judge would read otherwise, or refuse, gets through."""

import json
import random
from collections.abc import Iterator

import pytest

from octo_core.expressions import path_parts
from octo_resources.engines.duckdb.template import learn
from tests.engine.landed import Land, schema
from tests.engine.test_agreement import NESTED, NUMBERS, TEXTS, blanks_apart, judged

USUAL = {"id": "7", "name": '"x"', "amount": "1.5", "flag": "true", "note": "null"}
ODD = [
    *NUMBERS, *TEXTS, *NESTED, "null", "true", "false", "nul", "nan", "-inf", "inF", "infinity", "-Infinity", "12.0",
    '"null"', '"true"', '"1.5"', '"NaN"', '"', '", "flag": "', '1, "id": 2', '"x", "name": "y"', '1.5, "amount": 1.50',
    '"x", "amount": 1.5, "name": "z"', "1 ", " 1", '" x"', "[]", '{"id": 1}',
]  # fmt: skip


def made_up(chance: random.Random, comma: str, colon: str) -> Iterator[str]:
    """Most lines by one layout; the others with odd values, other blanks, other orders, doubled or missing keys."""
    for number in range(6000):
        pairs = list((USUAL | {"id": str(number), "name": f'"n{number}"'}).items())
        mark, colon_here = comma, colon
        if chance.random() < 0.2:
            for place in chance.sample(range(len(pairs)), chance.choice([0, 1, 1, 2])):
                pairs[place] = (pairs[place][0], chance.choice(ODD))
            change = chance.random()
            if change < 0.2:
                chance.shuffle(pairs)
            elif change < 0.3:
                pairs.append(chance.choice(pairs))
            elif change < 0.4:
                pairs.pop(chance.randrange(len(pairs)))
            elif change < 0.5:
                mark, colon_here = chance.choice([(", ", ": "), (",", ":"), (" , ", " :")])
        text = "{" + mark.join(json.dumps(key) + colon_here + value for key, value in pairs) + "}"
        if chance.random() < 0.02:
            at = chance.randrange(1, len(text))
            text = chance.choice([text[:at], text[:-1] + ",}", text + "}", text + " ", " " + text, text[:at] + text])
        yield text


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("comma", "colon"), [(", ", ": "), (",", ":")], ids=["spaced", "dense"])
def test_what_fits_a_layout_has_the_judges_tokens(land: Land, seed: int, comma: str, colon: str) -> None:
    texts = list(made_up(random.Random(seed), comma, colon))
    assert learn([text + "\n" for text in texts[:400]], frozenset(USUAL)) is not None
    fields = schema(
        dict.fromkeys(USUAL, "text"), {"id": "number", "amount": "number", "flag": "boolean", "name": "text"}
    )
    found = land.add("\n".join(texts)).evaluate(fields, {name: f"cast({name} as text)" for name in USUAL})
    rows = {row.pop("_row"): list(row.values()) for row in found.rows}
    paths = [path_parts(name) for name in USUAL]
    for number, text in enumerate(texts, start=1):
        got = rows.get(number)
        assert (got and [blanks_apart(value) for value in got]) == judged(text, paths), text


def test_a_layout_is_learned_of_flat_records_only_and_of_those_that_share_it() -> None:
    keys = frozenset({"a", "b"})
    assert learn(['{"a":1,"b":"x"}\n'] * 10, keys) is not None
    assert learn(['{"a":1,"b":["x"]}\n'] * 10, keys) is None
    assert learn(['{"a":1,"b":"x"}\n', '{"a" :1, "b":"x"}\n'] * 10, keys) is None
    assert learn(['{"a":1,"A":2}\n'] * 10, frozenset({"a", "A"})) is None


def test_fields_that_somebody_put_before_a_record_may_be_written_otherwise() -> None:
    lines = [f'{{"_offset":{n},"_key":null,"id": {n}, "name": "a{n}"}}' for n in range(20)]
    found = learn(lines, frozenset({"_offset", "_key", "id", "name"}))
    assert found is not None
    assert [slot.before for slot in found.slots] == ['{"_offset":', ',"_key":', ',"id": ', ', "name": ']
