"""Text in Spark's SQL, where Java's own rules for letters are not letter by letter, or of another Unicode."""

import re
from typing import Final

from octo_core.expressions.spark_names import literal, named

_UPPER_FROM: Final = "ßᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾳῃῳ"
_UPPER_TO: Final = "ẞᾈᾉᾊᾋᾌᾍᾎᾏᾘᾙᾚᾛᾜᾝᾞᾟᾨᾩᾪᾫᾬᾭᾮᾯᾼῌῼ"
_UPPER_ODD: Final = (
    r"ßŉƛǰɤΐΰև\x{1C8A}ẖ-ẚὐὒὔὖ\x{1F80}-\x{1FAF}ᾲ-ᾴᾶᾷᾼῂ-ῄῆῇῌῒ\x{1FD3}ῖῗῢ-ῤῦῧῲ-ῴῶῷῼ\x{A7CD}\x{A7CF}\x{A7D3}\x{A7D5}\x{A7DB}"
    r"ﬀ-ﬆﬓ-ﬗ\x{10D70}-\x{10D85}\x{16EBB}-\x{16ED3}"
)
"""Letters that Java makes several of, or that got their capital after Unicode 15: for each there is one, or none."""
_LOWER_ODD: Final = (
    r"İΣ\x{1C89}\x{A7CB}\x{A7CC}\x{A7CE}\x{A7D2}\x{A7D4}\x{A7DA}\x{A7DC}\x{10D50}-\x{10D65}\x{16EA0}-\x{16EB8}"
)
"""The same for capitals; Java's small sigma depends on where in the word it is."""
_WORD: Final = (
    r"\p{L}\p{N}\x{870}-\x{887}\x{889}-\x{88E}\x{8B5}\x{8C8}\x{8C9}\x{C5D}\x{CDD}\x{170D}\x{171F}\x{1B4C}\x{2C2F}"
    r"\x{2C5F}\x{9FFD}-\x{9FFF}\x{A7C0}\x{A7C1}\x{A7D0}\x{A7D1}\x{A7D3}\x{A7D5}-\x{A7D9}\x{A7F2}-\x{A7F4}"
    r"\x{10570}-\x{1057A}\x{1057C}-\x{1058A}\x{1058C}-\x{10592}\x{10594}\x{10595}\x{10597}-\x{105A1}"
    r"\x{105A3}-\x{105B1}\x{105B3}-\x{105B9}\x{105BB}\x{105BC}\x{10780}-\x{10785}\x{10787}-\x{107B0}"
    r"\x{107B2}-\x{107BA}\x{10F70}-\x{10F81}\x{11071}\x{11072}\x{11075}\x{1123F}\x{11240}\x{11740}-\x{11746}"
    r"\x{11AB0}-\x{11ABF}\x{11F02}\x{11F04}-\x{11F10}\x{11F12}-\x{11F33}\x{11F50}-\x{11F59}\x{12F90}-\x{12FF0}"
    r"\x{1342F}\x{13441}-\x{13446}\x{16A70}-\x{16ABE}\x{16AC0}-\x{16AC9}\x{1AFF0}-\x{1AFF3}\x{1AFF5}-\x{1AFFB}"
    r"\x{1AFFD}\x{1AFFE}\x{1B11F}-\x{1B122}\x{1B132}\x{1B155}\x{1D2C0}-\x{1D2D3}\x{1DF00}-\x{1DF1E}"
    r"\x{1DF25}-\x{1DF2A}\x{1E030}-\x{1E06D}\x{1E290}-\x{1E2AD}\x{1E4D0}-\x{1E4EB}\x{1E4F0}-\x{1E4F9}"
    r"\x{1E7E0}-\x{1E7E6}\x{1E7E8}-\x{1E7EB}\x{1E7ED}\x{1E7EE}\x{1E7F0}-\x{1E7FE}\x{2A6DE}\x{2A6DF}"
    r"\x{2B735}-\x{2B739}\x{31350}-\x{323AF}"
)
"""Letters and digits of Unicode 15: Java 17 knows those of 13."""


def lower(text: str) -> str:
    """In lower case, letter by letter."""
    return _by_letter(text, "lower", _LOWER_ODD, "İΣ", "iσ")


def upper(text: str) -> str:
    """In upper case, letter by letter."""
    return _by_letter(text, "upper", _UPPER_ODD, _UPPER_FROM, _UPPER_TO)


def _by_letter(text: str, function: str, odd: str, before: str, after: str) -> str:
    p = named("p")
    pieces = f"regexp_extract_all({text}, {literal(f'[{odd}]|[^{odd}]+')}, 0)"
    kept = f"translate({p}, {literal(before)}, {literal(after)})"
    each = f"CASE WHEN {p} RLIKE {literal(f'^[{odd}]')} THEN {kept} ELSE {function}({p}) END"
    slow = f"array_join(transform({pieces}, {p} -> {each}), '')"
    return f"CASE WHEN {text} RLIKE {literal(f'[{odd}]')} THEN {slow} ELSE {function}({text}) END"


def initcap(text: str) -> str:
    """Each word with a capital first letter."""
    w = named("w")
    words = f"regexp_extract_all({text}, {literal(f'[{_WORD}]+|[^{_WORD}]+')}, 0)"
    each = f"concat({upper(f'left({w}, 1)')}, {lower(f'substring({w}, 2)')})"
    return f"array_join(transform({words}, {w} -> {each}), '')"


def like(pattern: str) -> str:
    """A pattern literal of LIKE: Spark's knows an escape, the language's does not."""
    return literal(re.sub(r"\\", r"\\\\", pattern))
