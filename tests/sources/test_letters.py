"""Which encoding a few words are in: the wrong letters in the right rows would be noticed by nobody."""

import pytest

from octo_resources.sources.file.encoding import encoding_of

WORDS = [
    ("shift_jis", "漢字テスト"), ("shift_jis", "東京都,山田太郎"), ("euc_jp", "株式会社さくら,大阪府"),
    ("cp1251", "Привет мир"), ("cp1251", "ЗАО ВЕКТОР"), ("koi8_r", "Иванов Иван,Москва"), ("cp866", "Иванов Иван"),
    ("cp1253", "Αθήνα,Γιώργος Παπαδόπουλος"), ("cp1255", "תל אביב,משה כהן"), ("cp1256", "القاهرة,محمد أحمد"),
    ("cp874", "กรุงเทพ,สมชาย"), ("gb18030", "北京市,张伟"), ("big5", "高雄市,客戶名稱"), ("euc_kr", "서울특별시,김민수"),
    ("cp1252", "Müller,Straße"), ("cp1252", "José Núñez,Málaga"), ("cp1252", "Façade,5 €"),
    ("cp1252", "São João,ações"), ("cp1252", "Åse Sørensen,Tromsø"), ("cp1250", "Žluťoučký kůň"),
    ("cp1250", "Łódź,Świętokrzyska"),
    ("cp1254", "İstanbul,Ayşe Yılmaz"), ("iso8859_2", "Łódź,Świętokrzyska"), ("cp850", "Müller,Straße"),
]  # fmt: skip


@pytest.mark.parametrize(("encoding", "words"), WORDS)
def test_a_file_of_few_words_is_read_as_it_was_written(encoding: str, words: str) -> None:
    text = "id;name;amount\n" + "".join(f"{number};{words} {number};{number},5\n" for number in range(1, 40))
    raw = text.encode(encoding)
    assert raw.decode(encoding_of(raw)) == text


def test_languages_of_the_west_in_one_file() -> None:
    raw = "".join(f"{words}\n" for encoding, words in WORDS if encoding == "cp1252").encode("cp1252")
    assert encoding_of(raw) == "cp1252"


@pytest.mark.parametrize(
    "text", ["Bühne;Preis\n" + "A;1 €\n" * 30, "id;price\n" + "7;12 £\n" * 30, "id;preis\n7;12 €\n"]
)
def test_signs_that_stand_alone_are_no_words_of_another_script(text: str) -> None:
    assert encoding_of(text.encode("cp1252")) == "cp1252"
