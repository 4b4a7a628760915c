"""How values are written: nothing hides, and numbers are short."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from taskwright.presentation import formatting
from taskwright.presentation.formatting import STATUS_WORDS, make_environment, visible
from taskwright.task import STATUSES


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ünïcode, 日本語, 👍🏽", "plain, ünïcode, 日本語, 👍🏽"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("a\x00b\x07\x7f", "a␀b␇␡"),
        ("a\r\nb\rc", "a\nb␍c"),
        ("safe\u202egnp.exe", "safe⟨U+202E⟩gnp.exe"),
        ("\u2066x\u2069\u200b\ufeff", "⟨U+2066⟩x⟨U+2069⟩⟨U+200B⟩⟨U+FEFF⟩"),
        ("half\ud83dpair", "half⟨U+D83D⟩pair"),
    ],
)
def test_what_a_text_would_hide_is_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (formatting.percent(0.255), "26%"),
        (formatting.duration(59.6), "1 min"),
        (formatting.duration(3904), "1 h 05 min"),
        (formatting.price(0.0125), "$0.0125"),
        (formatting.price(1.5), "$1.50"),
        (formatting.count(950), "950"),
        (formatting.count(12_400), "12.4 k"),
        (formatting.count(3e9), "3 G"),
        (formatting.when("2026-11-21T20:05:09+00:00"), "2026-11-21 20:05"),
        (formatting.when("soon"), "soon"),
    ],
)
def test_numbers_and_times_are_short(written: str, expected: str) -> None:
    assert written == expected


def test_what_is_unknown_is_a_dash() -> None:
    writers = (
        formatting.percent,
        formatting.decimal,
        formatting.duration,
        formatting.price,
        formatting.count,
    )
    assert {write(None) for write in writers} == {"–"}


def test_every_status_has_words() -> None:
    assert set(STATUS_WORDS) == set(STATUSES)


def test_templates_escape_reveal_and_are_strict(tmp_path: Path) -> None:
    (tmp_path / "page").write_text("{{ text }} {{ rate|percent }}")
    template = make_environment(tmp_path).get_template("page")
    assert template.render(text="<b>\u202e", rate=0.5) == "&lt;b&gt;⟨U+202E⟩ 50%"
    with pytest.raises(UndefinedError, match="'text' is undefined"):
        template.render(rate=0.5)
