"""What is shown of a text that is not ours, and what of it an encoding is asked for."""

from __future__ import annotations

import unicodedata

import pytest

from taskwright.text import encodable, one_line, readable

EVERY_CHARACTER = {chr(number) for number in (*range(0x32000), *range(0xE0000, 0xE1000))} - {"a"}
"""Of the planes of Unicode in which there are any; but for the letter that the tests put between.
"""


@pytest.fixture(scope="module")
def through():
    """Every character that is shown as it is where it stands alone between letters."""
    shown = readable("a" + "a".join(EVERY_CHARACTER) + "a").split("a")[1:-1]
    pairs = zip(EVERY_CHARACTER, shown, strict=True)
    return {character for character, what in pairs if character == what}


def test_no_character_that_is_obeyed_or_invisible_comes_through_alone(through):
    harmful = {"Cc", "Cs", "Zl", "Zp", "Cf"}
    found = {c for c in through if unicodedata.category(c) in harmful}
    # The signs that stand over Arabic and Kaithi numbers can be seen.
    assert found == set("\n\t") | set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f") | set(
        "\u0890\u0891\u08e2\U000110bd\U000110cd"
    )
    assert not {c for c in through if "\U000e0000" <= c <= "\U000e0fff"}
    assert not through & set("\ufe0f\u034f\u3164\u115f")


def test_every_letter_and_sign_comes_through(through):
    kinds = {"Lu", "Ll", "Lt", "Lm", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"}
    kinds |= {"Sm", "Sc", "Sk", "So", "Zs", "Lo"}
    lost = {c for c in EVERY_CHARACTER - through if unicodedata.category(c) in kinds}
    assert lost == set("\u115f\u1160\u3164\uffa0"), "those show nothing"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07title", "�]0;owned�title"),
        ("a\x1b[2J\x1b[8mb", "a�[2J�[8mb"),
        ("a\x9b2Jb\x9d0;x\x9c", "a�2Jb�0;x�"),
        ("\x1b]8;;http://e\x1b\\link\x1b]8;;\x1b\\", "�]8;;http://e�\\link�]8;;�\\"),
        ("a\x00\x08\x7f\x85b", "a�b"),
        ("abc\u202edcb\u202c\u2066x\u2069", "abc�dcb�x�"),
        ("a\u200eb\u200fc\u061cd", "abcd"),
        ("zero\u200bwidth\u200d\u2060\ufeff", "zerowidth"),
        ("tag\U000e0041\U000e0042\U000e007f", "tag"),
        ("a\ufe0f\ufe0fb", "ab"),
        ("one\u2028two\u2029three", "one�two�three"),
        ("\ud800a\udcff", "�a�"),
        ("z" + "\u0301" * 50, "z" + "\u0301" * 5),
        ("z" + "\u0301\u200d" * 50, "z" + "\u0301\u200d" * 2 + "\u0301"),
        ("\u0301first", "first"),
        ("line\n\u0301next", "line\nnext"),
        ("👩" + "\ufe0f" * 50 + "!", "👩\ufe0f!"),
        ("ᄀ" + "ᅡ" * 50, "ᄀ" + "ᅡ" * 5),
        ("a\r\nb\rc\nd\te", "a\nb\nc\nd\te"),
    ],
    ids=ascii,
)
def test_what_a_terminal_would_obey_is_taken_out(text, shown):
    assert readable(text) == shown
    assert readable(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Grüße, naïve café, Ångström, ½ m × 3 ° ± 0.1 µm → 5 €",
        "Cafe\u0301 de\u0301compose\u0301",
        "اضغط على الزر الأحمر مرتين، ثم ارجع",
        "می\u200cخواهم بازی کنم",
        "הגע אל המגדל הָאָדֹם",
        "赤い塔まで走る。葛\U000e0100城市",
        "빨간 탑까지 가라 \u1112\u1161\u11ab",
        "लाल खंभे तक पहुँचो क्ष्म्य र्\u200dय",
        "ถึงเสาสีแดงก่อนที่จะล้ม",
        "Đến cột đỏ Việt Nam",
        "👩\u200d👧\u200d👦 👨🏽\u200d⚕️ 🏳️\u200d🌈 1️⃣ ❤️ 🇫🇷 🫨",
        "[red]not a colour[/red] :smile: \\[x] 100 %",
    ],
)
def test_ordinary_writing_of_every_language_stays(text):
    assert readable(text) == text
    assert one_line(text) == text
    assert encodable(text, "utf-8") == text


def test_one_line_has_no_line_break_of_any_kind():
    text = one_line("a\nb\r\nc\rd\te\v\ff\u2028g\x85h  \n\n  i")
    assert text == "a b c d e�f�g�h i"
    assert len(text.splitlines()) == 1
    assert one_line("") == ""


def test_empty_text_is_readable():
    assert readable("") == ""


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", 'a -> b ... "q" e Angstrom - +-1 ? ??'),
        ("latin-1", 'a -> b ... "q" é Ångström · ±1 ? ??'),
        ("cp1252", "a -> b … “q” é Ångström · ±1 ? ??"),
        ("cp932", "a → b … “q” e Angstrom - ±1 塔 ??"),
        ("utf-8", "a → b … “q” é Ångström · ±1 塔 👩\u200d👧"),
    ],
)
def test_what_an_encoding_lacks_is_told_by_its_like(encoding, shown):
    text = encodable("a → b … “q” é Ångström · ±1 塔 👩\u200d👧", encoding)
    assert text == shown
    assert text.encode(encoding).decode(encoding) == shown


def test_a_curve_stays_a_curve_in_ascii():
    assert encodable("▁▂▃▄▅▆▇█", "ascii") == "_.-:=+*#"


def test_accents_of_their_own_leave_nothing_behind():
    assert encodable("Cafe\u0301", "ascii") == "Cafe"
