"""The door to a model, against a server that speaks the protocol: right, wrong, slow, broken and hostile answers."""

import gzip
import json
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openai
import pytest
from pydantic import BaseModel, Field

from octo_resources.llm import Question, Unanswered
from octo_resources.llm.deadline import hold_back
from octo_resources.llm.failures import failure_of
from octo_resources.redaction import remember
from octo_resources.registry import Registry
from tests.llm.conftest import OpenDoor
from tests.servers.api import Api, Asked, Reply
from tests.servers.model import ModelServer, completion

TOO_MANY = Reply({"error": {"message": "slow down"}}, 429, {"Retry-After": "0"})
BROKEN = Reply({"error": {"message": "oops"}}, 500, {"Retry-After": "0"})


class Colour(BaseModel):
    name: str = Field(max_length=20)
    warm: bool


def question(text: str = "Which colour?") -> Question[Colour]:
    return Question("schema", "orders", [{"role": "user", "content": text}], Colour)


RED = {"name": "red", "warm": True}


@pytest.mark.parametrize("mode", [None, "tools", "json_schema", "json"])
def test_a_reply_is_an_instance_of_the_asked_model(open_door: OpenDoor, mode: str | None) -> None:
    with ModelServer([RED]) as server:
        assert open_door(server.base_url, mode=mode).ask(question()) == Colour(name="red", warm=True)
    body = server.bodies[0]
    assert body["model"] == "test-1"
    assert bool(body.get("tools")) == (mode in (None, "tools"))
    assert server.asked[0].headers["authorization"] == "Bearer sk-planted-key-123"


def test_what_does_not_validate_goes_back_with_what_was_wrong(open_door: OpenDoor, registry: Registry) -> None:
    with ModelServer([{"name": "red"}, RED]) as server:
        assert open_door(server.base_url).ask(question()) == Colour(name="red", warm=True)
    assert "warm" in str(server.bodies[1]["messages"][1:])
    call = registry.llm_calls.newest()[0]
    assert (call.attempts, call.tokens_in, call.tokens_out) == (2, 200, 40)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "x" * 5000, "warm": True},
        {"name": "red", "warm": "perhaps"},
        "this is no JSON",
        '{"name": "red", ',
        "",
        "[" * 5000,
        {"name": ["red"] * 100_000, "warm": True},
        lambda body: Reply(completion(body, RED) | {"choices": []}),
        lambda body: Reply(b"<html>a proxy's page</html>", headers={"Content-Type": "text/html"}),
        lambda body: Reply(completion(body, '{"name": "re', finish="length")),
        lambda body: Reply(completion(body, RED), cut=40),
        lambda body: Reply({"unexpected": True}),
    ],
)
def test_a_reply_that_is_never_valid_is_no_reply(open_door: OpenDoor, registry: Registry, wrong: Any) -> None:
    with ModelServer([wrong]) as server:
        found = open_door(server.base_url, retries=1).ask(question())
    assert isinstance(found, Unanswered)
    assert len(server.asked) <= 4
    call = registry.llm_calls.newest()[0]
    assert call.state == "failed"
    assert call.error == found.why


def test_an_endless_answer_is_cut_off(open_door: OpenDoor) -> None:
    with ModelServer([Reply(b'{"a": "' + b"x" * 9_000_000 + b'"}')]) as server:
        found = open_door(server.base_url, retries=0).ask(question())
    assert isinstance(found, Unanswered)
    assert "larger than 8 MB" in found.why


@pytest.mark.parametrize("refusal", [TOO_MANY, BROKEN])
def test_it_is_asked_again_where_that_can_help(open_door: OpenDoor, refusal: Reply) -> None:
    with ModelServer([refusal, refusal, RED]) as server:
        assert open_door(server.base_url).ask(question()) == Colour(name="red", warm=True)
    assert len(server.asked) == 3


def test_in_the_end_it_gives_up(open_door: OpenDoor) -> None:
    with ModelServer([TOO_MANY]) as server:
        found = open_door(server.base_url).ask(question())
    assert found == Unanswered("it allows no more requests for now (429): slow down")
    assert len(server.asked) == 3


def test_a_wait_that_is_too_long_is_not_waited(open_door: OpenDoor) -> None:
    with ModelServer([Reply({"error": {"message": "tomorrow"}}, 429, {"Retry-After": "86400"})]) as server:
        found = open_door(server.base_url).ask(question())
    assert found == Unanswered("it allows no more requests for now (429): tomorrow; it asks to wait 86400 s")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "it refused the key (401): set the one that `llm.key` names"),
        (404, "it has no such model or address (404)"),
        (400, "it refused the request (400)"),
    ],
)
def test_what_trying_again_cannot_help_is_asked_once(open_door: OpenDoor, status: int, said: str) -> None:
    with ModelServer([Reply({"error": {"message": "no sk-planted-key-123 here"}}, status)]) as server:
        found = open_door(server.base_url).ask(question())
    assert isinstance(found, Unanswered)
    assert found.why.startswith(said)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (401, "no", "it refused the key (401)"),
        (400, "API key not valid. Please pass a valid API key.", "it refused the key (400)"),
        (400, "Invalid model: test-1", "it has no such model or address (400): Invalid model: test-1"),
        (400, "Model Not Exist", "it has no such model or address (400): Model Not Exist"),
        (422, "The model `x` does not exist", "it has no such model or address (422): The model x does not exist"),
    ],
)
def test_what_refused_the_key_is_not_asked_about_the_next_table(
    open_door: OpenDoor, status: int, message: str, said: str
) -> None:
    with ModelServer([Reply({"error": {"message": message}}, status)]) as server:
        door = open_door(server.base_url)
        first = door.ask(question())
        assert door.ask(question("And this?")) == first
    assert isinstance(first, Unanswered)
    assert first.why.startswith(said)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, {"error": {"message": "The model 'x' does not exist"}}, "(404): The model 'x' does not exist"),
        (404, {"detail": "Not Found"}, "(404): Not Found"),
        (400, {"error": "too long"}, "(400): too long"),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, "(422): field required"),
        (500, {"message": "it broke"}, "(500): it broke"),
        (500, {"code": 7}, "(500)"),
        (503, "<html><body>Bad Gateway</body></html>", "(503)"),
    ],
)
def test_a_refusal_is_told_in_words(open_door: OpenDoor, status: int, body: Any, said: str) -> None:
    with ModelServer([Reply(body, status, {"Retry-After": "0"})]) as server:
        found = open_door(server.base_url, retries=0).ask(question())
    assert isinstance(found, Unanswered)
    assert found.why.endswith(said)


def test_a_model_that_hangs_is_left_in_time(open_door: OpenDoor) -> None:
    done = threading.Event()

    def hang(_: Any) -> Any:
        done.wait(20)
        return RED

    with ModelServer(hang) as server:
        found = open_door(server.base_url, timeout="0.3 s").ask(question())
        done.set()
    assert found == Unanswered("it did not answer in time")


def test_a_server_that_is_not_there(open_door: OpenDoor) -> None:
    with ModelServer([RED]) as server:
        gone = server.base_url
    found = open_door(gone, retries=0).ask(question())
    assert isinstance(found, Unanswered)
    assert found.why.startswith("it cannot be reached")


def test_a_certificate_that_nobody_signed(open_door: OpenDoor, tmp_path: Path) -> None:
    pem = tmp_path / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-keyout", str(pem), "-out", str(tmp_path / "cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    pem.write_text(pem.read_text() + (tmp_path / "cert.pem").read_text())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with ModelServer([RED], tls=context) as server:
        found = open_door(server.base_url).ask(question())
    assert isinstance(found, Unanswered)
    assert found.why.startswith("its certificate is not valid")
    assert not server.asked


def test_the_environment_s_proxy_is_used(open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ModelServer([RED]) as server:
        monkeypatch.setenv("http_proxy", server.url)
        found = open_door("http://model.example/v1").ask(question())
        assert found == Colour(name="red", warm=True)
        monkeypatch.setenv("no_proxy", "model.example")
        assert isinstance(open_door("http://model.example/v1", retries=0).ask(question("Without?")), Unanswered)


def test_the_same_question_is_paid_for_once(open_door: OpenDoor, registry: Registry) -> None:
    with ModelServer([RED]) as server:
        door = open_door(server.base_url)
        assert door.ask(question()) == door.ask(question()) == Colour(name="red", warm=True)
        assert len(server.asked) == 1
        door.ask(question("And which now?"))
        open_door(server.base_url, model="openai/test-2").ask(question())
        assert len(server.asked) == 3
    assert [call.reused for call in registry.llm_calls.newest()] == [0, 0, 1]


def test_a_failed_call_is_asked_again(open_door: OpenDoor) -> None:
    with ModelServer([Reply({}, 400), RED]) as server:
        door = open_door(server.base_url)
        assert isinstance(door.ask(question()), Unanswered)
        assert door.ask(question()) == Colour(name="red", warm=True)


def test_a_budget_of_tokens_holds(open_door: OpenDoor) -> None:
    with ModelServer([RED]) as server:
        door = open_door(server.base_url, budget={"tokens": 130})
        assert isinstance(door.ask(question()), Colour)
        found = door.ask(question("Another that is long " * 3))
    assert isinstance(found, Unanswered)
    assert found.why == "the budget of 130 tokens in 30 days does not reach for it (120 are used)"
    assert len(server.asked) == 1


def test_a_budget_of_money_holds(open_door: OpenDoor, registry: Registry) -> None:
    price = {"input": "100 USD", "output": "1000 USD"}
    with ModelServer([RED]) as server:
        door = open_door(server.base_url, budget={"money": "3 USD"}, price=price)
        assert isinstance(door.ask(question()), Colour)
        assert registry.llm_calls.newest()[0].cost == Decimal("0.03")
        found = open_door(server.base_url, budget={"money": "0.1 USD"}, price=price).ask(question("Another?"))
    assert isinstance(found, Unanswered)
    assert found.why == "the budget of 0.1 USD in 30 days does not reach for it (0.0300 are used)"


def test_a_budget_of_money_needs_a_price(open_door: OpenDoor) -> None:
    with ModelServer([RED]) as server:
        found = open_door(server.base_url, budget={"money": "2 USD"}).ask(question())
    assert isinstance(found, Unanswered)
    assert found.why.endswith("say it in llm.price")
    assert not server.asked


def test_known_prices_come_from_a_list(open_door: OpenDoor, registry: Registry) -> None:
    with ModelServer([RED]) as server:
        open_door(server.base_url, model="openai/gpt-5").ask(question())
    assert registry.llm_calls.newest()[0].cost == Decimal("0.000325")


def test_no_secret_leaves_nor_stays(open_door: OpenDoor, registry: Registry) -> None:
    remember("planted-password-77")
    with ModelServer([{"name": "planted-password-77"[:20], "warm": True}]) as server:
        open_door(server.base_url).ask(question("Is planted-password-77 a colour?"))
    assert "planted-password-77" not in str(server.bodies)
    call = registry.llm_calls.newest()[0]
    assert "planted-password-77" not in f"{call}"
    assert "sk-planted-key-123" not in f"{call}"


def test_a_provider_that_counts_nothing_does_not_escape_the_budget(open_door: OpenDoor, registry: Registry) -> None:
    for usage in (None, {"prompt_tokens": -5, "completion_tokens": "many"}, {"prompt_tokens": 10**30}):
        with ModelServer([lambda body, usage=usage: Reply(completion(body, RED) | {"usage": usage})]) as server:
            assert open_door(server.base_url).ask(question(f"{usage}")) == Colour(name="red", warm=True)
        call = registry.llm_calls.newest(limit=1)[0]
        assert call.tokens_in > 5
        assert call.tokens_out > 5


def test_what_others_are_asking_counts_as_spent(open_door: OpenDoor, registry: Registry) -> None:
    seen: list[str] = []

    def says(_: Any) -> Any:
        second = open_door(server.base_url, budget={"tokens": 3000}).ask(question("At the same time?"))
        assert isinstance(second, Unanswered)
        seen.extend([second.why, registry.llm_calls.newest()[0].state])
        return RED

    with ModelServer(says) as server:
        assert isinstance(open_door(server.base_url, budget={"tokens": 3000}).ask(question()), Colour)
    assert seen == ["the budget of 3,000 tokens in 30 days does not reach for it (3,000 are used)", "asking"]
    assert server.bodies[0]["max_tokens"] == 2995  # no answer can be longer than what is left
    assert registry.llm_calls.newest()[0].tokens_in == 100


def test_invalid_replies_do_not_go_past_the_budget(open_door: OpenDoor) -> None:
    with ModelServer([{"name": "red"}]) as server:
        assert isinstance(open_door(server.base_url, retries=9, budget={"tokens": 500}).ask(question()), Unanswered)
    assert len(server.asked) == 3  # 120 tokens each, and a fourth might take more than the 140 that are left


def test_an_answer_that_unpacks_to_gigabytes_is_not_unpacked(open_door: OpenDoor) -> None:
    packed = gzip.compress(b" " * 50_000_000, 1)
    with ModelServer([Reply(packed, headers={"Content-Encoding": "gzip"})]) as server:
        found = open_door(server.base_url, retries=0).ask(question())
    assert isinstance(found, Unanswered)
    assert "larger than 8 MB" in found.why


def test_a_packed_answer_is_read(open_door: OpenDoor) -> None:
    def packed(body: dict[str, Any]) -> Reply:
        return Reply(gzip.compress(json.dumps(completion(body, RED)).encode()), headers={"Content-Encoding": "gzip"})

    with ModelServer(packed) as server:
        assert open_door(server.base_url).ask(question()) == Colour(name="red", warm=True)


def test_a_packed_answer_that_is_cut_short_is_asked_for_again(open_door: OpenDoor) -> None:
    def cut(body: dict[str, Any]) -> Reply:
        packed = gzip.compress(json.dumps(completion(body, RED)).encode())
        return Reply(packed[: len(packed) // 2], headers={"Content-Encoding": "gzip"})

    with ModelServer([cut, RED]) as server:
        assert open_door(server.base_url).ask(question()) == Colour(name="red", warm=True)


def test_a_redirect_is_not_followed_and_told_once(open_door: OpenDoor) -> None:
    with ModelServer([Reply(b"", 307, {"Location": "/elsewhere"})]) as server:
        door = open_door(server.base_url)
        found = [door.ask(question(text)) for text in ("one", "two")]
    assert all(isinstance(one, Unanswered) and "sends to another address (307)" in one.why for one in found)
    assert [one.path for one in server.asked] == ["/v1/chat/completions"]


def test_headers_that_drip_are_left_in_time_and_then_nobody_is_asked(open_door: OpenDoor) -> None:
    done = threading.Event()

    def drip(taken: socket.socket) -> None:
        with taken, suppress(OSError):
            taken.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
            while not done.wait(0.05):
                taken.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        serving = [threading.Thread(target=lambda: drip(listening.accept()[0])) for _ in range(2)]
        for thread in serving:
            thread.start()
        door = open_door(f"http://127.0.0.1:{port}/v1", timeout="0.3 s")
        answers = [door.ask(question(f"And {number}?")) for number in range(3)]
        done.set()
        for thread in serving:
            thread.join()
    assert answers == [Unanswered("it did not answer in time")] * 3  # the third was not sent: nobody would accept it


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"choices": []}, "its answer is no chat completion: does llm.base_url name a chat API?"),
        ({"choices": None, "error": {"message": "no credit"}}, "it answered with an error: no credit"),
        ({"role": "assistant", "refusal": "I may not"}, "it declined to answer: I may not"),
        ({"role": "assistant", "content": "No."}, "its reply was never valid: it is not in the form that was asked "
         "for; try another llm.mode"),
        (b"<html>", "its answer is no JSON, or none that can be read: does llm.base_url name a chat API?"),
        ('{"name": "\ud800"}', "its reply was never valid: Input should be a valid string, unable to "
         "parse raw data as a unicode string"),
    ],
)  # fmt: skip
def test_an_answer_without_a_reply_is_told_in_words(open_door: OpenDoor, message: Any, said: str) -> None:
    def says(body: dict[str, Any]) -> Any:
        if not isinstance(message, dict):
            return Reply(message) if isinstance(message, bytes) else message
        whole = completion(body, RED)
        if "role" not in message:
            return Reply(whole | message)
        return Reply(whole | {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    with ModelServer(says) as server:
        assert open_door(server.base_url, retries=0).ask(question()) == Unanswered(said)


def test_an_address_that_is_none(open_door: OpenDoor) -> None:
    for address in ("nonsense", "http://[::1/v1"):
        found = open_door(address).ask(question(address))
        assert isinstance(found, Unanswered)
        assert found.why.startswith("llm.base_url is no address")


def test_a_provider_by_its_own_client_is_left_in_time_too(open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    path, done = "/serving-endpoints/chat/completions", threading.Event()

    def hang(asked: Asked) -> Any:
        done.wait(30)
        return completion(json.loads(asked.body), RED)

    with Api({path: hang}) as server:
        monkeypatch.setenv("DATABRICKS_HOST", server.url)
        door = open_door(None, model="databricks/llama", timeout="1 s", retries=1)
        began = time.monotonic()
        found = door.ask(question())
        assert isinstance(found, Unanswered)
        assert found.why == "it did not answer in time"
        assert time.monotonic() - began < 5
        assert len(server.asked) == 1  # it is not for that client to try again
        done.set()
        server.routes[path] = lambda asked: completion(json.loads(asked.body), RED)
        assert door.ask(question("again?")) == Colour(name="red", warm=True)


def test_of_two_who_ask_the_same_at_once_one_pays(open_door: OpenDoor, registry: Registry) -> None:
    begun, let = threading.Event(), threading.Event()

    def slow(_: Any) -> Any:
        begun.set()
        let.wait(5)
        return RED

    with ModelServer(slow) as server, ThreadPoolExecutor() as pool:
        first = pool.submit(open_door(server.base_url).ask, question())
        assert begun.wait(5)
        others = [pool.submit(open_door(server.base_url).ask, question()) for _ in range(3)]
        time.sleep(0.3)
        let.set()
        assert [one.result(5) for one in (first, *others)] == [Colour(name="red", warm=True)] * 4
    assert len(server.asked) == 1
    (call,) = registry.llm_calls.newest()
    assert call.reused == 3


def test_who_waits_for_an_answer_that_does_not_come_asks_itself(open_door: OpenDoor, registry: Registry) -> None:
    with ModelServer([RED]) as server:
        open_door(server.base_url).ask(question())
        call = registry.llm_calls.newest()[0]
        killed = {"state": "asking", "answer": None, "at": datetime.now(UTC)}
        registry.llm_calls.end(call.id, call.model_copy(update=killed))
        started = time.monotonic()
        found = open_door(server.base_url, timeout="1 s").ask(question())
        assert found == Colour(name="red", warm=True)
    assert 0.8 < time.monotonic() - started < 4
    assert len(server.asked) == 2


def test_who_waits_asks_where_the_other_fails(open_door: OpenDoor) -> None:
    begun, let = threading.Event(), threading.Event()

    def says(_: Any) -> Any:
        if begun.is_set():
            return RED
        begun.set()
        let.wait(5)
        return Reply({"error": {"message": "no"}}, 400)

    with ModelServer(says) as server, ThreadPoolExecutor() as pool:
        first = pool.submit(open_door(server.base_url).ask, question())
        assert begun.wait(5)
        second = pool.submit(open_door(server.base_url).ask, question())
        time.sleep(0.3)
        let.set()
        assert isinstance(first.result(5), Unanswered)
        assert second.result(5) == Colour(name="red", warm=True)
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_provider_s_own_client_is_sent_nowhere_else(status: int) -> None:
    with ModelServer([RED]) as other:
        elsewhere = Reply(
            b"", status, {"Location": f"{other.base_url}/chat/completions".replace("127.0.0.1", "localhost")}
        )
        with ModelServer([elsewhere]) as server:
            client = openai.OpenAI(base_url=server.base_url, api_key="sk-planted-key-123")
            hold_back(SimpleNamespace(sdk=SimpleNamespace(client=client)), 5.0)
            with pytest.raises(openai.APIStatusError) as raised:
                client.chat.completions.create(model="x", messages=[{"role": "user", "content": "planted"}])
            assert len(server.asked) == 1
        assert other.asked == []
    assert failure_of(raised.value).for_good


def test_a_status_that_is_called_a_code_is_understood() -> None:
    class APIError(Exception):
        code = 401

    assert failure_of(APIError("401 Unauthorized")).message.startswith("it refused the key (401)")


@pytest.mark.parametrize(
    ("answer", "attempts"), [(Reply(b'{"id": "half'), 2), (Reply(b'{"created": ' + b"9" * 50_000 + b"}"), 2),
                             (Reply(completion({}, RED), cut=40), 2)],
)  # fmt: skip
def test_what_was_answered_and_cannot_be_read_counts_as_read(
    open_door: OpenDoor, registry: Registry, answer: Reply, attempts: int
) -> None:
    with ModelServer([answer]) as server:
        open_door(server.base_url, retries=1).ask(question("x" * 3000))
        assert len(server.asked) == attempts
    call = registry.llm_calls.newest()[0]
    assert call.tokens_in >= 1000 * attempts
    assert call.error is not None
    assert not call.error.startswith("InstructorRetry")


def test_a_status_that_nobody_knows_is_a_refusal(open_door: OpenDoor) -> None:
    with ModelServer([Reply({}, 999)]) as server:
        assert open_door(server.base_url).ask(question()) == Unanswered("it failed (999)")


def test_what_was_refused_costs_nothing(open_door: OpenDoor, registry: Registry) -> None:
    with ModelServer([TOO_MANY, BROKEN, RED]) as server:
        open_door(server.base_url).ask(question("x" * 3000))
    assert registry.llm_calls.newest()[0].tokens_in == 100


@pytest.mark.parametrize(
    ("status", "error"),
    [(402, {"message": "Insufficient Balance"}), (429, {"message": "see billing", "code": "insufficient_quota"})],
)
def test_an_empty_account_is_said_once_and_not_asked_again(
    open_door: OpenDoor, status: int, error: dict[str, str]
) -> None:
    with ModelServer([Reply({"error": error}, status)]) as server:
        door = open_door(server.base_url)
        first = door.ask(question())
        assert door.ask(question("And this?")) == first
        assert len(server.asked) == 1
    assert first == Unanswered(f"its account has nothing left to pay with ({status}): {error['message']}")
