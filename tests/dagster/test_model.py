"""A language model behind a pipeline's pages: its calls are shown, and words in the Launchpad lead to a new plan."""

from typing import Any

import dagster as dg

from tests.dagster.conftest import Shop, checks, failure
from tests.dagster.test_runs import MAPPING, page
from tests.servers.api import Reply
from tests.servers.model import ModelServer, answering, asked_of

SCHEMA = dg.AssetKey(["shops", "schema", "shops"])


def test_words_in_the_launchpad_lead_to_a_new_plan_and_calls_are_on_the_pages(shop: Shop) -> None:
    def says(body: dict[str, Any]) -> Any:
        if "columns" not in asked_of(body):
            return {"fields": []}
        return answering(mapping={"town": "upper(town)" if asked_of(body).get("reviewer") else "town"})(body)

    with ModelServer(says) as server:
        shop.ask(server.base_url)
        shop.approved()
        before = shop.fingerprint()
        assert "| answered |" in str(page(shop, SCHEMA)["calls to language models"].value)
        said = shop.decide("correct", feedback="write the towns in capitals")
        assert said.success, failure(said)
    assert checks(said)["approval"] is False
    assert shop.fingerprint() != before
    assert "upper(town)" in str(page(shop, MAPPING)["plan"].value)


def test_words_that_only_a_model_understands_are_refused_in_plain_words(shop: Shop) -> None:
    shop.approved()
    refused = shop.decide("correct", feedback="the towns look rather small to me")
    assert not refused.success
    assert "llm.model is not set" in failure(refused)


def test_who_refuses_the_key_is_asked_once_in_a_run(shop: Shop) -> None:
    with ModelServer([Reply({"error": {"message": "no"}}, 401)]) as server:
        shop.ask(server.base_url)
        assert shop.run().success
        assert len(server.asked) == 1
    assert "it refused the key (401)" in str(page(shop, MAPPING)["plan"].value)
