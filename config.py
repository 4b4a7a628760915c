"""Every knob of a run, each with a sentence and a unit. Unknown keys are errors.

A run's settings come, later ones winning, from these defaults, a YAML file (`--config`), single
settings (`--set trainer.max_steps=50000`) and the named options of `run`. The resolved settings are
written to `config.yaml` in the run folder, and a resumed run starts from those.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import UsageError
from .sandbox.isolation import Level
from .task import Robot


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_default=True)


class RunConfig(Section):
    """When to stop, and what every random choice follows from."""

    robot: Robot = "r2d2"
    seed: int = Field(0, ge=0)
    """Settles the random choices of a run; with the Composer also its ideas and sources."""
    tasks: int | None = Field(None, ge=1)
    """Stop when this many tasks have been kept; None for no such limit."""
    attempts: int | None = Field(None, ge=1)
    """Stop after this many journeys; None for no such limit."""
    minutes: float | None = Field(None, gt=0)
    """Stop this many minutes after the start of the command; None for no such limit."""
    seed_tasks: int | None = Field(None, ge=0)
    """How many of the example tasks to begin with. None: three with a model, none with the
    Composer, whose grammar brings its own beginnings."""


class Price(Section):
    """US dollars per million tokens."""

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)


class ModelConfig(Section):
    """Who proposes, writes and judges tasks."""

    name: str | None = None
    """Model name as its server knows it, or `composer`. None: the Composer where neither a key nor
    a base URL is set, else it must be named."""
    base_url: str | None = None
    """An OpenAI-compatible endpoint. None: OPENAI_BASE_URL, else the openai package's default."""
    timeout_s: float = Field(180.0, gt=0)
    """For one answer."""
    max_retries: int = Field(3, ge=0)
    """After 408, 409, 429, 5xx answers and broken connections, with growing pauses."""
    temperature: float | None = Field(None, ge=0, le=2)
    """None leaves it to the server; some models refuse the parameter."""
    max_answer_tokens: int | None = Field(None, ge=1)
    """Longest answer; None leaves it to the server."""
    max_repairs: int = Field(3, ge=0)
    """How often code that fails its checks goes back to the model."""
    max_usd: float | None = Field(None, gt=0)
    """Stop the run before a call could pass this; needs a price for the model."""
    max_tokens: int | None = Field(None, ge=1)
    """Stop the run once this many tokens, prompts included, have been used."""
    prices: dict[str, Price] = Field(default_factory=dict)
    """Per model name. A model without a price costs an unknown amount, and is shown so."""
    neighbours: int = Field(5, ge=0)
    """How many of the nearest kept tasks go into a prompt."""
    failures: int = Field(3, ge=0)
    """How many of the nearest tasks that were not kept go into the idea prompt, with reasons."""
    prompts: Path | None = None
    """A folder of templates that stand in for ours of the same name."""


class NoveltyConfig(Section):
    """What counts as new."""

    metric: Literal["cosine", "learned"] = "cosine"
    """How likeness is told for novelty: by the cosine of embeddings, or by the metric in the run
    folder that was learned from people's answers. Near copies are told by the cosine always."""
    neighbours: int = Field(3, ge=1)
    """Novelty is the mean cosine distance to this many nearest kept tasks."""
    near_copy: float = Field(0.95, gt=0, le=1)
    """An idea whose cosine similarity to a kept task reaches this is a duplicate."""
    interesting: float = Field(0.12, ge=0, le=2)
    """With the Composer, an idea whose novelty is below this is uninteresting."""


class TrainerConfig(Section):
    """One learnability trial."""

    max_steps: int = Field(120_000, ge=1)
    """Agent steps (each is 4 physics steps) before a task counts as too hard."""
    max_seconds: float = Field(600.0, gt=0)
    """Wall-clock limit of a trial. Far above what `max_steps` takes on two cores, because a verdict
    that hangs on the clock cannot be repeated."""
    processes: int = Field(2, ge=1)
    """Sandboxed processes that step environments: about one per core."""
    environments: int = Field(16, ge=1)
    """Environments stepped together, spread over the processes."""
    learned_success_rate: float = Field(0.8, gt=0, le=1)
    """Learned means at least this share of fresh episodes. 0.5 is OMNI-EPIC's majority."""
    easy_success_rate: float = Field(0.5, gt=0, le=1)
    """Idle or random actions that reach this make a task too easy."""
    screening_episodes: int = Field(16, ge=1)
    """Episodes per screening policy."""
    evaluation_episodes: int = Field(96, ge=1)
    """Episodes on fresh seeds behind a verdict. A policy that succeeds in 70 % passes for 80 %
    one time in 60; with half as many episodes, one time in 18, and a trial may ask repeatedly."""
    nearest_policies: int = Field(2, ge=0)
    """How many archived policies are tried before training; the best of them is trained on."""


class SandboxConfig(Section):
    """Where task code runs."""

    require_isolation: Level = "none"
    """Refuse to start on a host that gives less: `full` keeps task code from files, the network,
    new programs and other processes."""


class Config(Section):
    """All settings of a run."""

    run: RunConfig = RunConfig()
    model: ModelConfig = ModelConfig()
    novelty: NoveltyConfig = NoveltyConfig()
    trainer: TrainerConfig = TrainerConfig()
    sandbox: SandboxConfig = SandboxConfig()


def load_config(path: Path) -> dict[str, Any]:
    """The settings in a YAML file, not yet validated. Raises UsageError."""
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"The configuration file {path} cannot be read ({error.strerror}).",
            "Give the path of an existing YAML file.",
        ) from None
    except yaml.YAMLError as error:
        place = " ".join(str(error).split())
        raise UsageError(
            f"The configuration file {path} is not valid YAML: {place}.", "Correct that place."
        ) from None
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise UsageError(
            f"The configuration file {path} holds a {type(settings).__name__}.",
            "It must hold sections such as `trainer:` with settings below them.",
        )
    return settings


def merge(settings: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """`settings` with `more` laid over them, section by section."""
    merged = dict(settings)
    for key, value in more.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = merge(below, value) if both else value  # type: ignore[arg-type]
    return merged


def parse_assignment(text: str) -> dict[str, Any]:
    """`section.name=value`, the value being YAML, as nested settings. Raises UsageError."""
    path, equals, value = text.partition("=")
    if not equals or "." not in path:
        raise UsageError(
            f"`--set {text}` is not of the form section.name=value.",
            "For example: --set trainer.max_steps=50000.",
        )
    try:
        settings: Any = yaml.safe_load(value)
    except yaml.YAMLError:
        raise UsageError(
            f"The value in `--set {text}` is not valid YAML.", "Quote it, or correct it."
        ) from None
    for key in reversed(path.strip().split(".")):
        settings = {key: settings}
    return dict(settings)


def resolve(settings: dict[str, Any]) -> Config:
    """Validated settings. Raises UsageError, naming the first setting that is wrong."""
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            section = Config.model_fields.get(str(first["loc"][0]))
            within = section.annotation if section else Config
            known = ", ".join(getattr(within, "model_fields", ()))
            raise UsageError(
                f"There is no setting `{name}`.", f"Known here are: {known}."
            ) from None
        raise UsageError(
            f"The setting `{name}` is {first['input']!r}: {first['msg'].lower()}.",
            "Correct it in the configuration file or on the command line.",
        ) from None


def write_config(config: Config, path: Path) -> None:
    """Write the resolved settings as YAML."""
    settings = config.model_dump(mode="json")
    path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
