"""The settings of a run, by section, each with a sentence and a unit. Unknown keys are errors."""

from __future__ import annotations

import json
import math
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ..sandbox.isolation import Level
from ..task import OneOf, Robot
from ..trainer.learners import AUTO, LEARNERS, choose_learner, learner_settings
from ..world.robots import robot_spaces

Z_95 = 1.959964
"""Standard deviations of a normal distribution that hold 95 % of it."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_default=True)


class RunConfig(Section):
    """When a run stops, how much it does at once, and what its random choices follow from."""

    robot: Robot = "r2d2"
    """The robot that learns the tasks."""
    seed: int = Field(0, ge=0)
    """The seed of all random choices of a run. With the Composer it also determines the ideas and
    the sources."""
    tasks: int | None = Field(None, ge=1)
    """The run stops when this many tasks have been kept. None: there is no such limit."""
    attempts: int | None = Field(None, ge=1)
    """The run stops after this many journeys. None: there is no such limit."""
    minutes: float | None = Field(None, gt=0)
    """No step begins after this many minutes of a command. None: there is no such limit."""
    grace_minutes: float = Field(2.0, ge=0)
    """How much longer the steps under way may then take, above all trials. The next command does
    again what is not finished by then."""
    concurrency: int | None = Field(None, ge=1, le=10_000)
    """The number of journeys in flight at once, and so the largest number of model calls at once.
    A journey knows the records of all journeys before those in flight beside it, so another number
    gives other tasks. None: eight with a model, four with the Composer."""
    workers: int | None = Field(None, ge=1, le=1_000)
    """The number of checks, trials and pictures that are computed at once. No result depends on it.
    None: one per core."""
    executor: str = "local"
    """The executor that computes checks, trials and pictures; `local` uses processes on this
    machine, `ray` those of a Ray cluster."""
    ray_address: str = Field("auto", min_length=1)
    """The address of the Ray cluster's head, as HOST:PORT; `auto` is the cluster that this machine
    is part of."""
    ray_authentication: Literal["token", "none"] = "token"
    """Whether a Ray cluster is refused if it asks for no token: whoever reaches such a cluster can
    run programs on it. `none` is for a network in which everybody may do that."""
    tensorboard: bool = False
    """Whether learning curves are also written as TensorBoard files, to `tb/` in the run folder;
    needs the package `tensorboard`."""
    seed_tasks: int | None = Field(None, ge=0)
    """The number of example tasks with which the run begins. None: three with a model, and none
    with the Composer, whose grammar has simple tasks of its own."""


class Price(Section):
    """US dollars per million tokens."""

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)
    cached_prompt: float | None = Field(None, ge=0)
    """The price of prompt tokens that the server had in its cache. None: the price of any other."""


QUOTES = "\"'`´‘’‚‛“”„‟‹›«»"


def bare(text: str) -> str:
    """A key or an address without what gets pasted around it: blanks, line ends, quotes, and
    characters that nobody sees. Empty where nothing else is there."""
    around = [c for c in text if c.isspace() or c in QUOTES or unicodedata.category(c)[0] == "C"]
    return text.strip("".join(around))


def checked_address(address: str | None) -> str | None:
    """The bare address; None where it is empty. It holds no key, because it is written into
    `config.yaml` and shown in messages. Raises ValueError where it is not an address alone."""
    address = bare(address or "")
    if not address:
        return None
    parts = urlsplit(address)
    more = parts.username or parts.password or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not parts.hostname or more:
        raise ValueError("not an address alone")
    if parts.port == 0 or any(c.isspace() or not c.isprintable() for c in address):
        raise ValueError("a port or a character that no address has")
    return address


VariableName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=40)]
"""Of an environment variable. No key looks like that, so none gets written here by mistake."""


def _is_json(extra: dict[str, Any] | None) -> dict[str, Any] | None:
    try:
        json.dumps(extra, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError("JSON has no such value") from None
    return extra


class RoleConfig(Section):
    """The settings of one role that differ from the section `model`. None: they are the same."""

    name: str | None = None
    """Model name as its server knows it."""
    base_url: str | None = None
    """The address of the server for this role. Such a server is sent no key but the one that the
    role's own `key_variable` names."""
    key_variable: VariableName | None = None
    """The environment variable that holds the key for this role."""
    temperature: float | None = Field(None, ge=0, le=2)
    """The sampling temperature of the answers."""
    max_answer_tokens: int | None = Field(None, ge=1)
    """The longest answer in tokens, reasoning included."""
    timeout_s: float | None = Field(None, gt=0)
    """The timeout of one request, in seconds."""
    extra: Annotated[dict[str, Any] | None, AfterValidator(_is_json)] = None
    """Further fields of each request, in place of those in `model.extra`."""

    @field_validator("base_url")
    @classmethod
    def _without_a_key(cls, value: str | None) -> str | None:
        return checked_address(value)


class RolesConfig(Section):
    """The roles in which a model is asked. Each can be another model on another server."""

    idea: RoleConfig = RoleConfig()
    """Proposes a task."""
    code: RoleConfig = RoleConfig()
    """Writes the code of the task."""
    repair: RoleConfig = RoleConfig()
    """Repairs the code by what the checks found."""
    interestingness: RoleConfig = RoleConfig()
    """Judges whether the task is interestingly new."""
    second_judge: RoleConfig = RoleConfig()
    """Gives a second judgement where `model.second_judge` is set."""
    success: RoleConfig = RoleConfig()
    """Judges from pictures whether the trained agent does what the task asks for."""
    revision: RoleConfig = RoleConfig()
    """Changes a task that was too hard."""


class ModelConfig(Section):
    """Who proposes, writes and judges tasks."""

    name: str | None = None
    """Model name as its server knows it, or `composer`. None: the Composer where neither a key nor
    a base URL is set, else it must be named."""
    provider: str = "openai"
    """The protocol that the model server speaks; `openai` is the chat protocol that most speak."""
    base_url: str | None = None
    """The address of the model server. None: OPENAI_BASE_URL, else OpenAI itself."""
    key_variable: VariableName = "OPENAI_API_KEY"
    """The environment variable that holds the key. The key itself is written nowhere."""
    temperature: float | None = Field(None, ge=0, le=2)
    """The sampling temperature. None leaves it to the server; some models refuse the parameter."""
    max_answer_tokens: int | None = Field(16_000, ge=1)
    """The longest answer in tokens, reasoning included. None leaves it to the server, and some
    servers have no limit; a cap on tokens or money needs a number."""
    extra: Annotated[dict[str, Any], AfterValidator(_is_json)] = Field(default_factory=dict)
    """Further fields of each request, by the names that the server uses."""
    roles: RolesConfig = RolesConfig()
    """Settings of single roles, such as `model.roles.code.name`."""
    timeout_s: float = Field(180.0, gt=0)
    """The timeout of one request, in seconds. It also holds for a server that keeps sending a few
    bytes at a time."""
    deadline_s: float = Field(600.0, gt=0)
    """The time limit of one answer in seconds, with all requests and the pauses between them."""
    max_retries: int = Field(5, ge=0)
    """How often a request is repeated after status 408, 409, 429 or 5xx, a broken connection or an
    answer that cannot be read. The pauses between them double from one second to a minute, or are
    as long as the server asks for."""
    max_repairs: int = Field(3, ge=0)
    """How often the model may repair code in which its checks, or training after them, find a
    fault."""
    max_usd: float | None = Field(None, gt=0)
    """The run stops before a prompt could cost more US dollars than this in all. It needs a price
    for each model that is asked."""
    max_tokens: int | None = Field(None, ge=1)
    """The run stops before a prompt could use more tokens than this in all, prompts included."""
    max_calls: int | None = Field(None, ge=1)
    """The run stops after this many requests, retries included."""
    prices: dict[str, Price] = Field(default_factory=dict)
    """Prices by model name, in place of those in `generator/model/prices.yaml`. What a model
    without a price costs is unknown, and is shown as unknown."""
    cache: Path | None = None
    """A folder of answers that runs share. What is found there is not asked again."""
    replay: Path | None = None
    """A run folder whose recorded answers are used in place of a model."""
    ideas_per_call: int | None = Field(None, ge=1, le=16)
    """How many ideas one call asks for; the journeys that share a call know what the first of them
    knows. None: one for every eight journeys in flight, eight at most. The Composer, which makes no
    calls, has always one."""
    neighbours: int = Field(5, ge=0)
    """The number of nearest kept tasks that a prompt shows."""
    failures: int = Field(3, ge=0)
    """The number of nearest tasks turned down that an idea prompt shows, with their reasons."""
    prompts: Path | None = None
    """A folder of prompt templates that replace ours of the same name."""
    style: Literal["full", "skeleton"] = "full"
    """How the code is requested: as a whole module (`full`), or a few lines at a time that are
    filled into a fixed module (`skeleton`, for small models)."""
    judge_pictures: bool = False
    """Whether the judge of interestingness is shown pictures of the scenes. Its model must accept
    images."""
    judge_success: bool = False
    """Whether the model in the role `success` is shown a strip of frames of an episode of the
    trained agent, and asked whether it sees what the task asks for. It must accept images. It
    decides nothing: where it disagrees with the task's code, the record says so."""
    least_news: int = Field(2, ge=1, le=4)
    """How much of a task has to be new for it to be interesting, on the judge's scale: 1 (the same
    behaviour retuned), 2 (one thing that no task teaches), 3 (several), 4 (everything)."""
    second_judge: bool = False
    """Whether every idea is judged a second time in the role `second_judge`, which should be
    another model. The first judgement decides. The end of a run reports how often they agree."""

    @field_validator("base_url")
    @classmethod
    def _without_a_key(cls, value: str | None) -> str | None:
        return checked_address(value)


class EmbedderConfig(Section):
    """The model that computes the embeddings by which tasks are compared. An archive holds those of
    one embedder; `taskwright reembed` computes them again with another one."""

    name: str = "all-MiniLM-L6-v2"
    """The name of the embedder. The default comes with the package and needs no network. Others are
    sentence-transformers models, by name or folder, or with a `base_url` a model of that server."""
    base_url: str | None = None
    """The address of an OpenAI-compatible server for embeddings. None: they are computed here."""
    key_variable: VariableName | None = None
    """The environment variable that holds the server's key, which is written nowhere. None: it is
    sent no key."""
    batch: int = Field(64, ge=1)
    """The number of texts that are embedded at once, where there are many."""
    timeout_s: float = Field(60.0, gt=0)
    """The timeout of one request to the server, in seconds."""
    deadline_s: float = Field(300.0, gt=0)
    """The time limit of one answer in seconds, with all requests and the pauses between them."""
    max_retries: int = Field(5, ge=0)
    """How often a request is repeated, as by `model.max_retries`."""

    @field_validator("base_url")
    @classmethod
    def _without_a_key(cls, value: str | None) -> str | None:
        return checked_address(value)


class NoveltyConfig(Section):
    """When a task counts as new."""

    metric: Literal["cosine", "learned"] = "cosine"
    """The distance by which novelty is measured: the cosine distance of embeddings, or the metric
    in the run folder that was learned from people's answers. Near copies are always found by the
    cosine."""
    neighbours: int = Field(3, ge=1)
    """Novelty is the mean distance to this many nearest kept tasks."""
    near_copy: float = Field(0.95, gt=0, le=1)
    """An idea whose cosine similarity to a kept task reaches this is a duplicate."""
    interesting: float = Field(0.12, ge=0, le=2)
    """With the Composer, an idea whose novelty is below this is uninteresting."""


class StrategyConfig(Section):
    """How the idea strategy of each journey is chosen."""

    enabled: tuple[str, ...] | None = None
    """Names of the idea strategies that a journey may follow; docs/prompts.md explains each. None:
    all that there are when the run begins."""
    half_life: float = Field(50.0, gt=0)
    """The number of journeys after which a result counts half as much for its strategy."""
    explore: float = Field(0.2, ge=0, le=1)
    """The share of journeys whose strategy is drawn uniformly, whatever each has earned, since what
    is kept most often is not what leads furthest."""


class SelectionConfig(Section):
    """Which kept tasks become stepping stones."""

    rule: Literal["counts", "uniform", "novelty", "cells", "progress"] = "counts"
    """The rule that weighs kept tasks. docs/novelty.md explains each; `counts` is OMNI-EPIC's."""
    favour_effort: bool = True
    """Whether the strategy `frontier` also prefers tasks that took long to learn."""


class TrainerConfig(Section):
    """One learnability trial."""

    max_steps: int = Field(450_000, ge=1)
    """Agent steps (each is 4 physics steps) before a task counts as too hard. Few trials take them
    all: most are decided before."""
    patience_steps: int = Field(40_000, ge=1)
    """Agent steps without any progress after which a task counts as too hard, where no episode
    succeeds; three times as many where half of them do."""
    max_seconds: float = Field(600.0, gt=0, le=100_000_000)
    """Wall-clock limit of a trial. Far above what `max_steps` takes on two cores, because a verdict
    that hangs on the clock cannot be repeated."""
    processes: int | None = Field(None, ge=1, le=1_000)
    """Sandboxed processes that step a trial's environments. No result depends on it. None: what
    each of the workers that compute at once has of the cores."""
    environments: int = Field(16, ge=1, le=1_000)
    """Environments stepped together, spread over the processes."""
    learned_success_rate: float = Field(0.8, gt=0, lt=1)
    """Learned means that the 95 % interval of the success rate on fresh episodes lies above this.
    OMNI-EPIC asks for 0.5, a majority of ten episodes."""
    easy_success_rate: float = Field(0.5, gt=0, le=1)
    """Idle or random actions that reach this make a task too easy. So do a script and an archived
    policy that reach `learned_success_rate`."""
    screening_episodes: int = Field(16, ge=1)
    """Episodes per screening policy."""
    evaluation_episodes: int = Field(128, ge=1)
    """Episodes on fresh seeds behind a verdict, at most: it falls as soon as the interval lies on
    one side of `learned_success_rate`. docs/verdict.md tells how often that errs."""

    @field_validator("evaluation_episodes")
    @classmethod
    def _can_be_passed(cls, value: int, info: ValidationInfo) -> int:
        rate, together = info.data.get("learned_success_rate"), info.data.get("environments")
        if rate and together:
            # The interval's lower end when all of n succeed is n / (n + z^2).
            needed = math.ceil(rate / (1.0 - rate) * Z_95**2)
            if -(-value // together) * together < needed:
                raise ValueError(f"even if all succeed, {rate:.0%} takes {needed} to be sure of")
        return value

    learner: Annotated[str, OneOf((AUTO, *LEARNERS))] = AUTO
    """Who trains. `auto`: soft Q-learning for a robot that chooses among actions, as R2D2 and
    robots that are steered do, and PPO for one whose joints are moved one by one."""
    learners: dict[Annotated[str, OneOf((*LEARNERS,))], dict[str, Any]] = Field(
        default_factory=dict
    )
    """Settings of single learners, such as `trainer.learners.soft_q.exploration_bonus`; those that
    are left out have the learner's defaults. The settings reference lists them all."""

    @field_validator("learners")
    @classmethod
    def _are_settings(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for learner, settings in value.items():
            if settings:
                # Only then: this loads the learner, and torch with it.
                learner_settings(learner, settings)
        return value

    nearest_policies: int = Field(3, ge=0)
    """How many archived policies are tried before training; the best of them is trained on where it
    does better than chance."""


class SandboxConfig(Section):
    """Where task code runs."""

    require_isolation: Level = "none"
    """Refuse to start on a host that gives less: `full` keeps task code from files, the network,
    new programs and other processes."""


class Config(Section):
    """All settings of a run."""

    run: RunConfig = RunConfig()
    model: ModelConfig = ModelConfig()
    embedder: EmbedderConfig = EmbedderConfig()
    novelty: NoveltyConfig = NoveltyConfig()
    strategies: StrategyConfig = StrategyConfig()
    selection: SelectionConfig = SelectionConfig()
    trainer: TrainerConfig = TrainerConfig()
    sandbox: SandboxConfig = SandboxConfig()

    @model_validator(mode="after")
    def _has_a_learner_for_its_robot(self) -> Self:
        if self.trainer.learner != AUTO:
            # Only then: this loads the learners and the robot, torch and PyBullet with them.
            choose_learner(self.trainer.learner, robot_spaces(self.run.robot, steered=True)[1])
        return self
