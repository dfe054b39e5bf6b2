"""Which single-byte encoding a few words are in, by the letters of languages: short texts say too little otherwise.

Wrong letters in the right rows are the worst reading: nothing fails. What is not clear here is left to others.
"""

import re
from typing import Final

# What is frequent in each script: decoded by another encoding of the same script, a text has few of these.
_SCRIPTS: Final = (
    ("cp1251", "оеаинтсрвлкм", "\u0400", "\u04ff"),
    ("koi8_r", "оеаинтсрвлкм", "\u0400", "\u04ff"),
    ("cp866", "оеаинтсрвлкм", "\u0400", "\u04ff"),
    ("cp1253", "αοιετσνηυρπκλάίόέ", "\u0370", "\u03ff"),
    ("cp1255", "יוהלאתמרשבכנ", "\u0590", "\u05ff"),
    ("cp1256", "اليومنرتبةدعحأ", "\u0600", "\u06ff"),
    ("cp874", "านรกอเงมยลวดทสตะปบคหพ่้ีัิุ", "\u0e00", "\u0e7f"),
)
_WEST: Final = "äöüßàâçéèêëîïôùûœæáíóúñåøìò"
# Letters beyond ASCII, language by language; of equals the first.
_LANGUAGES: Final = (
    ("cp1252", "äöüß"), ("cp1252", "àâçéèêëîïôùûüœæ"), ("cp1252", "áéíóúñü"), ("cp1252", "áâãàçéêíóôõú"),
    ("cp1252", "åäöæøé"), ("cp1252", "àèéìòù"), ("cp1254", "çğıöşüâî"), ("cp1252", "áðéíóúýþæö"), ("cp1252", _WEST),
    ("cp1250", "ąćęłńóśźż"), ("cp1250", "áčďéěíňóřšťúůýž"), ("cp1250", "áäčďéíĺľňóôŕšťúýž"), ("cp1250", "áéíóöőúüű"),
    ("cp1250", "ăâîşţ"), ("cp1250", "čćđšž"), ("iso8859_2", "ąćęłńóśźż"), ("iso8859_2", "áčďéěíňóřšťúůýž"),
    ("cp1254", "çğıöşüâî"),
)  # fmt: skip
_ENOUGH_OF_SCRIPT: Final = 0.55
_ENOUGH_OF_LANGUAGE: Final = 0.95
_MIXED: Final = 0.1
_WORD: Final = re.compile(rb"[A-Za-z\x80-\xff]+")
_HIGH: Final = re.compile(r"[^\x00-\x7f]")
_IN_WORDS: Final = re.compile(r"(?<=[^\W\d_])[^\x00-\x7f]|[^\x00-\x7f](?=[^\W\d_])|[^\W\d_\x00-\x7f]")
_TORN: Final = re.compile(r"(?<=[^\W\d_])[…«»°ºª§µ€](?=[^\W\d_])")
_PUNCTUATION: Final = frozenset("“”„’‘‚–—…«»·°ºª§µ€\xa0‹›")


def by_letters(text: bytes) -> str | None:
    """The encoding, or None where the letters do not tell."""
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    if not words:
        return None
    if all(_is_sign(word) for word in words):
        return "cp1252"
    words = [word for word in words if len(word) > 1] or words  # `12 €` is no word of another script
    mixed = sum(any(byte < 0x80 for byte in word) for word in words)
    return _by_script(text) if mixed <= _MIXED * len(words) else _by_language(text)


def _is_sign(word: bytes) -> bool:
    """Whether it is a sign such as € or ° standing alone, and no letter."""
    return len(word) == 1 and not word.decode("cp1252", "replace").isalpha()


def _by_script(text: bytes) -> str | None:
    """Words that have no ASCII letter at all: a script of its own."""
    found = [(_share_of_script(text, *script), script[0]) for script in _SCRIPTS]
    best, name = max(found)
    return name if best >= _ENOUGH_OF_SCRIPT else None


def _share_of_script(text: bytes, encoding: str, frequent: str, first: str, last: str) -> float:
    try:
        high = _HIGH.findall(text.decode(encoding))
    except UnicodeDecodeError:
        return 0.0
    letters = [one.lower() for one in high if one not in _PUNCTUATION]
    own = sum(first <= one <= last for one in letters)
    if not letters or own < 0.9 * len(letters):
        return 0.0
    return sum(one in frequent for one in letters) / len(letters)


def _by_language(text: bytes) -> str | None:
    """Words with a few letters beyond ASCII: the language that has them all."""
    best, name = 0.0, None
    for encoding, letters in _LANGUAGES:
        plain = text.decode(encoding, "replace")
        high = [one.lower() for one in _IN_WORDS.findall(plain) if one not in _PUNCTUATION] + _TORN.findall(plain)
        share = sum(one in letters or one == "i̇" for one in high) / len(high) if high else 0.0
        if share > best:
            best, name = share, encoding
    return name if best >= _ENOUGH_OF_LANGUAGE else None


def is_japanese(text: bytes, encoding: str) -> bool:
    """Whether the text, read so, is kana and kanji."""
    try:
        high = _HIGH.findall(text.decode(encoding))
    except UnicodeDecodeError:
        return False
    kana = sum("\u3040" <= one <= "\u30ff" for one in high)
    own = sum("\u3000" <= one <= "\u9fff" or "\uff01" <= one <= "\uff60" for one in high)
    return bool(high) and kana >= 0.2 * len(high) and own >= 0.95 * len(high)
