"""What a run's settings reach, and whether the user has ever said that they may.

A run folder may come from somebody else. Its `config.yaml` could have us send what we search for,
and a key, to a server of theirs, load a model of theirs, or fill in templates of theirs. So what
settings reach is remembered in the user's own folder when Taskwright writes them down there, and
settings that reach for anything else are not followed until the user says so.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ArchiveError
from .files import FileProblem, open_file, read_text

if TYPE_CHECKING:
    from .config import Config, EmbedderConfig, ModelConfig, RunConfig

MAX_BYTES = 1_000_000
OUR_EMBEDDER = "all-MiniLM-L6-v2"


def reaches(config: Config) -> list[str]:
    """What settings have us do beyond the run folder, each as what follows "they would"."""
    found = [*_of_run(config.run), *_of_embedder(config.embedder), *_of_model(config.model)]
    return ["".join(c if c.isprintable() else "�" for c in reach) for reach in found]


def _of_run(config: RunConfig) -> list[str]:
    if config.executor == "local":
        return []
    found = [f"have tasks computed by the executor {config.executor}"]
    if config.executor == "ray":
        # Whoever runs a cluster runs programs on all its machines, this one included.
        token = " without a token" if config.ray_authentication == "none" else ""
        found.append(f"join the Ray cluster at {config.ray_address}{token}")
    return found


def _of_embedder(config: EmbedderConfig) -> list[str]:
    if config.base_url is not None:
        return [f"send texts to {_server(config.base_url, config.key_variable)}"]
    if config.name != OUR_EMBEDDER:
        return [f"load the embedding model {config.name}, from a folder or from a model hub"]
    return []


def _of_model(config: ModelConfig) -> list[str]:
    folders = {
        "fill in the prompt templates in": config.prompts,
        "keep answers of models in": config.cache,
        "take answers of models from": config.replay,
    }
    found = [f"{what} {folder.absolute()}" for what, folder in folders.items() if folder]
    if config.name in (None, "composer") or config.replay is not None:
        return found
    servers: list[tuple[str | None, str | None]] = [(config.base_url, config.key_variable)]
    for name in type(config.roles).model_fields:
        role = getattr(config.roles, name)
        usual = None if role.base_url else config.key_variable
        servers.append((role.base_url or config.base_url, role.key_variable or usual))
    # What the usual server is, and what it is sent, depends on the provider.
    by = "" if config.provider == "openai" else f" by the provider {config.provider}"
    return [*found, *(f"ask the model at {_server(*each)}{by}" for each in dict.fromkeys(servers))]


def _server(address: str | None, key_variable: str | None) -> str:
    server = address or "the usual server (OPENAI_BASE_URL, else OpenAI)"
    return f"{server} with {f'what {key_variable} holds' if key_variable else 'no key'}"


def check_trusted(config: Config, where: Path, given: Config | None = None) -> None:
    """Raises ArchiveError where settings in the run folder `where` reach for something that neither
    those `given` by the user now name, nor any that were written down before."""
    known = {*(reaches(given) if given else ()), *_remembered()}
    unknown = [reach for reach in reaches(config) if reach not in known]
    if unknown:
        raise ArchiveError(
            f"The settings in {where} would {unknown[0]}, and you have never named that here.",
            "They may be somebody else's. If that is what you want, say so: taskwright trust "
            "RUN_DIR.",
        )


def remember(config: Config) -> list[str]:
    """Note what settings reach as wanted by the user; returns what was not known. Raises OSError
    where that cannot be written."""
    known = _remembered()
    new = [reach for reach in dict.fromkeys(reaches(config)) if reach not in known]
    if new:
        path = trusted_file()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{reach}\n" for reach in new)
    return new


def remember_if_possible(config: Config) -> None:
    """As `remember`; who has no folder of his own is asked again."""
    # RuntimeError: there is no home.
    with contextlib.suppress(OSError, RuntimeError):
        remember(config)


def trusted_file() -> Path:
    """Where it is noted: in the user's folder for what programs remember."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "taskwright" / "trusted"


def _remembered() -> set[str]:
    try:
        text = read_text(open_file(trusted_file(), MAX_BYTES, follow=True), MAX_BYTES)
    except (FileProblem, RuntimeError):
        return set()
    return set(text.splitlines())
