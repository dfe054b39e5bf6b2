"""Schemas from a registry, by confluent-kafka's own client: each is asked for once."""

from collections import Counter
from time import monotonic
from typing import Any, Final

from octo_core.errors import SourceError, UsageError
from octo_core.spec.sources import SchemaRegistry
from octo_resources.redaction import redact
from octo_resources.sources.kafka.decoding import Decode, framed
from octo_resources.sources.kafka.values import Unreadable, json_value
from octo_resources.sources.place import Place

_NO_SUCH_SCHEMA: Final = frozenset({40401, 40402, 40403})
"""The registry's own words that it has no such subject, version or schema. A 404 of another kind is no registry's: an
address that leads elsewhere is no message's fault."""
_OURS: Final = frozenset({400, 401, 403, 404})
"""Answers that stay as they are until the pipeline file is another one."""
AGAIN: Final = 10.0
"""Seconds after which a schema that could not be had is asked for once more: a registry's followers lag, and a stream
outlives what was registered too late."""


class Registered:
    """A registry and what came from it. A message is described by the schema whose number it begins with. `notes`
    counts what is worth knowing of messages."""

    def __init__(self, said: SchemaRegistry, place: Place, notes: Counter[str]) -> None:
        from confluent_kafka.schema_registry import SchemaRegistryClient  # 0.3 s

        self._notes = notes
        reveal = place.secrets.reveal
        self._url = reveal(said.url)
        settings: dict[str, Any] = {"url": self._url, "max.retries": 2, "retries.wait.ms": 200, "timeout": 10}
        if said.username is not None:
            settings["basic.auth.user.info"] = f"{reveal(said.username)}:{reveal(said.password or '')}"
        if said.ca is not None:
            settings["ssl.ca.location"] = str(place.root / reveal(said.ca))
        self._client = SchemaRegistryClient(settings)
        self._descriptors = SchemaRegistryClient(settings)  # a client keeps what it got, whatever form it is asked for
        self._known: dict[int, Decode] = {}
        self._unusable: dict[int, tuple[str, float]] = {}
        """Number → why nothing of it can be read, and until when nobody is asked again."""

    def __enter__(self) -> "Registered":
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()
        self._descriptors.close()

    def json(self, topic: str, raw: bytes) -> bytes:
        """The message's JSON. Raises Unreadable; SourceError where the registry does not answer."""
        number, rest = framed(raw)
        decode = self._known.get(number)
        return (decode if decode is not None else self._made(number))(topic, rest)

    def _made(self, number: int) -> Decode:
        """What reads messages of a schema from now on. Raises Unreadable where there is no such thing, or it is none:
        that is about the messages that name it, and no others."""
        why, until = self._unusable.get(number, ("", 0.0))
        if monotonic() < until:
            raise Unreadable(why)
        try:
            made = self._known[number] = self._decoder(number)
        except (Unreadable, UsageError) as error:
            why = error.message if isinstance(error, UsageError) else str(error)
            self._unusable[number] = why, monotonic() + AGAIN
            raise Unreadable(why) from None
        return made

    def _decoder(self, number: int) -> Decode:
        schema = self._asked(lambda: self._client.get_schema(number))
        if schema is None:
            raise Unreadable(f"the registry has no schema {number}")
        if schema.schema_type in (None, "AVRO"):
            from octo_resources.sources.kafka.avro import avro_decoder

            return avro_decoder(str(schema.schema_str), [text for _, text in self._needed(schema)])
        if schema.schema_type == "PROTOBUF":
            from octo_resources.sources.kafka.protobuf import protobuf_decoder

            whole = self._asked(lambda: self._descriptors.get_schema(number, fmt="serialized"))
            if whole is None:
                raise Unreadable(f"the registry has no schema {number}")
            return protobuf_decoder(str(whole.schema_str), self._needed(whole, "serialized"), self._notes)
        return lambda _, rest: json_value(rest)

    def _needed(self, schema: Any, fmt: str | None = None) -> list[tuple[str, str]]:
        """Name and text of the schemas that one names, each once and after those that it names itself."""
        found: dict[str, str] = {}
        for one in schema.references or []:
            other = self._referred(one, fmt)
            found |= {name: text for name, text in self._needed(other, fmt) if name not in found}
            found[str(one.name)] = str(other.schema_str)
        return list(found.items())

    def _referred(self, one: Any, fmt: str | None = None) -> Any:
        client = self._client if fmt is None else self._descriptors
        found = self._asked(lambda: client.get_version(one.subject, one.version, fmt=fmt))
        if found is None:
            raise Unreadable(f"the registry has no {one.subject} {one.version}, which the schema needs")
        return found.schema

    def _asked(self, ask: Any) -> Any:
        """The registry's answer; None where there is no such thing."""
        from confluent_kafka.schema_registry.error import SchemaRegistryError

        try:
            return ask()
        except SchemaRegistryError as error:
            if error.http_status_code == 404 and error.error_code in _NO_SUCH_SCHEMA:  # no gateway's 503
                return None
            told = f"it says {error.http_status_code}: {error.error_message}"
            raise self._silent(told, passing=error.http_status_code not in _OURS) from None
        except Exception as error:  # noqa: BLE001 - of whichever HTTP library the client uses
            raise self._silent(str(error) or type(error).__name__) from None

    def _silent(self, why: str, *, passing: bool = True) -> SourceError:
        return SourceError(
            f"the schema registry does not answer: {redact(why)}",
            where=redact(self._url),
            hint="Nothing was read. Is the address right, and does it run? `schema_registry:` of the source says it.",
            retryable=passing,
        )
