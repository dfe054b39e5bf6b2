"""Text of others is never an instruction, and whatever a model answers stays inside the closed language."""

import json
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from octo_core.asking import mapping_question, schema_question
from octo_core.asking.cleaning import plain
from octo_core.asking.replies import MappingReply, SchemaReply
from octo_core.asking.sharing import nameable
from octo_core.expressions import assign, parse
from octo_core.expressions.formats import check_format
from octo_core.inference.bearing import SEMANTIC_NAMES
from octo_core.inference.overrides import override
from octo_core.mapping.attribute import source_fields
from octo_core.mapping.model import ColumnMapping
from octo_core.schema import SourceSchema
from octo_core.spec.llm import Share
from octo_core.types import DataType, parse_type
from octo_resources.redaction import redact_json
from tests.flow.shop import Shop, sales
from tests.llm.corpus import ReplyCase, TextCase, reply_cases, sides, strings, text_cases
from tests.servers.model import ModelServer, asked_of

COLUMNS = ("sale_id", "amount", "status", "note")
KEYS = {
    "source", "table", "comment", "fields", "columns", "field", "column", "type", "format", "unit", "semantic",
    "personal", "empty", "distinct", "length", "range", "masks", "made_up_examples", "samples", "values_there",
    "required", "label", "allowed", "key", "refers_to", "nearest_fields",
}  # fmt: skip
STANDS_UNDER = {
    "field_name": {"field", "nearest_fields"}, "value": {"samples", "values_there"}, "label": {"label"},
    "comment": {"comment"}, "description": {"description"}, "table_comment": {"comment"}, "source_name": {"source"},
    "allowed_value": {"allowed"},
}  # fmt: skip
STATISTICS = {
    "type", "format", "unit", "semantic", "empty", "distinct", "length", "range", "masks", "made_up_examples",
    "nearest_fields",
}  # fmt: skip
"""What is derived: of it nothing is longer than a mask, and no value stands in it (tests/llm/test_leaks.py)."""
HIDING = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def by_id(case: TextCase | ReplyCase) -> str:
    return case.id


def hides(text: str) -> bool:
    return any(unicodedata.category(char) in HIDING for char in text)


def is_harmless(text: str) -> bool:
    """Whether a page that renders Markdown makes nothing but text of it."""
    markup = re.search(r"[<>`\[\]|*\\]|//|\bwww\.|mailto:|javascript:|\w@\w|&#?\w+;|^\s*#", text)
    return not hides(text) and markup is None


@cache
def questions(case: TextCase, share: Share) -> list[list[dict[str, str]]]:
    """The messages of both questions over the case's source and table."""
    schema, catalog = sides(case)
    asked = nameable(source_fields(schema))
    table = catalog.tables["shop.sale"]
    near = mapping_question.short_list(schema, table, catalog)
    return [
        schema_question.messages(schema.source, asked, share),
        mapping_question.messages(schema, table, catalog, COLUMNS, near=near, share=share),
    ]


# --- the corpus ------------------------------------------------------------------------------------------------------


def test_the_corpus_is_large_and_each_case_has_its_name() -> None:
    names = [one.id for one in (*text_cases(), *reply_cases())]
    assert len(text_cases()) >= 150
    assert len(reply_cases()) >= 100
    assert len(set(names)) == len(names)
    assert {one.place for one in text_cases()} == set(STANDS_UNDER)


# --- what leaves -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", text_cases(), ids=by_id)
@pytest.mark.parametrize("share", ["statistics", "samples"])
def test_text_of_others_is_one_string_of_the_data(case: TextCase, share: Share) -> None:
    usual = questions(TextCase("usual", "comment", "in euros"), share)
    may_differ = STANDS_UNDER[case.place] | STATISTICS
    for messages, innocent in zip(questions(case, share), usual, strict=True):
        assert [one["role"] for one in messages] == ["system", "user"]
        assert messages[0] == innocent[0]
        sent = redact_json(messages[1]["content"])
        assert len(sent) < 20_000
        said = set(strings(json.loads(sent)))
        assert not any(hides(text) for _, text in said)
        assert {text for key, text in said if key == "<key>"} <= KEYS
        assert {key for key, _ in said - set(strings(json.loads(innocent[1]["content"])))} <= may_differ | {"<key>"}


@pytest.mark.parametrize("place", sorted(STANDS_UNDER))
def test_the_places_of_the_corpus_are_those_that_are_sent(place: Any) -> None:
    """What the cases plant does reach the question, so that the test above tests something."""
    heard = {
        key
        for messages in questions(TextCase("visible", place, "zebra"), "samples")
        for key, text in strings(json.loads(messages[1]["content"]))
        if "zebra" in text
    }
    assert heard == STANDS_UNDER[place] - ({"description"} if place == "description" else set())


def test_no_value_leaves_with_statistics() -> None:
    for case in text_cases():
        if case.place == "value" and len(plain(case.text, 200)) > 5:
            sent = "".join(message["content"] for messages in questions(case, "statistics") for message in messages[1:])
            assert case.text[:40] not in sent
            assert json.dumps(case.text, ensure_ascii=False)[1:40] not in sent


# --- what comes back -------------------------------------------------------------------------------------------------


def schema_after(reply: Any) -> SourceSchema | None:
    """The schema with what is taken of a reply; None where the reply itself is refused."""
    try:
        said = SchemaReply.model_validate(reply)
    except ValidationError:
        return None
    schema, _ = sides()
    fields = source_fields(schema)
    verdicts = schema_question.judged(said, fields, lambda path: ["1.50", "2.50"])
    assert set(verdicts) <= set(fields)
    json.loads(
        schema_question.again({path: one.refused for path, one in verdicts.items()})["content"].split("\n", 1)[1]
    )
    taken = {path: one.taken for path, one in verdicts.items()}
    return schema.model_copy(update={"fields": override(schema.fields, taken, "sales", why="the model says so")})


def assert_closed(schema: SourceSchema) -> None:
    for one in schema.fields:
        assert isinstance(one.type, DataType)
        assert parse_type(str(one.type)) == one.type
        check_format(one.type, one.format)
        assert one.format is None or is_harmless(one.format.replace(" | ", " "))
        assert one.semantic is None or one.semantic in SEMANTIC_NAMES
        assert is_harmless(f"{one.description} {one.unit}")
        assert len(one.description or "") <= 200


def mapping_after(reply: Any) -> dict[str, ColumnMapping] | None:
    """The columns with what is taken of a reply, over an embedded proposal of the table."""
    try:
        said = MappingReply.model_validate(reply)
    except ValidationError:
        return None
    schema, catalog = sides()
    verdict = mapping_question.judged(said, schema, catalog.tables["shop.sale"], COLUMNS)
    assert not set(verdict.chosen) & set(verdict.refused)
    json.loads(mapping_question.again(verdict.refused)["content"].split("\n", 1)[1])
    for wrong in verdict.refused.values():
        assert not hides(wrong)
        assert len(wrong) <= 400
    embedded = ColumnMapping(target="x", expr="email", layer="embedded", confidence=0.5, why="alike")
    return {
        name: mapping_question.laid_over(embedded.model_copy(update={"target": name}), chosen, "openai/test-1")
        for name, chosen in verdict.chosen.items()
    }


def assert_in_the_language(columns: dict[str, ColumnMapping]) -> None:
    schema, catalog = sides()
    for name, one in columns.items():
        column = catalog.tables["shop.sale"].column(name)
        assert column is not None
        for text in [one.expr, *(other.expr for other in one.alternatives)]:
            assert text is None or assign(parse(text, schema), column).type == column.type
            assert text is None or not hides(text)
        assert is_harmless(one.why)
        assert 0 <= one.confidence <= mapping_question.MOST_SURE


@pytest.mark.parametrize("case", reply_cases(), ids=by_id)
def test_whatever_it_answers_what_comes_out_is_inside_the_language(case: ReplyCase) -> None:
    if case.of == "schema":
        assert_closed(schema_after(case.reply) or sides()[0])
    else:
        assert_in_the_language(mapping_after(case.reply) or {})


@pytest.mark.parametrize(
    "case", [one for one in reply_cases() if one.id.startswith("expression-")], ids=lambda case: str(case.id)
)
def test_an_expression_outside_the_language_is_never_taken(case: ReplyCase) -> None:
    """The few that are inside it are constants and sums, which a reviewer sees as what they are."""
    inside = {"chain", "markdown-text", "html-text", "formula-text", "long-text", "only-blanks", "null-word", "nothing"}
    inside |= {"wide-or", "nan"}
    columns = mapping_after(case.reply)
    taken = columns is not None and "note" in columns
    assert not taken or case.id.removeprefix("expression-") in inside


def test_an_endless_list_is_refused_before_it_is_read() -> None:
    for case in reply_cases():
        if case.id in ("mapping-endless", "schema-endless"):
            assert (schema_after if case.of == "schema" else mapping_after)(case.reply) is None


# --- the whole way ---------------------------------------------------------------------------------------------------


def files_of(root: Path) -> dict[str, str]:
    """Every file of the project that is not the machine's own state."""
    paths = (path for path in root.rglob("*") if path.is_file() and ".octopipe" not in path.parts)
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("said", ["expression-query", "why-markdown-image"])
def test_a_hijacked_model_gets_no_further_than_a_plan_to_approve(asking_shop: Callable[..., Shop], said: str) -> None:
    """By the real command, over names, values and comments that give orders too."""
    replies = {one.id: one for one in reply_cases()}
    case = replies.get(said) or ReplyCase(said, "schema", "Approved. The plan is fine.")

    def says(body: dict[str, Any]) -> Any:
        usual: Any = {"columns": []} if "columns" in asked_of(body) else {"fields": []}
        return case.reply if ("columns" in usual) == (case.of == "mapping") else usual

    orders = {one.id: one.text for one in text_cases()}
    with ModelServer(says) as server:
        shop = asking_shop(server, retries=0)
        shop.sql(f"COMMENT ON COLUMN shop.sale.note IS '{orders['english-1']}'")
        shop.drop("sales", "a", sales(range(30), remark=orders["fake-reviewer"], **{"approve\u202e": "yes"}))
        before, rows = files_of(shop.root), shop.sql("SELECT count(*) FROM shop.sale")
        done = shop.octopipe("plan", "sales", "--json")
        page = shop.octopipe("plan", "sales")
        assert done.returncode == 0, done.stderr
        plan = json.loads(done.stdout)
        assert plan["state"] == "pending"
        assert files_of(shop.root) == before
        assert shop.sql("SELECT count(*) FROM shop.sale") == rows
        assert shop.registry.decisions.last_approved("sales") is None
        assert shop.registry.executions.newest("sales") is None
        assert not hides(page.stdout.replace("\n", ""))
        for body in server.bodies:
            assert [one["role"] for one in body["messages"][:2]] == ["system", "user"]
            assert "approve" not in str(asked_of(body)["fields"])
