"""Pictures of tasks, small enough for a page, whatever lies there."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path

from PIL import Image

from ..files import open_within, read_bytes
from ..task import Record
from .run_data import RunData

SIZE = (360, 270)
MAX_BYTES, MAX_PIXELS = 8_000_000, 16_000_000
"""Of a picture as it lies there. Ours have 480 by 360."""


def poster(run: RunData, record: Record) -> str:
    """A task's picture as a data address; empty where there is none that can be read."""
    name = Path("media", f"{record.task_id}.png")
    try:
        data = read_bytes(open_within(run.folder, name, MAX_BYTES), MAX_BYTES)
        # Whatever else it is, such as PostScript, would be handed to other programs.
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            if math.prod(picture.size) > MAX_PIXELS:
                return ""
            small = picture.convert("RGB")
            small.thumbnail(SIZE, Image.Resampling.LANCZOS)
    except Exception:
        # What the library raises over damaged data has no common base, and a report goes without.
        return ""
    file = io.BytesIO()
    small.save(file, "WEBP", quality=80, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
