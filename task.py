"""The nouns that travel through every room.

Plain frozen dataclasses: they cross process boundaries as JSON and rest in the archive as JSON.
Bytes, which only pass from process to process, are base64 in it.
`to_json` writes one; where JSON comes in from outside, read it with `from_json`, which refuses
unknown fields and wrong types.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, get_args

from .world.robots import ROBOTS as _ROBOTS

if TYPE_CHECKING:
    from pydantic import TypeAdapter


Verdict = Literal["passed", "rejected", "broken"]
Stage = Literal[
    "syntax",
    "policy",
    "load",
    "reset",
    "physics",
    "step",
    "time",
    "long",
    "success",
    "reward",
    "seeding",
    "train",
]
"""Where a task was rejected: the stages of a check in their order, and training after them."""
TrialVerdict = Literal["learned", "too_easy", "too_hard", "rejected", "broken"]
TrialRule = Literal["", "solved_before", "confirmed", "hopeless", "steps", "clock", "fault"]
"""What ended a trial; docs/verdict.md tells of each. Empty in trials of before it was noted."""
Status = Literal[
    "learned", "invalid", "duplicate", "uninteresting", "too_easy", "too_hard", "broken"
]
STATUSES: tuple[Status, ...] = get_args(Status)
TRIED: tuple[Status, ...] = ("learned", "too_hard", "too_easy")
"""Statuses of tasks on which a trial had a verdict: they need no other one."""


@dataclass(frozen=True)
class Between:
    """Says of a number in a noun how small and how large it may be."""

    least: float
    most: float

    def __get_pydantic_core_schema__(self, kind: Any, handler: Any) -> Any:
        # Pydantic asks; its own words for this are in a package that sandboxes do without.
        return {**handler(kind), "ge": self.least, "le": self.most}

    def __contains__(self, value: Any) -> bool:
        return bool(self.least <= value <= self.most)


@dataclass(frozen=True)
class OneOf:
    """Says of a text in a noun which texts it may be."""

    texts: tuple[str, ...]

    def __get_pydantic_core_schema__(self, kind: Any, handler: Any) -> Any:
        return {"type": "literal", "expected": list(self.texts)}

    def __contains__(self, value: Any) -> bool:
        return value in self.texts


Whole = Annotated[int, Between(-(2**53), 2**53)]
"""A whole number that is exact in JSON, in SQLite and as a float."""
Real = Annotated[float, Between(-1e15, 1e15)]
"""A number of something that is measured: seconds, dollars, rewards."""
Rate = Annotated[float, Between(-0.001, 1.001)]
"""A share from 0 to 1, however it was rounded."""

ROBOTS = tuple(_ROBOTS)
Robot = Annotated[str, OneOf(ROBOTS)]
ROBOT_BASES = {robot: entry.base for robot, entry in _ROBOTS.items()}
"""The base class of each robot's tasks."""
STEERED = tuple(robot for robot, entry in _ROBOTS.items() if entry.steered)
"""Robots with a gait: their agents choose where they walk instead of how their joints move."""


@dataclass(frozen=True)
class Noun:
    """Base of the nouns: read back strictly, so that a field that is not known is an error, and so
    is a number that is not finite."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "allow_inf_nan": False,
        "val_json_bytes": "base64",
    }


N = TypeVar("N", bound=Noun)


@dataclass(frozen=True)
class Idea(Noun):
    """A task in natural language, before anybody has written its code."""

    title: str
    description: str
    success: str
    rewards: str
    termination: str
    strategy: str = "frontier"
    """How it came about: `seed`, `imported`, or the name of an idea strategy (in older archives
    also `new`)."""
    parents: tuple[str, ...] = ()
    """The `task_id`s it was derived from, the stepping stone first."""
    recipe: dict[str, Any] | None = None
    """What the Composer needs to write or vary this task; None for a model's idea."""
    skill: str = ""
    """What the robot has to be able to do, in a sentence, as later prompts tell it; empty where
    nobody has said so."""

    @functools.cached_property
    def text(self) -> str:
        """What is embedded and compared: everything an agent or a reader would tell apart."""
        return f"{self.title}\n{self.description}\n{self.success}"

    @property
    def docstring(self) -> str:
        """The idea as the docstring of its environment class."""
        return (
            f"{self.title}\n\nDescription:\n{self.description}\n\nSuccess:\n{self.success}\n\n"
            f"Rewards:\n{self.rewards}\n\nTermination:\n{self.termination}"
        )


@dataclass(frozen=True)
class Task(Noun):
    """Source code plus robot. Immutable: another source is another task."""

    source: str
    robot: Robot = "r2d2"

    @property
    def task_id(self) -> str:
        """The first 12 hex digits of the SHA-256 of the source."""
        return hashlib.sha256(self.source.encode()).hexdigest()[:12]


def robot_named_in(source: str) -> Robot | None:
    """The robot that a task's `Env` is for, without running it.

    Args:
        source: The task's code.

    Returns:
        The robot whose base class `Env` derives from, else the only one that the source names; None
        where it names none, or several.
    """
    robots = {base: robot for robot, base in ROBOT_BASES.items()}
    # Each class with all up to the next one.
    for text in f"\n{source}".split("\nclass")[1:]:
        name, _, bases = text.partition("(")
        base = bases.partition(")")[0].rpartition(".")[2].strip()
        if name[:1].isspace() and name.strip() == "Env" and base in robots:
            return robots[base]
    named = [robot for base, robot in robots.items() if re.search(rf"\b{base}\b", source)]
    return named[0] if len(named) == 1 else None


@dataclass(frozen=True)
class Outcome(Noun):
    """What the checks found: the task passed, the task is at fault, or our machinery failed."""

    verdict: Verdict
    stage: Stage | None = None
    """Where it was rejected; None when passed or broken."""
    symptom: str = ""
    cause: str = ""
    fix: str = ""
    seconds: Real = 0.0

    @classmethod
    def rejected(cls, stage: Stage, symptom: str, cause: str, fix: str) -> Outcome:
        """The outcome of a check that found the task at fault.

        Args:
            stage: The stage that found it.
            symptom: What was seen, in a sentence.
            cause: What is likely behind it.
            fix: What to change in the task.

        Returns:
            The outcome, `rejected`.
        """
        return cls("rejected", stage, symptom, cause, fix)

    @classmethod
    def broken(cls, symptom: str, fix: str = "") -> Outcome:
        """The outcome of a check in which our machinery failed.

        Args:
            symptom: What failed, in a sentence.
            fix: What can be done about it; empty where nothing is known.

        Returns:
            The outcome, `broken`, which says nothing of the task.
        """
        return cls("broken", None, symptom, "Our machinery failed, not the task.", fix)

    @property
    def passed(self) -> bool:
        """Whether the task passed all stages."""
        return self.verdict == "passed"

    @property
    def report(self) -> str:
        """Symptom, cause and fix as one paragraph, for a person and for a repairing model."""
        parts = (
            self.symptom,
            self.cause and f"Likely cause: {self.cause}",
            self.fix and f"How to fix: {self.fix}",
        )
        where = f"[{self.stage}] " if self.stage else ""
        return where + " ".join(part for part in parts if part)


FindingKind = Literal[
    "success_at_start",
    "decided_at_start",
    "idle_succeeds",
    "unreached",
    "untouchable",
    "nothing_moves",
    "return_without_success",
    "success_costs",
    "dead_term",
    "drowning_term",
    "time_too_short",
]
"""What can be wrong with a task's rewards or its success; docs/sanity.md explains each."""


@dataclass(frozen=True)
class Finding(Noun):
    """Something about a task's rewards or success that a trial makes doubtful, with the numbers."""

    kind: FindingKind
    symptom: str
    """What was seen, in a sentence or two with numbers."""
    fix: str
    """What to change."""
    numbers: dict[str, float] = field(default_factory=dict)
    """The numbers of the symptom by name, for programs."""


@dataclass(frozen=True)
class CurvePoint(Noun):
    """One point of a learning curve, over the training episodes since the point before."""

    steps: Whole
    """Agent steps so far (each is `action_repeat` physics steps)."""
    seconds: Real
    success_rate: Rate
    mean_return: Real
    """Sum of the task's own rewards over an episode, mean over episodes."""
    episodes: Whole


@dataclass(frozen=True)
class Trial(Noun):
    """What training showed, and the evidence for the verdict."""

    verdict: TrialVerdict
    reason: str
    success_before: Rate | None = None
    """Best success rate of the screening policies."""
    success_after: Rate | None = None
    """Success rate of the trained policy on fresh seeds."""
    screening: dict[str, Rate] = field(default_factory=dict)
    """Success rate per screening policy: `idle`, `random`, what a script does, or the `task_id` of
    an archived one."""
    episodes: Whole = 0
    """Evaluation episodes behind `success_after` (behind `success_before` when too easy)."""
    interval: tuple[Rate, Rate] | None = None
    """95 % Wilson score interval of the deciding success rate."""
    steps: Whole = 0
    seconds: Real = 0.0
    warm_start: str | None = None
    """`task_id` of the archived policy that the trained policy began as."""
    seed: int = 0
    curve: tuple[CurvePoint, ...] = ()
    achieved: str = ""
    """What the trained policy did instead in a task that it did not learn, in words and numbers."""
    solved_by: str = ""
    """Who solves it untrained, in words, when too easy."""
    rule: TrialRule = ""
    """What ended the trial."""
    successes: Whole = 0
    """How many of `episodes` succeeded."""
    evaluation_seed: Whole | None = None
    """What settles the evaluation episodes."""
    return_before: float | None = None
    """Mean return of random actions; None where they did not get to act."""
    return_after: float | None = None
    """Mean return of the trained policy on fresh seeds."""
    abandoned_start: str | None = None
    """`task_id` of another archived policy that training began from first, and that led nowhere."""
    left_out: dict[str, str] = field(default_factory=dict)
    """By `task_id`, why an archived policy could not be tried, in a sentence."""
    return_and_success: float | None = None
    """Rank correlation (Spearman) of mean return and success rate over policies of growing skill:
    the screening policies, the points of the curve, the trained one. None where success or return
    is the same for all, and in trials of before this was measured."""
    findings: tuple[Finding, ...] = ()
    """What makes the rewards or the success doubtful; empty where nothing does."""
    fault: Outcome | None = None
    """What the task's code did wrong, where it was rejected; None also in trials of before this was
    noted apart from the reason."""

    @property
    def success_progress(self) -> float | None:
        """Learning progress: by how much the success rate rose above that of whoever was best
        untrained. None where nothing was trained."""
        if self.success_after is None or self.success_before is None:
            return None
        return self.success_after - self.success_before

    @property
    def return_progress(self) -> float | None:
        """By how much the mean return rose above that of random actions, as a share of both: from
        -1 to 1, so that tasks can be compared. None where nothing was trained."""
        if self.return_after is None or self.return_before is None:
            return None
        size = abs(self.return_after) + abs(self.return_before)
        return (self.return_after - self.return_before) / size if size else 0.0


@dataclass(frozen=True)
class Judgement(Noun):
    """A judge's answer about an idea, parsed strictly."""

    role: Literal["interestingness"]
    positive: bool
    reason: str
    judge: str
    """Model name, or `novelty` where no model judges."""
    news: Annotated[int, Between(0, 4)] | None = None
    """How much of the task is new, from 0 (nothing) to 4 (everything); None where nobody was asked
    on a scale."""
    reach: Rate | None = None
    """The share of its episodes that the policy of the closest task would accomplish untrained, as
    the judge thinks; None where nobody was asked."""


@dataclass(frozen=True)
class Sighting(Noun):
    """What a model saw in pictures of an episode, beside what the code says of the same one. It is
    recorded and decides nothing."""

    sees_success: bool | None
    """None where the pictures do not tell."""
    code_success: bool
    """What the task's `get_success` said of the episode."""
    reason: str
    judge: str
    """Model name."""

    @property
    def disagrees(self) -> bool:
        """Whether the pictures tell, and tell something else than the code."""
        return self.sees_success is not None and self.sees_success != self.code_success


@dataclass(frozen=True)
class Cost(Noun):
    """What model calls used. `usd` is None where the price of the model is unknown."""

    calls: Whole = 0
    """Requests sent, retries included."""
    prompt_tokens: Whole = 0
    completion_tokens: Whole = 0
    usd: Real | None = 0.0
    estimated_tokens: Whole = 0
    """How many of the tokens no server has reported: where it reports no usage, and the most that a
    request which broke off can have used."""

    def __add__(self, other: Cost) -> Cost:
        usd = None if self.usd is None or other.usd is None else self.usd + other.usd
        return Cost(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            usd,
            self.estimated_tokens + other.estimated_tokens,
        )

    @property
    def tokens(self) -> int:
        """Of prompts and completions together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True)
class Record(Noun):
    """One archive row: everything known of one journey that has ended."""

    number: Whole
    """The journey's number in its run, from 1."""
    status: Status
    reason: str
    idea: Idea
    task: Task | None = None
    """None where the journey ended before any code was written."""
    outcomes: tuple[Outcome, ...] = ()
    """What was found of each version of the code, first to last: in its checks, or in training
    where that found a fault."""
    trial: Trial | None = None
    judgements: tuple[Judgement, ...] = ()
    stepping_stones: tuple[str, ...] = ()
    """`task_id`s that were selected for this journey, the chosen one first."""
    novelty: Real | None = None
    """Mean cosine distance to the nearest kept tasks; None where it was not measured."""
    cost: Cost = Cost()
    seconds: Real = 0.0
    created_at: str = ""
    """UTC, ISO 8601."""
    sightings: tuple[Sighting, ...] = ()
    """What a model saw of the trained agent; empty where none was asked."""

    @property
    def task_id(self) -> str | None:
        """The id of its task; None where no code was written."""
        return self.task.task_id if self.task else None


def to_json(noun: Noun) -> str:
    """A noun as JSON text with sorted keys.

    Args:
        noun: The noun.

    Returns:
        The text; that of equal nouns is equal.

    Raises:
        ValueError: A number in it is not finite.
    """
    return json.dumps(
        dataclasses.asdict(noun), sort_keys=True, allow_nan=False, default=_bytes_as_text
    )


def _bytes_as_text(value: Any) -> str:
    if not isinstance(value, bytes):
        raise TypeError(f"no noun has a {type(value).__name__}")
    # The alphabet that all releases of pydantic read.
    return base64.urlsafe_b64encode(value).decode()


@functools.cache
def _adapter(cls: Any) -> TypeAdapter[Any]:
    # pydantic validates stdlib dataclasses; imported late because the sandbox's children, which
    # only write nouns, start a fifth of a second sooner without it.
    from pydantic import TypeAdapter

    return TypeAdapter(cls)


def from_json(cls: type[N], text: str | bytes) -> N:
    """Read a noun back.

    Args:
        cls: The kind of noun.
        text: Its JSON; bytes are UTF-8.

    Returns:
        The noun.

    Raises:
        ValueError: The text does not have exactly that shape.
    """
    # Imported late, as pydantic is: what only writes nouns does without.
    from .fitting import check_if_long

    data = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if isinstance(data, bytes):
        check_if_long(cls, data)
    noun: N = _adapter(cls).validate_json(data, strict=True)  # type: ignore[arg-type]
    return noun
