"""Typefaces and colours: complete in light and in dark, and whole without a network."""

from __future__ import annotations

import re

from PIL import ImageFont

from taskwright.presentation.theme import (
    FONT,
    STATIC,
    css_variable,
    embedded_css,
    light_colors,
    theme_css,
)
from taskwright.task import STATUSES


def test_every_status_has_a_colour_in_light_and_in_dark():
    dark_blocks = re.findall(r"color-scheme: dark;(.*?)}", theme_css(), re.DOTALL)
    assert len(dark_blocks) == 2
    for status in STATUSES:
        assert re.fullmatch("#[0-9a-f]{6}", light_colors()[css_variable(status)])
        assert all(f"{css_variable(status)}: #" in block for block in dark_blocks)


def test_what_is_coloured_in_the_light_is_coloured_in_the_dark():
    """Both for those who chose it and for those who let the system choose."""
    chosen, systems = (
        dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r"color-scheme: dark;(.*?)}", theme_css(), re.DOTALL)
    )
    assert chosen == systems
    assert chosen.keys() == light_colors().keys()


def test_a_colour_that_is_no_status_is_a_variable_of_its_own_name():
    assert css_variable("muted") == "--muted"
    assert css_variable("series-1") == "--series-1"
    assert light_colors()["--surface"] == "#ffffff"


def test_the_embedded_style_loads_nothing():
    addresses = re.findall(r"url\(.{0,23}", embedded_css())
    assert addresses == ['url("data:font/woff2;base64']
    assert "JetBrains Mono" in embedded_css(), "readers who have it see it"
    assert "@media (prefers-color-scheme" not in embedded_css(), "paper is light"


def test_typefaces_are_there_with_their_licences():
    for name in ("inter", "jetbrains-mono"):
        assert (STATIC / "fonts" / f"{name}.woff2").is_file()
        assert "SIL OPEN FONT LICENSE" in (STATIC / "fonts" / f"{name}.LICENSE").read_text()
    assert ImageFont.truetype(str(FONT), 12).getname()[0].startswith("Inter")
