"""Texts of models in Markdown."""

from __future__ import annotations

import re

from markupsafe import Markup

from ..browser import pages


def in_markdown(value: object) -> Markup:
    """A text as one line of Markdown that shows it and does nothing else: not HTML, no table
    cell's end, no emphasis, link or picture."""
    text = " ".join(pages.visible(str(value)).split())
    text = re.sub(r"([\\`*_{}\[\]!|~$])", r"\\\1", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # What would become a link by itself.
    text = re.sub(r"(?i)(https?|ftp|www|mailto|xmpp)(:|\.)", r"\1&#8203;\2", text)
    return Markup(text.replace("@", "&#64;"))
