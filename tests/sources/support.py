"""Reading what landed."""

import gzip
import json
from collections.abc import Callable

import zstandard

from octo_core.batch import Batch
from octo_resources.landing import Landing

LandFile = Callable[..., Batch | None]
LandRest = Callable[..., Batch | None]


def content(landing: Landing, batch: Batch, number: int = 0) -> bytes:
    """A landed file's bytes, decompressed."""
    file = batch.files[number]
    data = landing.open_file(batch, file).read_bytes()
    if file.compression == "zstd":
        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
            return reader.read()
    return gzip.decompress(data) if file.compression == "gzip" else data


def records_of(landing: Landing, batch: Batch) -> list[object]:
    """All records of a batch of JSON lines."""
    texts = [content(landing, batch, number) for number in range(len(batch.files))]
    return [json.loads(line) for text in texts for line in text.splitlines()]
