"""A client's settings from what a pipeline says, and what the brokers said when something fails."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from octo_core.errors import SourceError, UsageError
from octo_core.spec.sources import KafkaSecurity, KafkaSource
from octo_resources.redaction import redact
from octo_resources.sources.place import Place, Revealer

PATIENCE: Final = 20.0
"""Seconds that brokers have for an answer."""
LATE: Final = 3.0
"""Seconds without an answer after which somebody who looks is told."""
Late = Callable[[str], None]
"""Told in words that the brokers have not answered for LATE, while they are still waited for."""

# What librdkafka says of connections lands in `Said` and in errors, not on the terminal.
quiet = logging.getLogger("octopipe.kafka")
quiet.addHandler(logging.NullHandler())
quiet.propagate = False

_LOGIN: Final = "Look at `security:` of the source: mechanism, username, password; ca, certificate, key."
_READING: Final = frozenset({"enable.auto.commit", "enable.partition.eof", "isolation.level", "auto.offset.reset"})
_WRITING: Final = frozenset({"acks", "request.required.acks", "enable.idempotence", "transactional.id"})
_OWN: Final = _READING | _WRITING
"""Settings that exactness rests on: of reading, and of what is pushed, announced and set aside into topics."""
_NOT_TO_SET: Final = "is not for a pipeline to set: what is read and written exactly once rests on it"
_BY_ITSELF: Final = re.compile(
    r"configuration property|^Expected \w+ value for|requires? a callable|callable function", re.I
)
"""How librdkafka and its binding speak of one setting's name or value, also where they call it by another name."""


def unheard(_: str) -> None:
    """A `Late` that nobody looks at."""


class Said:
    """The newest complaints of a client: its calls only say that they failed."""

    def __init__(self) -> None:
        self.last: list[str] = []

    def forget(self) -> None:
        """What was said of an earlier question is none of the next one's: a login that was once refused, for example,
        while a broker came up."""
        self.last = []

    def late(self) -> str:
        return f"the brokers have not answered for {LATE:.0f} s ({str(self) or 'without a word'})"

    def __call__(self, error: Any) -> None:
        self.last = [*self.last[-4:], str(error.str())]

    @property
    def refused(self) -> bool:
        """Whether waiting longer is of no use: who asks is not let in."""
        return any(sign in text for text in self.last for sign in ("uthentication", "certificate"))

    def __str__(self) -> str:
        told = [text for text in dict.fromkeys(self.last) if "brokers are down" not in text] or self.last
        return redact("; ".join(told[-2:]))


def client_settings(spec: KafkaSource, place: Place) -> dict[str, Any]:
    """librdkafka's settings, secrets revealed: hand them to a client and to nothing else. UsageError."""
    if find_spec("confluent_kafka") is None:
        raise UsageError("Kafka needs the package confluent-kafka", hint="pip install 'octopipe[kafka]'")
    reveal = place.secrets.reveal
    unfit = sorted(_OWN & spec.settings.keys())
    if unfit:
        raise UsageError(f"{unfit[0]} {_NOT_TO_SET}")
    found: dict[str, Any] = {
        "bootstrap.servers": ",".join(reveal(broker) for broker in spec.brokers),
        "client.id": "octopipe",
        "socket.keepalive.enable": True,
    }
    if spec.security is not None:
        found |= _security(spec.security, place)
    return found | {name: reveal(value) for name, value in spec.settings.items()}


def unfit_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Name → what is wrong with it, of a source's `settings`; no broker is asked. Nothing where Kafka's client is not
    installed."""
    if not settings or find_spec("confluent_kafka") is None:
        return {}
    found = dict.fromkeys(_OWN & settings.keys(), _NOT_TO_SET)
    return found | {
        name: f"is not taken by the Kafka client: {said}"
        for name, value in settings.items()
        if name not in _OWN and (said := _refusal(name, value))
    }


def _refusal(name: str, value: str) -> str | None:
    """What librdkafka has against one setting by itself, of who reads or writes: not what it lacks beside others."""
    from confluent_kafka import Consumer, KafkaException, Producer

    try:
        Consumer({"group.id": "octopipe", "log_level": 0, name: value}).close()
        Producer({"enable.idempotence": True, "log_level": 0, name: value})
    except (KafkaException, TypeError, ValueError) as failure:
        said = _said_of(failure)
        unknown = said.startswith("No such configuration property")
        ours = _BY_ITSELF.search(said) is not None or "when `enable.idempotence`" in said
        if unknown or (ours and "${" not in value):  # a secret's reference is no value yet
            return said
    return None


def _said_of(failure: Exception) -> str:
    """What a client in the making was refused for: a KafkaError's text, or what the binding says itself."""
    error = failure.args[0] if failure.args else failure
    return str(error.str() if hasattr(error, "str") else error).strip()


def consumer_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """The same for a consumer that is told its offsets, commits none, and sees what is committed only."""
    return {
        "group.id": "octopipe",
        "fetch.queue.backoff.ms": 5,
        "fetch.wait.max.ms": 100,
        "queued.max.messages.kbytes": 65_536,
        **settings,
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        "auto.offset.reset": "error",
    }


def _security(said: KafkaSecurity, place: Place) -> dict[str, Any]:
    reveal = place.secrets.reveal
    tls = said.tls or said.ca is not None or said.certificate is not None
    sasl = said.mechanism is not None or said.username is not None
    found: dict[str, Any] = {
        "security.protocol": ("SASL_SSL" if tls else "SASL_PLAINTEXT") if sasl else ("SSL" if tls else "PLAINTEXT")
    }
    if sasl:
        found["sasl.mechanism"] = said.mechanism or "PLAIN"
    paths = {"ssl.ca.location": said.ca, "ssl.certificate.location": said.certificate, "ssl.key.location": said.key}
    found |= {name: _file(path, place.root, name, reveal) for name, path in paths.items() if path is not None}
    texts = {"sasl.username": said.username, "sasl.password": said.password, "ssl.key.password": said.key_password}
    found |= {name: reveal(text) for name, text in texts.items() if text is not None}
    if said.token_url is not None:
        found |= {"sasl.oauthbearer.method": "oidc", "sasl.oauthbearer.token.endpoint.url": reveal(said.token_url)}
        oauth = {"client.id": said.client_id, "client.secret": said.client_secret, "scope": said.scope}
        found |= {f"sasl.oauthbearer.{name}": reveal(text) for name, text in oauth.items() if text is not None}
    return found


def _file(path: str, root: Path, name: str, reveal: Any) -> str:
    found = root / str(reveal(path))
    if not found.is_file():
        raise UsageError(f"security: there is no file {path!r}", where=name, hint="Paths start at the project folder.")
    return str(found)


def reveal_brokers(spec: KafkaSource, secrets: Revealer) -> str:
    """The brokers' addresses, for messages."""
    return ",".join(redact(secrets.reveal(one)) for one in spec.brokers)


@contextmanager
def configured() -> Iterator[None]:
    """Around a client in the making: what librdkafka has against its settings is a UsageError."""
    from confluent_kafka import KafkaException

    try:
        yield
    except (KafkaException, TypeError, ValueError) as failure:
        said = redact(_said_of(failure))
        hint = "Look at `settings:` and `security:` of the topic; their names are librdkafka's."
        raise UsageError(f"the Kafka client takes no such settings: {said}", hint=hint) from None


@contextmanager
def broker_errors(brokers: str, said: Said) -> Iterator[None]:
    """Turns the client's exceptions into SourceErrors that say what the brokers said."""
    from confluent_kafka import KafkaError, KafkaException

    said.forget()
    try:
        yield
    except KafkaException as failure:
        error = failure.args[0]
        code = error.code()
        told = str(said) or redact(str(error.str()))
        if code in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED) or said.refused:
            hint, retry = _LOGIN, False
        elif code in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED):
            hint, retry = "The user needs Read and Describe on the topic, and Read on the group `octopipe`.", False
        else:
            hint, retry = "Is the address right, and does the broker run? `security:` says how it is spoken to.", True
        raise SourceError(
            f"Kafka does not answer as it should: {told}", where=brokers, hint=hint, retryable=retry
        ) from (None)
