"""A journey: one attempt from idea to record.

`run_journey` is the whole of it, top to bottom. Each step is done once and written before the next
begins, so a journey that was cut off goes on where it stopped, from any other process. Many
journeys go on at once, each in a thread of its own; see `flight` for what they know of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from ..archive.embedding import Embedder
from ..archive.metric import Metric
from ..archive.neighbourhood import Neighbourhood
from ..archive.novelty import Neighbour, nearest, novelty
from ..archive.selection import SelectionRule
from ..archive.store import Archive, Journal, now
from ..config import Config
from ..errors import BrokenError, StorageError
from ..executor.cores import processes_for
from ..executor.job import Executor, Job, JobResult
from ..task import (
    CurvePoint,
    Idea,
    Judgement,
    Noun,
    Outcome,
    Record,
    Sighting,
    Status,
    Strategy,
    Task,
    Trial,
    from_json,
    to_json,
)
from ..trainer.plans import ArchivedPolicy, Film, FilmPlan, TrialPlan
from .author import Author, Brief, Moments
from .events import Events
from .flight import NO_IDEA, Flight, Stopped
from .model.meter import Meter
from .replays import replay_job, replay_path
from .seeds import SeedTask
from .strategies import COUNTS, Start, choose_start, spread

N = TypeVar("N", bound=Noun)

WaitsFor = Literal["model", "worker", "journey"]
"""What a stage may have to wait for: an answer, a free worker, another journey."""

CHECK_DEADLINE_S = 120.0
POSTER_DEADLINE_S = 60.0
LOOK_DEADLINE_S = 120.0
"""As jobs. What a check or a picture allows the task is far below; this guards against us."""

MOMENTS = 9
"""Of an episode, shown to who judges its success: one every two seconds of the longest."""

INSTRUCTIVE: tuple[Status, ...] = ("too_hard", "too_easy", "uninteresting")
"""Statuses of turned-down tasks that tell an author something about the next idea."""

TRIED: tuple[Status, ...] = ("learned", "too_hard", "too_easy")
"""Statuses of tasks on which a trial had a verdict: there is no need for another one."""


@dataclass(frozen=True)
class Selection(Noun):
    """What a journey starts from."""

    stones: tuple[str, ...] = ()
    """`task_id`s of kept tasks, the chosen one first."""
    failures: tuple[int, ...] = ()
    """Journey numbers of tasks like it that were turned down."""
    strategy: Strategy = "frontier"
    subject: int | None = None
    """Journey number of the task that was too hard, for the strategies that start from one."""
    seed_task: int | None = None
    """Position of the example task to begin with."""
    horizon: int | None = None
    """Journey number of the last record that it knew; None in archives whose journeys came one
    after the other and knew all before them."""


@dataclass(frozen=True)
class Judgements(Noun):
    """What further judges said: none, or one."""

    judgements: tuple[Judgement, ...] = ()


@dataclass(frozen=True)
class Sightings(Noun):
    """What was seen of the trained agent: nothing, or by one model."""

    sightings: tuple[Sighting, ...] = ()


@dataclass
class Workshop:
    """What all journeys of a run share."""

    run_dir: Path
    config: Config
    archive: Archive
    author: Author
    embedder: Embedder
    neighbourhood: Neighbourhood
    executor: Executor
    events: Events
    seed_tasks: Sequence[SeedTask]
    flight: Flight
    """The journeys of this run, those under way among them."""
    selection: SelectionRule = COUNTS
    """How stepping stones are weighed."""
    metric: Metric | None = None
    """What novelty is told by; None: the cosine of embeddings."""


def run_journey(workshop: Workshop, number: int) -> Record:
    """Go from idea to record; the dearest step comes last. Raises Stopped where the run ends, and
    what makes going on pointless: ModelError, BudgetSpent, StorageError."""
    journey = Journey(workshop, number)
    try:
        journey.select_stepping_stones()
        journey.propose_idea()
        if reason := journey.near_copy():
            return journey.end("duplicate", reason)
        outcome = journey.write_code_until_it_passes()
        if not outcome.passed:
            status: Status = "invalid" if outcome.verdict == "rejected" else "broken"
            return journey.end(status, outcome.report)
        judgement = journey.judge()
        if not judgement.positive:
            return journey.end("uninteresting", judgement.reason)
        if reason := journey.same_source():
            return journey.end("duplicate", reason)
        trial = journey.screen_and_train()
        journey.look_at_success()
        return journey.end(
            "invalid" if trial.verdict == "rejected" else trial.verdict, trial.reason
        )
    except BrokenError as error:
        return journey.end("broken", str(error))


class Journey:
    """The steps of one journey and what they have given so far."""

    def __init__(self, workshop: Workshop, number: int) -> None:
        self.workshop = workshop
        self.number = number
        self.meter = Meter(number)
        self.author = workshop.author.for_journey(self.meter)
        self.journal: Journal = workshop.archive.journal(number, self.meter.read)
        self.horizon = workshop.flight.horizon(number)
        self.records = workshop.flight.records(self.horizon)
        self.selection = Selection()
        self.idea = NO_IDEA
        self.task: Task | None = None
        self.outcomes: list[Outcome] = []
        self.judgements: list[Judgement] = []
        self.trial: Trial | None = None
        self.sightings: tuple[Sighting, ...] = ()
        self.neighbours: list[Neighbour] = []

    def random(self, purpose: str) -> np.random.Generator:
        """A random stream that depends on the run's seed, the journey and the purpose alone."""
        return np.random.default_rng(
            [self.workshop.config.run.seed, self.number, *purpose.encode()]
        )

    @property
    def kept(self) -> list[Record]:
        return [record for record in self.records if record.status == "learned"]

    def enter(self, stage: str, waits_for: WaitsFor | None = None, **details: object) -> None:
        """Go on to a stage, and say so. Raises Stopped where the run ends."""
        if self.workshop.flight.is_stopped:
            raise Stopped
        is_asked = self.selection.seed_task is None and self.author.name != "composer"
        self.workshop.events(
            "stage",
            journey=self.number,
            stage=stage,
            title=self.idea.title,
            waits_for=None if waits_for == "model" and not is_asked else waits_for,
            **details,
        )

    def wait(self, other: int) -> None:
        """Say that it depends on another journey how this one goes on."""
        self.enter("wait", "journey", other=other)

    def once(self, step: str, kind: type[N], work: Callable[[], N]) -> N:
        """The result of a step, worked out unless the journal has it."""
        self.meter.begin(step)
        return self.journal.once(step, kind, work)

    # The steps, in their order.

    def select_stepping_stones(self) -> None:
        self.enter("select")
        self.selection = self.once(
            "select", Selection, lambda: replace(self._select(), horizon=self.horizon)
        )
        # Begun by an earlier command, it may have known more or less than it would now.
        horizon = self.selection.horizon
        self.horizon = self.number - 1 if horizon is None else horizon
        self.records = self.workshop.flight.records(self.horizon)

    def _select(self) -> Selection:
        if self.number <= len(self.workshop.seed_tasks):
            return Selection(seed_task=self.number - 1)
        start = choose_start(
            self.records,
            self.number,
            self.random("select"),
            self.workshop.config.strategies,
            self.author.strategies,
            in_flight=self.workshop.flight.concurrency,
            rule=self.workshop.selection,
            favour_effort=self.workshop.config.selection.favour_effort,
        )
        return self._around(start)

    def _around(self, start: Start) -> Selection:
        """The tasks to show an author who starts there."""
        sizes = self.workshop.config.model
        first = next((r for r in self.kept if r.task_id == start.stone), None)
        subject = next((r for r in self.records if r.number == start.subject), None)
        center = subject or first
        if center is None:
            return Selection(strategy=start.strategy)
        if first is None:
            near = self._nearest(center.idea, sizes.neighbours)
            stones = [neighbour.record for neighbour in near]
        elif start.strategy == "breadth":
            vectors = [self.workshop.embedder.embed(record.idea.text) for record in self.kept]
            positions = spread(vectors, self.kept.index(first), sizes.neighbours + 1)
            stones = [self.kept[n] for n in positions]
        else:
            near = self._nearest(first.idea, sizes.neighbours, without=first)
            stones = [first, *(neighbour.record for neighbour in near)]
        near = self._nearest(center.idea, sizes.failures, INSTRUCTIVE, without=subject)
        return Selection(
            tuple(stone.task_id or "" for stone in stones),
            tuple(neighbour.record.number for neighbour in near),
            start.strategy,
            start.subject,
        )

    def _nearest(
        self,
        idea: Idea,
        count: int,
        statuses: Sequence[Status] = ("learned",),
        without: Record | None = None,
    ) -> list[Neighbour]:
        """Of the records that this journey knows, those nearest to an idea."""
        found = self.workshop.neighbourhood.nearest(
            idea.text, count + 1, statuses=statuses, up_to=self.horizon
        )
        return [near for near in found if without is None or near.record != without][:count]

    def _nearest_as_people_see_it(self, metric: Metric, count: int) -> list[Neighbour]:
        """The kept tasks nearest to this idea by a metric learned from people's answers."""
        embed = self.workshop.embedder.embed
        vectors = [embed(record.idea.text) for record in self.kept]
        if not vectors:
            return []
        projected = list(metric.project(np.stack(vectors)))
        return nearest(metric.project(embed(self.idea.text)), self.kept, projected, count)

    @property
    def stones(self) -> list[Record]:
        by_task = {record.task_id: record for record in self.kept}
        return [by_task[task_id] for task_id in self.selection.stones]

    def propose_idea(self) -> None:
        self.enter("idea", "model")
        self.idea = self.once("idea", Idea, self._propose)
        self.workshop.flight.tell(self.number, idea=self.idea)

    def _propose(self) -> Idea:
        if self.selection.seed_task is not None:
            return self.workshop.seed_tasks[self.selection.seed_task].idea
        by_number = {record.number: record for record in self.records}
        subject = self.selection.subject
        return self.author.propose(
            Brief(
                robot=self.workshop.config.run.robot,
                random=self.random("idea"),
                stones=self.stones,
                failures=[by_number[n] for n in self.selection.failures],
                strategy=self.selection.strategy,
                subject=by_number[subject] if subject is not None else None,
                known=self.records,
            )
        )

    def near_copy(self) -> str:
        """Why the idea is a near copy of a kept task; empty where it is none."""
        settings = self.workshop.config.novelty
        count = max(settings.neighbours, self.workshop.config.model.neighbours)
        self.neighbours = self._nearest(self.idea, count)
        twin = self.neighbours[0] if self.neighbours else None
        if twin is None or twin.similarity < settings.near_copy:
            twin = self._twin_in_flight()
        if twin is None:
            return ""
        return (
            f"Its cosine similarity to the kept task {twin.record.task_id} "
            f"(“{twin.record.idea.title}”) is {twin.similarity:.3f}; "
            f"{settings.near_copy:g} counts as a copy."
        )

    def _twin_in_flight(self) -> Neighbour | None:
        """A task that is kept by one of the journeys beside this one and had nearly its idea."""
        flight, embed = self.workshop.flight, self.workshop.embedder.embed
        for other in flight.beside(self.number, self.horizon, "idea", self.wait):
            if other.idea is None:
                continue
            similarity = float(embed(other.idea.text) @ embed(self.idea.text))
            if similarity >= self.workshop.config.novelty.near_copy:
                record = flight.end_of(other.number, self.wait)
                if record.status == "learned":
                    return Neighbour(record, similarity)
        return None

    def write_code_until_it_passes(self) -> Outcome:
        """The outcome of the last check: passed, or rejected after the last repair."""
        repairs = 0 if self.selection.seed_task is not None else self.author.max_repairs
        for attempt in range(repairs + 1):
            self.enter("repair" if attempt else "code", "model", attempt=attempt)
            self.task = self.once(f"code {attempt}", Task, self._write)
            self.enter("check", "worker", attempt=attempt)
            outcome = self.once(f"check {attempt}", Outcome, self._check)
            self.outcomes.append(outcome)
            if outcome.verdict != "rejected":
                break
        if outcome.passed:
            self.workshop.flight.tell(self.number, task=self.task)
            self._draw_poster()
        return outcome

    def _write(self) -> Task:
        if self.selection.seed_task is not None:
            source = self.workshop.seed_tasks[self.selection.seed_task].source
        elif self.task is None:
            stones = [neighbour.record for neighbour in self.neighbours]
            source = self.author.write(self.idea, stones[: self.workshop.config.model.neighbours])
        else:
            source = self.author.repair(self.idea, self.task.source, self.outcomes[-1])
        return Task(source, self.workshop.config.run.robot)

    def _check(self) -> Outcome:
        assert self.task is not None
        job = Job(f"check-{self.task.task_id}", "check", to_json(self.task), CHECK_DEADLINE_S)
        outcome = from_json(Outcome, self._do(job))
        # A failure of ours says nothing about the task: once more, and then it is reported.
        return outcome if outcome.verdict != "broken" else from_json(Outcome, self._do(job))

    def _draw_poster(self) -> None:
        """A picture of the task. Going without one is no reason to lose the journey."""
        assert self.task is not None
        plan = FilmPlan(
            source=self.task.source,
            robot=self.task.robot,
            path=poster_path(self.workshop.run_dir, self.task.task_id),
            width=480,
            height=360,
        )
        if Path(plan.path).exists():
            return
        job = Job(f"poster-{self.task.task_id}", "film", to_json(plan), POSTER_DEADLINE_S)
        try:
            self._do(job)
        except BrokenError as error:
            self.workshop.events("warning", journey=self.number, text=error.message)

    def same_source(self) -> str:
        """Which earlier journey had a verdict on this very source; empty where none had."""
        assert self.task is not None
        flight = self.workshop.flight
        same = [record for record in self.records if record.task_id == self.task.task_id]
        beside = flight.beside(self.number, self.horizon, "task", self.wait)
        same += [flight.end_of(n.number, self.wait) for n in beside if n.task == self.task]
        for record in same:
            if record.status in TRIED:
                was = record.status.replace("_", " ")
                return f"Its source is that of journey {record.number}, which was {was}."
        return ""

    def judge(self) -> Judgement:
        self.enter("judge", "model")
        judgement = self.once("judgement", Judgement, self._judge)
        self.judgements.append(judgement)
        if self.selection.seed_task is None and self.workshop.config.model.second_judge:
            self._judge_again()
        return judgement

    def _judge(self) -> Judgement:
        if self.selection.seed_task is not None:
            return Judgement("interestingness", True, "It is one of the seeds.", "seed")
        return self.author.judge(self.idea, self.neighbours, self.novelty, self._pictures())

    def _judge_again(self) -> None:
        """Hear a second judge. It decides nothing, so a failure of it ends nothing."""
        try:
            second = self.once("second judgement", Judgements, self._second_judgement)
            self.judgements += second.judgements
        except BrokenError as error:
            self.workshop.events("warning", journey=self.number, text=error.message)

    def _second_judgement(self) -> Judgements:
        judgement = self.author.judge_again(self.idea, self.neighbours, self._pictures())
        return Judgements((judgement,) if judgement else ())

    def _pictures(self) -> list[Path | None]:
        """Of this task and of its neighbours, where pictures are wanted and there are some."""
        if not self.workshop.config.model.judge_pictures or self.task is None:
            return []
        task_ids = [self.task.task_id, *(n.record.task_id or "" for n in self.neighbours)]
        paths = [Path(poster_path(self.workshop.run_dir, task_id)) for task_id in task_ids]
        return [path if path.is_file() else None for path in paths]

    @property
    def novelty(self) -> float | None:
        count, metric = self.workshop.config.novelty.neighbours, self.workshop.metric
        near = self.neighbours[:count]
        if metric is not None:
            near = self._nearest_as_people_see_it(metric, count)
        value = novelty(near)
        return None if value is None else round(value, 4)

    def screen_and_train(self) -> Trial:
        self.enter("train", "worker")
        self.trial = self.once("trial", Trial, self._train)
        return self.trial

    def _train(self) -> Trial:
        assert self.task is not None
        settings = self.workshop.config.trainer
        # Longer than the trial's own limit, which is the one that should end it.
        deadline_s = settings.max_seconds + 120.0
        policies = [
            ArchivedPolicy(
                near.record.task_id or "",
                near.record.idea.title,
                policy_path(self.workshop.run_dir, near.record.task_id or ""),
            )
            for near in self.neighbours[: settings.nearest_policies]
        ]
        for lost in [policy for policy in policies if not Path(policy.path).exists()]:
            policies.remove(lost)
            text = f"The policy {lost.path} is missing; the trial goes on without it."
            self.workshop.events("warning", journey=self.number, text=text)
        plan = TrialPlan(
            source=self.task.source,
            robot=self.task.robot,
            seed=int(self.random("trial").integers(2**31)),
            policy_path=policy_path(self.workshop.run_dir, self.task.task_id),
            archived=tuple(policies),
            processes=processes_for(settings.processes, self.workshop.executor.workers),
            **settings.model_dump(exclude={"nearest_policies", "processes"}),
        )
        name = f"trial-{self.number}-{self.task.task_id}"
        return from_json(Trial, self._do(Job(name, "trial", to_json(plan), deadline_s)))

    def look_at_success(self) -> None:
        """Ask a model what it sees of the trained agent. It decides nothing, so a failure of it
        ends nothing."""
        assert self.task is not None
        policy = policy_path(self.workshop.run_dir, self.task.task_id)
        was_trained = self.trial is not None and self.trial.success_after is not None
        if not (self.workshop.config.model.judge_success and was_trained):
            return
        if not Path(policy).exists():
            return
        self.enter("look", "model")
        try:
            self.sightings = self.once("sightings", Sightings, lambda: self._look(policy)).sightings
        except BrokenError as error:
            self.workshop.events("warning", journey=self.number, text=error.message)

    def _look(self, policy: str) -> Sightings:
        assert self.task is not None
        plan = FilmPlan(
            source=self.task.source,
            robot=self.task.robot,
            path=moments_path(self.workshop.run_dir, self.task.task_id),
            seed=int(self.random("look").integers(2**31)),
            policy_path=policy,
            moments=MOMENTS,
        )
        job = Job(f"look-{self.number}-{self.task.task_id}", "film", to_json(plan), LOOK_DEADLINE_S)
        film = from_json(Film, self._do(job))
        seen = self.author.look(
            self.idea,
            Path(plan.path),
            Moments(film.frames, film.apart_s, film.at_the_end),
            bool(film.success),
        )
        return Sightings((seen,) if seen else ())

    def _do(self, job: Job) -> str:
        """The payload of a job's result. Raises BrokenError where our machinery failed."""
        if self.workshop.flight.is_stopped:
            raise Stopped
        result = self._result(job)
        if result.broken:
            raise BrokenError(result.broken, "Run the same command again, or report it.")
        return result.payload

    def _result(self, job: Job) -> JobResult:
        events = self.workshop.events

        def tell(point: CurvePoint) -> None:
            events(
                "curve",
                journey=self.number,
                steps=point.steps,
                success_rate=point.success_rate,
                mean_return=point.mean_return,
            )

        def at_work(is_it: bool) -> None:
            state = "begun" if is_it else "ended"
            events("job", journey=self.number, kind=job.kind, state=state)

        result = self.workshop.executor.run(job, tell, at_work)
        if result.disk_is_full:
            raise StorageError(result.broken, "")
        return result

    def end(self, status: Status, reason: str) -> Record:
        """The record, which ends the journey once it is in the archive."""
        if self.outcomes and self.outcomes[-1].passed:
            self._record_replay()
        cost, seconds = self.journal.spent()
        # Calls of a step that failed are in no step.
        cost += self.meter.read()
        record = Record(
            number=self.number,
            status=status,
            reason=reason,
            idea=self.idea,
            task=self.task,
            outcomes=tuple(self.outcomes),
            trial=self.trial,
            judgements=tuple(self.judgements),
            sightings=self.sightings,
            stepping_stones=self.selection.stones,
            novelty=self.novelty,
            cost=cost,
            seconds=seconds,
            created_at=now(),
        )
        self.workshop.events(
            "stage", journey=self.number, stage=status, title=self.idea.title, waits_for=None
        )
        return record

    def _record_replay(self) -> None:
        assert self.task is not None
        path = replay_path(self.workshop.run_dir, self.task.task_id)
        if self.trial is None and path.exists():
            return  # An earlier journey with this source has shown more.
        # Also where the run is ending: what the journey came to would have to wait for it.
        result = self._result(replay_job(self.workshop.run_dir, self.task, self.trial))
        if result.broken:
            self.workshop.events("warning", journey=self.number, text=result.broken)


def policy_path(run_dir: Path, task_id: str) -> str:
    """Where the policy learned on a task lies."""
    return str((run_dir / "policies" / f"{task_id}.zip").resolve())


def poster_path(run_dir: Path, task_id: str) -> str:
    """Where the picture of a task lies."""
    return str((run_dir / "media" / f"{task_id}.png").resolve())


def moments_path(run_dir: Path, task_id: str) -> str:
    """Where the picture that the success of a task was judged by lies."""
    return str((run_dir / "media" / f"{task_id}.moments.png").resolve())
