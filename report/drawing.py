"""Figures as a list of shapes, drawn once as SVG and once as PNG.

A figure names its colours (`learned`, `muted`, `series-1`). In the page they are the variables of
the style sheet, so that one drawing is right in light, in dark and on paper. In files of their own
they are the colours of the light theme. Pillow draws the PNGs with the typeface of the page.

matplotlib was tried instead. It reads no WOFF2, so pictures would lose the typeface of the page; it
writes no titles for dots to be pointed at; an SVG took it 0.11 s where this takes 0.002 s, and was
seven times as long. Vega-Altair writes neither titles, and its renderer alone takes 84 MB.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from PIL import Image, ImageColor, ImageDraw, ImageFont

from ..presentation.formatting import visible
from ..presentation.theme import FONT, css_variable, light_colors

FAMILY = "Inter, system-ui, 'Segoe UI', 'Noto Sans', sans-serif"
PNG_SCALE = 3
"""Pixels of a PNG for each unit of a figure: 720 units wide, a figure fills a column of 18 cm at
300 dots per inch."""
OVERSAMPLING = 2
"""Pillow draws lines without smoothing; they are drawn so much larger and made smaller."""

GROUND = "surface"
SERIES = 6
"""Colours of groups, from `series-0` on."""

LONGEST_LINE = 400
"""Characters."""

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Line:
    points: Sequence[Point]
    color: str
    width: float = 1.0
    opacity: float = 1.0


@dataclass(frozen=True)
class Area:
    """A filled polygon."""

    points: Sequence[Point]
    color: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    color: str
    radius: float = 0.0
    opacity: float = 1.0


@dataclass(frozen=True)
class Dots:
    """Any number of equal dots, as one shape; `ring` is the colour of their outlines."""

    points: Sequence[Point]
    radius: float
    color: str
    ring: str = ""
    opacity: float = 1.0
    titles: Sequence[str] = ()
    """What each says when it is pointed at; may hold anything."""


@dataclass(frozen=True)
class Label:
    """A line of text; it may hold anything."""

    x: float
    y: float
    """Of its base line."""
    text: str
    color: str = "text"
    size: float = 11.0
    anchor: Anchor = "start"
    bold: bool = False


Shape = Line | Area | Bar | Dots | Label


@dataclass
class Drawing:
    """A figure of `width` by `height` units, y downwards."""

    width: float
    height: float
    about: str
    """What it shows, for those who cannot see it."""
    shapes: list[Shape] = field(default_factory=list)

    def add(self, *shapes: Shape) -> None:
        self.shapes += shapes


def line_of(text: str) -> str:
    """A text as one line, cut where nobody would read on, and with nothing hidden in it."""
    return " ".join(visible(text[:LONGEST_LINE]).split())


def text_width(text: str, size: float, bold: bool = False) -> float:
    """How wide a line of text is, in units."""
    return _font(100, bold).getlength(line_of(text)) * size / 100


def fitted(text: str, room: float, size: float) -> str:
    """The text on one line, or as much of it as has room."""
    text = line_of(text)
    if text_width(text, size) <= room:
        return text
    while text and text_width(f"{text}…", size) > room:
        text = text[:-1]
    return f"{text.rstrip()}…" if text else ""


@functools.lru_cache(maxsize=64)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(str(FONT), size)
    font.set_variation_by_axes([600 if bold else 400])
    return font


def _light(color: str) -> str:
    return light_colors()[css_variable(color)]


# SVG


def svg(drawing: Drawing, *, css: bool = True, css_class: str = "") -> str:
    """Write a drawing as SVG.

    Args:
        drawing: The drawing.
        css: Whether it is put into a page whose style sheet has the colours. Otherwise it is a
            document of its own in the light colours.
        css_class: Its class in the page.
    """
    size = f"0 0 {_n(drawing.width)} {_n(drawing.height)}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" role="img"'
    if css:
        head += f' class="{css_class}"'
    else:
        head += f' width="{_n(drawing.width)}" height="{_n(drawing.height)}"'
        head += f' font-family="{FAMILY}"'
    parts = [head + f' aria-label="{escape(drawing.about)}">']
    if not css:
        parts.append(f'<rect width="100%" height="100%" fill="{_light(GROUND)}"/>')
    parts += [_svg_shape(shape, css) for shape in drawing.shapes]
    return "".join([*parts, "</svg>"])


def _svg_shape(shape: Shape, css: bool) -> str:
    def paint(color: str) -> str:
        return f"var({css_variable(color)})" if css else _light(color)

    opacity = 1.0 if isinstance(shape, Label) else shape.opacity
    faded = f' opacity="{_n(opacity)}"' if opacity < 1 else ""
    match shape:
        case Line():
            return (
                f'<path d="{_path(shape.points)}" fill="none" stroke="{paint(shape.color)}" '
                f'stroke-width="{_n(shape.width)}" stroke-linejoin="round" '
                f'stroke-linecap="round"{faded}/>'
            )
        case Area():
            return f'<path d="{_path(shape.points)}Z" fill="{paint(shape.color)}"{faded}/>'
        case Bar():
            corner = f' rx="{_n(shape.radius)}"' if shape.radius else ""
            return (
                f'<rect x="{_n(shape.x)}" y="{_n(shape.y)}" width="{_n(max(shape.width, 0))}" '
                f'height="{_n(shape.height)}" fill="{paint(shape.color)}"{corner}{faded}/>'
            )
        case Dots():
            return _svg_dots(shape, paint(shape.color), shape.ring and paint(shape.ring), faded)
        case Label():
            weight = ' font-weight="600"' if shape.bold else ""
            anchor = "" if shape.anchor == "start" else f' text-anchor="{shape.anchor}"'
            return (
                f'<text x="{_n(shape.x)}" y="{_n(shape.y)}" font-size="{_n(shape.size)}" '
                f'fill="{paint(shape.color)}"{weight}{anchor}>{escape(line_of(shape.text))}</text>'
            )


def _svg_dots(dots: Dots, color: str, ring: str, faded: str) -> str:
    if not dots.titles and not ring:
        # Thousands of dots are one path: a stroke without length with round ends.
        path = "".join(f"M{_n(x)} {_n(y)}h0" for x, y in dots.points)
        return (
            f'<path d="{path}" stroke="{color}" stroke-width="{_n(2 * dots.radius)}" '
            f'stroke-linecap="round" fill="none"{faded}/>'
        )
    outline = f' stroke="{ring}" stroke-width="1"' if ring else ""
    circles = []
    for n, (x, y) in enumerate(dots.points):
        title = f"<title>{escape(dots.titles[n])}</title>" if dots.titles else ""
        circles.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(dots.radius)}">{title}</circle>')
    return f'<g fill="{color}"{outline}{faded}>{"".join(circles)}</g>'


def _path(points: Iterable[Point]) -> str:
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


# PNG


def png(drawing: Drawing) -> bytes:
    """The drawing as a PNG file, in the light colours."""
    scale = PNG_SCALE * OVERSAMPLING
    size = (round(drawing.width * scale), round(drawing.height * scale))
    image = Image.new("RGB", size, _light(GROUND))
    for shape in drawing.shapes:
        _paint(image, shape, scale)
    image = image.reduce(OVERSAMPLING)
    file = io.BytesIO()
    image.save(file, "PNG", dpi=(300, 300))
    return file.getvalue()


def _paint(image: Image.Image, shape: Shape, scale: int) -> None:
    color, opacity = _light(shape.color), 1.0 if isinstance(shape, Label) else shape.opacity
    if opacity < 1 and isinstance(shape, Area):
        # Bands may lie over each other: each is drawn on a mask of its own.
        mask = Image.new("L", image.size, 0)
        _draw(ImageDraw.Draw(mask), shape, scale, round(255 * opacity), 0)
        image.paste(color, (0, 0), mask)
        return
    ring = _light(shape.ring) if isinstance(shape, Dots) and shape.ring else None
    _draw(ImageDraw.Draw(image), shape, scale, _mixed(color, opacity), ring)


def _mixed(color: str, opacity: float) -> str:
    """A colour as it looks on the ground when it can be seen through."""
    if opacity >= 1:
        return color
    pairs = zip(ImageColor.getrgb(color), ImageColor.getrgb(_light(GROUND)), strict=True)
    red, green, blue = (round(opacity * own + (1 - opacity) * under) for own, under in pairs)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _draw(
    draw: ImageDraw.ImageDraw, shape: Shape, scale: int, color: str | int, ring: str | int | None
) -> None:
    match shape:
        case Line():
            points = [(x * scale, y * scale) for x, y in shape.points]
            width = max(round(shape.width * scale), 1)
            draw.line(points, color, width, joint="curve")
            for x, y in (points[0], points[-1]):
                draw.circle((x, y), (width - 1) / 2, color)
        case Area():
            draw.polygon([(x * scale, y * scale) for x, y in shape.points], color)
        case Bar():
            box = (shape.x, shape.y, shape.x + max(shape.width, 0), shape.y + shape.height)
            corners = [value * scale for value in box]
            draw.rounded_rectangle(corners, shape.radius * scale, color)
        case Dots():
            for x, y in shape.points:
                at, radius = (x * scale, y * scale), shape.radius * scale
                draw.circle(at, radius, color, ring, scale if ring else 0)
        case Label():
            anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
            font = _font(round(shape.size * scale), shape.bold)
            at = (shape.x * scale, shape.y * scale)
            draw.text(at, line_of(shape.text), color, font, anchor)
