"""Speaking to a broker that wants to know who asks: certificates, and passwords over TLS."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from demo.broker import PASSWORD, USER
from octo_core.errors import SourceError
from octo_resources.landing import Landing
from tests.kafka.test_extract import _extract, _records
from tests.kafka.topics import Topics
from tests.servers.api import Api, Asked, Reply
from tests.servers.kafka import Authority, SecureBroker


@pytest.fixture
def topic(topics: Topics) -> str:
    made = topics.make()
    topics.fill(made, ['{"a":1}'])
    return made


def _secure(topics: Topics) -> SecureBroker:
    assert isinstance(topics.broker, SecureBroker)
    return topics.broker


def _refused(landing: Landing, topics: Topics, topic: str, brokers: str, security: dict[str, Any]) -> str:
    with pytest.raises(SourceError) as caught:
        _extract(landing, topics.source(topic, brokers=brokers, security=security))
    return f"{caught.value} {caught.value.hint}"


def test_a_client_shows_its_certificate_and_sees_the_brokers(topics: Topics, landing: Landing, topic: str) -> None:
    broker = _secure(topics)
    ca, (certificate, key) = str(broker.authority.ca), broker.authority.issue("client")
    shown = {"ca": ca, "certificate": str(certificate), "key": str(key)}
    found = _extract(landing, topics.source(topic, brokers=broker.tls_address, security=shown))
    assert len(_records(found)) == 1


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_password_goes_by_tls(topics: Topics, landing: Landing, topic: str, mechanism: str) -> None:
    broker, password = _secure(topics), PASSWORD
    user = USER if mechanism == "PLAIN" else f"scram-{mechanism[-3:]}"
    if mechanism != "PLAIN":
        how = ScramCredentialInfo(getattr(ScramMechanism, mechanism.replace("-", "_")), 4096)
        asked = [UserScramCredentialUpsertion(user, how, password.encode())]
        topics.admin.alter_user_scram_credentials(asked)[user].result(30)
    said = {"mechanism": mechanism, "username": user, "password": password, "ca": str(broker.authority.ca)}
    source = topics.source(topic, brokers=broker.sasl_tls_address, security=said)
    assert len(_records(_extract(landing, source))) == 1
    if mechanism != "SCRAM-SHA-512":  # one of each kind is enough
        refused = _refused(landing, topics, topic, broker.sasl_tls_address, {**said, "password": "wrong one"})
        assert "uthentication" in refused
        assert "security" in refused
        assert "wrong one" not in refused


def test_a_token_is_asked_for_and_shown(topics: Topics, landing: Landing, topic: str) -> None:
    broker = _secure(topics)

    def token(asked: Asked) -> Reply:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        assert headers["authorization"] == "Basic " + base64.b64encode(b"octo:of-the-client").decode()
        now = int(time.time())
        parts = ({"alg": "none"}, {"sub": "octo", "iat": now, "exp": now + 600, "scope": "kafka"})
        texts = (base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts)
        return Reply({"access_token": ".".join([*texts, ""]), "token_type": "Bearer", "expires_in": 600})

    with Api({"/token": token}) as api:
        said = {
            "mechanism": "OAUTHBEARER", "token_url": f"{api.url}/token", "client_id": "octo",
            "client_secret": "of-the-client", "scope": "kafka", "ca": str(broker.authority.ca),
        }  # fmt: skip
        source = topics.source(topic, brokers=broker.sasl_tls_address, security=said)
        assert len(_records(_extract(landing, source))) == 1


def test_a_broker_that_nobody_vouches_for_is_not_spoken_to(
    topics: Topics, landing: Landing, topic: str, tmp_path: Path
) -> None:
    broker, other = _secure(topics), Authority(tmp_path / "other")
    certificate, key = other.issue("stranger")
    refused = _refused(
        landing, topics, topic, broker.tls_address,
        {"ca": str(other.ca), "certificate": str(certificate), "key": str(key)},
    )  # fmt: skip
    assert "certificate" in refused
    refused = _refused(landing, topics, topic, broker.tls_address, {"ca": str(broker.authority.ca)})
    assert "certificate" in refused or "handshake" in refused
