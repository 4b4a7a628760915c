"""All vectors of an archive, made anew by another embedder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..archive.embedding import Embedder
from ..archive.neighbourhood import FOLDER_NAME
from ..archive.run_lock import locked
from ..archive.store import Archive
from ..config import resolve, write_config
from ..errors import storage_explained
from .embedder import make_encoder
from .run import CONFIG_NAME, prepare_config

TOGETHER = 1024
"""How many records are read at once."""


def reembed(
    run_dir: Path, settings: dict[str, Any], tell: Callable[[int, int], None]
) -> tuple[str, int]:
    """Embed every record of a run with the embedder of `settings`, laid over those of the run, and
    forget the old vectors; returns its name and how many records there are.

    `tell` hears how many are done, and of how many. Cut off at any time, the archive holds the old
    vectors whole, and the same call goes on. Raises ArchiveError, UsageError or ModelError.
    """
    Archive.open(run_dir).close()
    config = prepare_config(run_dir, settings)
    encoder = make_encoder(config.embedder)
    with storage_explained(), locked(run_dir), Archive.create_or_open(run_dir) as archive:
        made_by = archive.embedder()
        if made_by is not None and made_by[0] == encoder.name:
            # The embedder is asked again, because it may have changed under its name.
            archive.drop_embeddings_but("")
        embedder = Embedder(archive, encoder, replaces=True)
        numbers = list(archive.statuses())
        for start in range(0, len(numbers), TOGETHER):
            texts = archive.texts(numbers[start : start + TOGETHER])
            for done, _ in enumerate(embedder.embed_all(list(texts.values())), start + 1):
                tell(done, len(numbers))
        if (run_dir / CONFIG_NAME).exists() or config != resolve({}):
            write_config(config, run_dir / CONFIG_NAME)
        archive.drop_embeddings_but(encoder.name)
        shutil.rmtree(run_dir / FOLDER_NAME, ignore_errors=True)
    return encoder.name, len(numbers)
