"""The settings of a run, each with a sentence and a unit. Unknown keys are errors.

A run's settings come, later ones winning, from these defaults, a YAML file (`--config`), single
settings (`--set trainer.max_steps=50000`) and the named options of `run`. The resolved settings are
written to `config.yaml` in the run folder, and a resumed run starts from those.

- `sections`: the settings themselves
- `files`: reading, merging, resolving and writing them
"""

from .files import (
    load_config,
    merge,
    parse_assignment,
    resolve,
    stored_settings,
    write_config,
)
from .sections import (
    Config,
    EmbedderConfig,
    ModelConfig,
    NoveltyConfig,
    Price,
    RoleConfig,
    RolesConfig,
    RunConfig,
    SandboxConfig,
    Section,
    SelectionConfig,
    StrategyConfig,
    TrainerConfig,
    bare,
    checked_address,
)

__all__ = [
    "Config",
    "EmbedderConfig",
    "ModelConfig",
    "NoveltyConfig",
    "Price",
    "RoleConfig",
    "RolesConfig",
    "RunConfig",
    "SandboxConfig",
    "Section",
    "SelectionConfig",
    "StrategyConfig",
    "TrainerConfig",
    "bare",
    "checked_address",
    "load_config",
    "merge",
    "parse_assignment",
    "resolve",
    "stored_settings",
    "write_config",
]
