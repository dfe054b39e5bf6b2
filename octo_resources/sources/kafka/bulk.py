"""Messages whose values are JSON objects, made into the text of many lines at once: a third of what one by one costs.

The usual message is an object that begins with its first key and stands on one line, with a time, without headers. What
is odd among them is left to who makes lines one by one, and stands in its place.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from octo_core.offsets import Place
from octo_resources.sources.kafka.message import prefix_of

if TYPE_CHECKING:
    from confluent_kafka import Message

    from octo_resources.sources.kafka.keys import Keys

_BRACE, _QUOTE, _END = b'{"}'
_LONGEST: Final = 2**31 - 1
_ODD_SHARE: Final = 0.05
"""Odd ones among a partition's messages beyond which all are made one by one."""


class Text(NamedTuple):
    """Lines as a file holds them, each with its end."""

    data: bytes | pa.Buffer
    rows: int


Lines = Callable[[Place, "Sequence[Message]"], list[bytes]]
"""The lines of messages of one partition, without their ends."""
Bulk = Callable[[Place, "Sequence[Message]"], Text]
"""The same with their ends, as one text."""


def text_of_lines(lines: Lines) -> Bulk:
    """For messages that are made into lines one by one."""

    def text(place: Place, messages: "Sequence[Message]") -> Text:
        made = lines(place, messages)
        return Text(b"".join(line + b"\n" for line in made), len(made))

    return text


def json_text(keys: "Keys", lines: Lines) -> Bulk:
    """For values that are JSON objects; `lines` makes those that are odd."""
    one_by_one = text_of_lines(lines)

    def text(place: Place, messages: "Sequence[Message]") -> Text:
        values = [message.value() for message in messages]
        headers = [message.headers() for message in messages]
        kinds, times = zip(*[message.timestamp() for message in messages], strict=True)
        if None not in values and not any(headers) and all(kinds):
            usual = _usual(place, messages, values, times, keys)
            if usual is not None:
                return usual
        odd = [
            number
            for number, (value, kind, header) in enumerate(zip(values, kinds, headers, strict=True))
            if _is_odd(value) or not kind or header
        ]
        if not odd or len(odd) > len(messages) * _ODD_SHARE:
            return one_by_one(place, messages)
        return _parted(place, messages, odd, text, one_by_one)

    return text


def _is_odd(value: bytes | None) -> bool:
    return value is None or value[:2] != b'{"' or value[-1:] != b"}" or b"\n" in value or b"\r" in value


def _parted(place: Place, messages: "Sequence[Message]", odd: Sequence[int], usual: Bulk, single: Bulk) -> Text:
    """The usual ones between the odd ones at once, and those by themselves."""
    made: list[Text] = []
    begin = 0
    for number in odd:
        if number > begin:
            made.append(usual(place, messages[begin:number]))
        made.append(single(place, messages[number : number + 1]))
        begin = number + 1
    if begin < len(messages):
        made.append(usual(place, messages[begin:]))
    return Text(b"".join(bytes(one.data) for one in made), sum(one.rows for one in made))


def _usual(
    place: Place, messages: "Sequence[Message]", values: Sequence[Any], times: Sequence[int], keys: "Keys"
) -> Text | None:
    """The text of messages that are all usual; None where one of them is not."""
    found: Any = pa.array(values, pa.binary())
    if isinstance(found, pa.ChunkedArray):  # more than 2 GB
        return None
    places, raw = np.frombuffer(found.buffers()[1], np.int32), found.buffers()[2].to_pybytes()
    begins, ends, data = places[:-1], places[1:], np.frombuffer(raw, np.uint8)
    if (ends - begins).min() < len(b'{"":0}') or b"\n" in raw or b"\r" in raw:
        return None
    if (data[begins] != _BRACE).any() or (data[begins + 1] != _QUOTE).any() or (data[ends - 1] != _END).any():
        return None
    offsets = pa.array([message.offset() for message in messages], pa.int64())
    parts = (
        prefix_of(place), _digits(offsets), b',"_timestamp":', _digits(pa.array(times, pa.int64())), b',"_key":',
        *_keys(messages, keys), b',"_headers":null,"_deleted":false,', pc.binary_slice(found, 1, _LONGEST), b"\n",
    )  # fmt: skip
    arrays: list[Any] = [pa.scalar(one, pa.binary()) if isinstance(one, bytes) else one for one in parts]
    joined: Any = pc.binary_join_element_wise(*arrays, pa.scalar(b"", pa.binary()))
    return Text(joined.buffers()[2], len(messages))


def _digits(numbers: "pa.Array[Any]") -> "pa.Array[Any]":
    return numbers.cast(pa.string()).cast(pa.binary())


def _keys(messages: "Sequence[Message]", keys: "Keys") -> "tuple[bytes | pa.Array[Any], ...]":
    """The keys as JSON strings, in parts: quotes around those that are letters and digits, which need no escapes."""
    raws = [message.key() for message in messages]
    if keys.plain and None not in raws and b"".join(raws).isalnum():
        return b'"', pa.array(raws, pa.binary()), b'"'
    return (pa.array([keys.text(message) for message in messages], pa.binary()),)
