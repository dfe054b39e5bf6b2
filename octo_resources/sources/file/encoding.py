"""Which encoding a text file is in: by its byte-order mark, by being UTF-8, by its zeros, else by its letters."""

import codecs
import re
from typing import Final

from octo_resources.sources.file.letters import by_letters, is_japanese

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Tried by charset-normalizer, in its own order of likelihood; the ones that files in the wild are in.
_LIKELY: Final = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "koi8_r", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr",
    "mac_roman", "cp850",
]  # fmt: skip
_EVIDENCE = 64_000
_TORN = re.compile(r"(?<=[^\W\d_])[¹³£¿¯¥¼¾](?=[^\W\d_])|£(?=[^\W\d_])")


def encoding_of(head: bytes, foreign: bytes = b"") -> str:
    """Python's name of the encoding. `foreign`: bytes around places further on that are no UTF-8, if there are any."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    wide = _wide(head[:4096])
    if wide:
        return wide
    evidence = foreign or head
    if not foreign and is_utf8(head):
        return "utf-8"
    if mostly_utf8(evidence):
        return "utf-8"
    return _by_letters(evidence)


def is_utf8(head: bytes) -> bool:
    """Whether the bytes are UTF-8; the last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def mostly_utf8(evidence: bytes) -> bool:
    """UTF-8 with a few spoilt places: real multi-byte letters outnumber the bytes that are none."""
    text = evidence.decode("utf-8", "replace")
    spoilt = text.count("\ufffd")
    return sum(letter > "\x7f" for letter in text) - spoilt > spoilt


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark shows by zeros at every other place."""
    if b"\x00" not in head or len(head) < 4:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > half * 0.4 and even < half * 0.1:
        return "utf-16-le"
    if even > half * 0.4 and odd < half * 0.1:
        return "utf-16-be"
    return None


def _by_letters(evidence: bytes) -> str:
    lines = [line for line in evidence.splitlines() if not line.isascii()]
    letters = b"\n".join(lines)[:_EVIDENCE]
    for name in ("shift_jis", "euc_jp"):
        if is_japanese(letters.rpartition(b"\n")[0] or letters, name):
            return name
    told = by_letters(letters)
    if told is not None:
        return told
    from charset_normalizer import from_bytes  # 40 ms, and only where the letters do not tell

    matches = from_bytes(letters, cp_isolation=_LIKELY)
    best = matches.best()
    if best is None:
        return "cp1252"
    equal = [one for one in matches if (one.chaos, one.coherence) == (best.chaos, best.coherence)]
    # Of equals the commonest, unless it puts symbols into words. It holds ISO 8859-1's letters and more.
    if any("cp1252" in one.could_be_from_charset for one in equal) and not _TORN.search(
        letters.decode("cp1252", "replace")
    ):
        return "cp1252"
    return best.encoding
