"""Pairs a source's values with the members of an enum or a CHECK list: by equality, abbreviation, meaning, letter."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from octo_core.mapping import units
from octo_core.mapping.evidence import folded
from octo_core.mapping.words import contracts, meanings, stem

_TRUE_WORDS: Final = "true t yes y 1 on ok si sí oui ja да 是 真 نعم active enabled positive x checked"
_FALSE_WORDS: Final = "false f no n 0 off non nein нет 否 假 لا inactive disabled negative unchecked"
_TRUE: Final = frozenset(_TRUE_WORDS.split())
_FALSE: Final = frozenset(_FALSE_WORDS.split())
_AGAINST_WORDS: Final = (
    "not no non never un without nicht kein keine nie ohne pas sans jamais sin nunca senza mai niet geen sem"
)
_AGAINST: Final = frozenset(_AGAINST_WORDS.split())
_NEARLY_ALL: Final = 0.8
"""Share of the rows whose values have to be true or false where others are neither."""
_NOTHING: Final = frozenset({"na", "n a", "null", "none", "nil", "nan", "unknown", "", "not available"})
_SAME: Final = (
    "active act enabled live open current a aktiv actif activo attivo 在职 启用 有效 نشط",
    "inactive disabled closed i inaktiv inactif inactivo inattivo 停用 无效",
    "cancelled canceled cancel c void voided annulled x storniert annule annulee cancelado cancelada annullato"
    " annullata geannuleerd avbokad anulowane anulowany 取消 已取消 キャンセル ملغى",
    "confirmed conf confirm bestatigt confirme confirmee confirmado confirmada confermato confermata bevestigd"
    " bekraftad potwierdzone potwierdzony 已确认 確認済み مؤكد",
    "pending waiting open new queued p offen ausstehend wartend en_attente pendiente pendente in_attesa in_afwachting"
    " oczekujace 待处理 待付款 保留",
    "in_progress processing ongoing started in_bearbeitung en_cours en_curso in_corso 进行中 处理中 قيد_التنفيذ",
    "in_transit underway on_the_way unterwegs en_route en_cours en_transit en_transito en_camino 运输中",
    "complete completed done finished fulfilled abgeschlossen erledigt termine completado completato 完成 已完成 مكتمل",
    "shipped sent dispatched s versandt verschickt expedie enviado spedito 已发货",
    "delivered received d zugestellt geliefert livre entregado consegnato 已送达 已签收",
    "returned refunded return r zuruckgesendet retourniert retourne devuelto reso 退货 已退货",
    "failed error failure rejected declined fehlgeschlagen abgelehnt echoue fallido 失败",
    "male m man mannlich herr homme masculin hombre masculino maschio 男 男性 ذكر",
    "female f woman w weiblich frau femme feminin mujer femenino femmina 女 女性 انثى",
    "other x nonbinary non_binary diverse divers d sonstige andere autre otro altro 其他",
    "unknown u other unspecified undetermined not_reported unbekannt inconnu desconocido 未知",
    "terminated left departed ausgeschieden sorti cesado 离职",
    "on_leave leave beurlaubt en_conge de_baja 休假",
    "full_time ft fulltime vollzeit temps_plein 全职",
    "part_time pt parttime teilzeit temps_partiel 兼职",
    "married m verheiratet marie casado 已婚",
    "single s unmarried ledig celibataire soltero 未婚",
    "divorced geschieden divorce divorciado 离异 离婚",
    "widowed verwitwet veuf viudo 丧偶",
    "high h hi hoch eleve alto 高",
    "medium mid med m mittel moyen medio 中",
    "low l lo niedrig bas bajo 低",
    "paid p settled bezahlt paye pagado 已付款 已支付",
    "unpaid due outstanding unbezahlt impaye impagado 未付款 未支付",
    "final endgultig definitif definitivo",
    "preliminary vorlaufig provisoire provisional preliminar provvisorio",
    "corrected amended korrigiert berichtigt corrige corregido corretto",
    "debit dr d soll debito",
    "credit cr c haben credito",
    "monday mon montag lundi lunes",
    "tuesday tue dienstag mardi martes",
    "wednesday wed mittwoch mercredi miercoles",
    "thursday thu donnerstag jeudi jueves",
    "friday fri freitag vendredi viernes",
    "saturday sat samstag samedi sabado",
    "sunday sun sonntag dimanche domingo",
)
_MALE, _FEMALE, _NEITHER = (
    frozenset(next(line for line in _SAME if line.startswith(f"{word} ")).split())
    for word in ("male", "female", "other")
)
_GENDERS: Final = ("mf", "mw", "hf", "hm", "mk", "mz", "mn", "ek", "fn", "мж")
"""Letters for men and women, in this order: hombre and mujer, kvinne, erkek and kadın, férfi and nő, nainen, žena. An M
or F among them may be the other one's. Not `mv`: a man and a vrouw, or a mujer and a varón.
"""


@dataclass(frozen=True, slots=True)
class ValueMap:
    """source value → member; `unmatched` source values have none; `quality` is 1.0 where all are equal.

    `guess`: a pair that nothing speaks for but that both are left, that goes against the letters (M → F), or that has
    but a word in common.
    """

    pairs: tuple[tuple[str, str], ...]
    unmatched: tuple[str, ...]
    quality: float
    guess: tuple[str, str] | None = None

    @property
    def identical(self) -> bool:
        return all(left == right for left, right in self.pairs) and not self.unmatched


def map_values(values: Sequence[str], members: Sequence[str], shares: Sequence[float] = ()) -> ValueMap:
    """The best pairing of values with members; several values may share a member (`C`, `cancelled`). `shares`: how much
    each value counts for the quality, as much as another where nothing is said.
    """
    found = {value: (member, 0.9) for value, member in _genders(values, members).items()}
    guess = next(((one, member) for one, (member, _) in found.items() if _names_another(one, member, members)), None)
    for grade, pairing in (
        (1.0, _equal),
        (0.9, _meaning),
        (0.9, _unit),
        (0.85, _letters),
        (0.8, _beginning),
        (0.75, _contraction),
        (0.7, _one_word),
        (0.65, _initial),
    ):
        for value in values:
            if value not in found:
                taken = {member for member, _ in found.values()} if grade < 0.9 else set()
                member = pairing(value, [one for one in members if one not in taken])
                if member is not None:
                    found[value] = (member, grade)
                    guess = guess or ((value, member) if pairing is _one_word else None)
    unmatched = tuple(value for value in values if value not in found and folded(value) not in _NOTHING)
    free = [one for one in members if one not in {member for member, _ in found.values()}]
    if len(unmatched) == len(free) == 1 and _may_be_left(unmatched[0], free[0], values, members):
        guess = (unmatched[0], free[0])
        found[unmatched[0]], unmatched = (free[0], 0.5), ()
    weights = dict(zip(values, shares, strict=True)) if len(shares) == len(values) else dict.fromkeys(values, 1.0)
    graded = [(weights[value], grade) for value, (_, grade) in found.items()]
    total = sum(weight for weight, _ in graded) + sum(weights[value] for value in unmatched)
    pairs = tuple((value, found[value][0]) for value in values if value in found)
    quality = sum(weight * grade for weight, grade in graded) / total if total else 0.0
    return ValueMap(pairs, unmatched, quality, guess)


def _may_be_left(value: str, member: str, values: Sequence[str], members: Sequence[str]) -> bool:
    """Whether a value and a member that are left may be a pair: a letter is the member, or, of two, one of them."""
    if len(values) > 2:
        return len(member) == 1
    return len(values) == len(members) == 2 and 1 in (len(value), len(member))


def _names_another(value: str, member: str, members: Sequence[str]) -> bool:
    """Whether a value is paired with a member though another is written as it is."""
    return folded(value) != folded(member) and folded(value) in map(folded, members)


def _genders(values: Sequence[str], members: Sequence[str]) -> dict[str, str]:
    """The pairs of letters for men and women in two languages, or of such letters and words; else empty."""
    theirs, wanted = _sides(values), _sides(members)
    if theirs is None or wanted is None or {_letters_of(theirs), _letters_of(wanted)} <= {"mf", ""}:
        return {}
    return {} if _letters_of(theirs) == _letters_of(wanted) else dict(zip(theirs, wanted, strict=True))


def _letters_of(sides: tuple[str, str]) -> str:
    """The letters of two sides; empty for words."""
    joined = "".join(map(folded, sides))
    return joined if len(joined) == 2 else ""


def _sides(codes: Sequence[str]) -> tuple[str, str] | None:
    """Which of the codes says men and which women, where two do and the rest says neither."""
    said = [one for one in codes if folded(one) not in _NOTHING | _NEITHER and folded(one) not in ("u", "0")]
    by_letter = {folded(one): one for one in said}
    if len(said) != 2 or len(by_letter) != 2:
        return None
    known = next((pair for pair in _GENDERS if set(pair) == set(by_letter)), None)
    if known is not None:
        return by_letter[known[0]], by_letter[known[1]]
    men = [one for one in said if len(one) > 1 and folded(one) in _MALE]
    women = [one for one in said if len(one) > 1 and folded(one) in _FEMALE]
    return (men[0], women[0]) if len(men) == len(women) == 1 else None


def truths(values: Sequence[str], shares: Sequence[float] = ()) -> ValueMap | None:
    """Values as `true` and `false`, or None where they are no two-sided code: all of them, or by their `shares` nearly
    all rows.
    """
    pairs, unmatched = [], []
    for value in values:
        key = folded(value)
        if key in _TRUE or key in _FALSE:
            pairs.append((value, "true" if key in _TRUE else "false"))
        elif key not in _NOTHING:
            unmatched.append(value)
    known = dict(zip(values, shares, strict=True)) if len(shares) == len(values) else {}
    told = sum(known.get(value, 0.0) for value, _ in pairs)
    if len({side for _, side in pairs}) < 2 or (unmatched and told < _NEARLY_ALL):
        return None
    return ValueMap(tuple(pairs), tuple(unmatched), 0.9)


def _equal(value: str, members: Sequence[str]) -> str | None:
    exact = next((member for member in members if member == value), None)
    key = folded(value).replace(" ", "")
    return exact or next((member for member in members if folded(member).replace(" ", "") == key and key), None)


def _meaning(value: str, members: Sequence[str]) -> str | None:
    key = folded(value)
    found = [member for member in members if stem(folded(member)) == stem(key)]
    if not found and len(key) > 1:
        found = [member for member in members if _groups(key) & _groups(folded(member))]
        if not found:
            found = [member for member in members if meanings(key) & meanings(folded(member))]
    return found[0] if len(found) == 1 else None


def _unit(value: str, members: Sequence[str]) -> str | None:
    """The member that is the same unit of measure: Kilogramm is kg."""
    meant = set(units.named(value))
    found = [member for member in members if meant & set(units.named(member))] if meant else []
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=4096)
def _groups(key: str) -> frozenset[str]:
    """The lines of _SAME that have a folded value."""
    word = key.replace(" ", "_")
    return frozenset(line for line in _SAME if word in line.split())


def _letters(value: str, members: Sequence[str]) -> str | None:
    """The first letters of the other's words, one or more of each: FT is full_time, no-show is NOSH."""
    found = [member for member in members if _is_short_for(value, member) or _is_short_for(member, value)]
    return found[0] if len(found) == 1 else None


def _is_short_for(short: str, long: str) -> bool:
    key, parts = folded(short).replace(" ", ""), folded(long).split()
    return len(key) >= len(parts) > 1 and re.fullmatch(_beginnings(tuple(parts)), key) is not None


@lru_cache(maxsize=4096)
def _beginnings(parts: tuple[str, ...]) -> str:
    """A pattern of at least one letter of each of these words, from its beginning on."""
    return "".join(
        re.escape(part[0]) + "".join(f"(?:{re.escape(letter)}" for letter in part[1:]) + ")?" * (len(part) - 1)
        for part in parts
    )


def _one_word(value: str, members: Sequence[str]) -> str | None:
    """A word of the value that is a member: checked out may be OUT, as not paid is not PAID."""
    parts = folded(value).split()
    if not _AGAINST.isdisjoint(parts):
        return None
    found = [member for member in members if len(parts) > 1 and len(folded(member)) > 2 and folded(member) in parts]
    return found[0] if len(found) == 1 else None


def _beginning(value: str, members: Sequence[str]) -> str | None:
    key = folded(value)
    found = [
        member
        for member in members
        if len(key) >= 2
        and (folded(member).startswith(key) or (len(folded(member)) >= 3 and key.startswith(folded(member))))
    ]
    return found[0] if len(found) == 1 else None


def _contraction(value: str, members: Sequence[str]) -> str | None:
    """A word without some of its letters: SGL is single."""
    key = folded(value)
    found = [member for member in members if len(key) >= 3 and contracts(key, folded(member))]
    return found[0] if len(found) == 1 else None


def _initial(value: str, members: Sequence[str]) -> str | None:
    key = folded(value)
    found = [
        member
        for member in members
        if key and folded(member) and 1 in (len(key), len(folded(member))) and folded(member)[0] == key[0]
    ]
    if len(found) != 1 and len(key) == 1:
        found = [
            member for member in members
            if any(key in line.split() and folded(member) in line.split() for line in _SAME)
        ]  # fmt: skip
    return found[0] if len(found) == 1 else None
