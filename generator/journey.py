"""A journey: one attempt from idea to record.

`run_journey` is the whole of it, top to bottom. Each step is done once and written before the next
begins, so a journey that was cut off goes on where it stopped, from any other process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..archive.embedding import Embedder
from ..archive.metric import Metric
from ..archive.novelty import Neighbour, nearest, novelty
from ..archive.selection import choose, weights
from ..archive.store import Archive, Journal, now
from ..config import Config
from ..errors import BrokenError
from ..executor.job import Executor, Job
from ..task import (
    Cost,
    CurvePoint,
    Idea,
    Judgement,
    Noun,
    Outcome,
    Record,
    Status,
    Task,
    Trial,
    from_json,
    to_json,
)
from ..trainer.plans import ArchivedPolicy, FilmPlan, TrialPlan
from .author import Author, Brief
from .events import Events
from .replays import record_replay, replay_path
from .seeds import SeedTask

MAX_REVISIONS = 1
"""How often a task that was too hard is changed before its line is left."""

CHECK_DEADLINE_S = 120.0
POSTER_DEADLINE_S = 60.0
"""As jobs. What a check or a picture allows the task is far below; this guards against us."""

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
    revised: int | None = None
    """Journey number of the task to change."""
    seed_task: int | None = None
    """Position of the example task to begin with."""


@dataclass
class Workshop:
    """What all journeys of a run share."""

    run_dir: Path
    config: Config
    archive: Archive
    author: Author
    embedder: Embedder
    executor: Executor
    events: Events
    seed_tasks: Sequence[SeedTask]
    meter: Callable[[], Cost]
    """What model calls have cost since it was last asked."""
    metric: Metric | None = None
    """What novelty is told by; None: the cosine of embeddings."""


def run_journey(workshop: Workshop, number: int) -> Record:
    """Go from idea to record; the dearest step comes last."""
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
        if reason := journey.same_source():
            return journey.end("duplicate", reason)
        judgement = journey.judge()
        if not judgement.positive:
            return journey.end("uninteresting", judgement.reason)
        trial = journey.screen_and_train()
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
        self.journal: Journal = workshop.archive.journal(number, workshop.meter)
        self.records = workshop.archive.records()
        self.kept = [record for record in self.records if record.status == "learned"]
        self.selection = Selection()
        self.idea = Idea("(no idea yet)", "", "", "", "")
        self.task: Task | None = None
        self.outcomes: list[Outcome] = []
        self.judgements: list[Judgement] = []
        self.trial: Trial | None = None
        self.neighbours: list[Neighbour] = []

    def random(self, purpose: str) -> np.random.Generator:
        """A random stream that depends on the run's seed, the journey and the purpose alone."""
        return np.random.default_rng(
            [self.workshop.config.run.seed, self.number, *purpose.encode()]
        )

    def tell(self, stage: str, **details: object) -> None:
        self.workshop.events(
            "stage", journey=self.number, stage=stage, title=self.idea.title, **details
        )

    # The steps, in their order.

    def select_stepping_stones(self) -> None:
        self.tell("select")
        self.selection = self.journal.once("select", Selection, self._select)

    def _select(self) -> Selection:
        last = self.records[-1] if self.records else None
        if last and last.status == "too_hard" and self._revisions() < MAX_REVISIONS:
            return Selection(last.stepping_stones, revised=last.number)
        seeds = sum(record.idea.strategy == "seed" for record in self.records)
        if seeds < len(self.workshop.seed_tasks):
            return Selection(seed_task=seeds)
        chosen_id = choose(weights(self.records), self.random("select"))
        if chosen_id is None:
            return Selection()
        chosen = next(record for record in self.kept if record.task_id == chosen_id)
        sizes = self.workshop.config.model
        others = [record for record in self.kept if record is not chosen]
        near = self._nearest(chosen.idea, others, sizes.neighbours)
        failed = [record for record in self.records if record.status in INSTRUCTIVE]
        return Selection(
            (chosen_id, *(n.record.task_id or "" for n in near)),
            tuple(n.record.number for n in self._nearest(chosen.idea, failed, sizes.failures)),
        )

    def _revisions(self) -> int:
        """How many of the last records in a row are revisions, each of the one before."""
        fresh = (n for n, r in enumerate(reversed(self.records)) if r.idea.strategy != "revision")
        return next(fresh, len(self.records))

    def _nearest(
        self, idea: Idea, records: Sequence[Record], count: int, metric: Metric | None = None
    ) -> list[Neighbour]:
        embed = self.workshop.embedder.embed
        if not records or not count:
            return []
        vector = embed(idea.text)
        vectors = [embed(record.idea.text) for record in records]
        if metric is not None:
            vector, vectors = metric.project(vector), list(metric.project(np.stack(vectors)))
        return nearest(vector, records, vectors, count)

    @property
    def stones(self) -> list[Record]:
        by_task = {record.task_id: record for record in self.kept}
        return [by_task[task_id] for task_id in self.selection.stones]

    def propose_idea(self) -> None:
        self.tell("idea")
        self.idea = self.journal.once("idea", Idea, self._propose)

    def _propose(self) -> Idea:
        if self.selection.seed_task is not None:
            return self.workshop.seed_tasks[self.selection.seed_task].idea
        by_number = {record.number: record for record in self.records}
        revised = self.selection.revised
        return self.workshop.author.propose(
            Brief(
                robot=self.workshop.config.run.robot,
                random=self.random("idea"),
                stones=self.stones,
                failures=[by_number[n] for n in self.selection.failures],
                revised=by_number[revised] if revised is not None else None,
                known=self.records,
            )
        )

    def near_copy(self) -> str:
        """Why the idea is a near copy of a kept task; empty where it is none."""
        settings = self.workshop.config.novelty
        count = max(settings.neighbours, self.workshop.config.model.neighbours)
        self.neighbours = self._nearest(self.idea, self.kept, count)
        if self.neighbours and self.neighbours[0].similarity >= settings.near_copy:
            twin = self.neighbours[0]
            return (
                f"Its cosine similarity to the kept task {twin.record.task_id} "
                f"(“{twin.record.idea.title}”) is {twin.similarity:.3f}; "
                f"{settings.near_copy:g} counts as a copy."
            )
        return ""

    def write_code_until_it_passes(self) -> Outcome:
        """The outcome of the last check: passed, or rejected after the last repair."""
        author = self.workshop.author
        repairs = 0 if self.selection.seed_task is not None else author.max_repairs
        for attempt in range(repairs + 1):
            self.tell("repair" if attempt else "code", attempt=attempt)
            self.task = self.journal.once(f"code {attempt}", Task, self._write)
            self.tell("check", attempt=attempt)
            outcome = self.journal.once(f"check {attempt}", Outcome, self._check)
            self.outcomes.append(outcome)
            if outcome.verdict != "rejected":
                break
        return outcome

    def _write(self) -> Task:
        author = self.workshop.author
        if self.selection.seed_task is not None:
            source = self.workshop.seed_tasks[self.selection.seed_task].source
        elif self.task is None:
            stones = [neighbour.record for neighbour in self.neighbours]
            source = author.write(self.idea, stones[: self.workshop.config.model.neighbours])
        else:
            source = author.repair(self.idea, self.task.source, self.outcomes[-1])
        return Task(source, self.workshop.config.run.robot)

    def _check(self) -> Outcome:
        assert self.task is not None
        job = Job(f"check-{self.task.task_id}", "check", to_json(self.task), CHECK_DEADLINE_S)
        outcome = from_json(Outcome, self._do(job))
        # A failure of ours says nothing about the task: once more, and then it is reported.
        return outcome if outcome.verdict != "broken" else from_json(Outcome, self._do(job))

    def same_source(self) -> str:
        """Which earlier journey had a verdict on this very source; empty where none had."""
        assert self.task is not None
        for record in self.records:
            if record.task_id == self.task.task_id and record.status in TRIED:
                was = record.status.replace("_", " ")
                return f"Its source is that of journey {record.number}, which was {was}."
        return ""

    def judge(self) -> Judgement:
        self.tell("judge")
        judgement = self.journal.once("judgement", Judgement, self._judge)
        self.judgements.append(judgement)
        return judgement

    def _judge(self) -> Judgement:
        if self.selection.seed_task is not None:
            return Judgement("interestingness", True, "It is one of the seeds.", "seed")
        return self.workshop.author.judge(self.idea, self.neighbours, self.novelty)

    @property
    def novelty(self) -> float | None:
        count, metric = self.workshop.config.novelty.neighbours, self.workshop.metric
        near = self.neighbours[:count]
        if metric is not None:
            near = self._nearest(self.idea, self.kept, count, metric)
        value = novelty(near)
        return None if value is None else round(value, 4)

    def screen_and_train(self) -> Trial:
        self.tell("train")
        self.trial = self.journal.once("trial", Trial, self._train)
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
            **settings.model_dump(exclude={"nearest_policies"}),
        )
        name = f"trial-{self.number}-{self.task.task_id}"
        return from_json(Trial, self._do(Job(name, "trial", to_json(plan), deadline_s)))

    def _do(self, job: Job) -> str:
        """The payload of a job's result. Raises BrokenError where our machinery failed."""

        def tell(point: CurvePoint) -> None:
            self.workshop.events(
                "curve",
                journey=self.number,
                steps=point.steps,
                success_rate=point.success_rate,
                mean_return=point.mean_return,
            )

        result = self.workshop.executor.run(job, tell)
        if result.broken:
            raise BrokenError(result.broken, "Run the same command again, or report it.")
        return result.payload

    def end(self, status: Status, reason: str) -> Record:
        """Write the record, which ends the journey."""
        if self.outcomes and self.outcomes[-1].passed:
            self._draw_poster()
            self._record_replay()
        cost, seconds = self.journal.spent()
        # Calls of a step that failed are in no step.
        cost += self.workshop.meter()
        record = Record(
            number=self.number,
            status=status,
            reason=reason,
            idea=self.idea,
            task=self.task,
            outcomes=tuple(self.outcomes),
            trial=self.trial,
            judgements=tuple(self.judgements),
            stepping_stones=self.selection.stones,
            novelty=self.novelty,
            cost=cost,
            seconds=seconds,
            created_at=now(),
        )
        self.workshop.archive.add(record)
        self.workshop.events(
            "record",
            journey=self.number,
            status=status,
            reason=reason,
            title=self.idea.title,
            task_id=record.task_id,
            seconds=seconds,
        )
        return record

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
        job = Job(f"poster-{self.task.task_id}", "film", to_json(plan), POSTER_DEADLINE_S)
        result = self.workshop.executor.run(job)
        if result.broken:
            self.workshop.events("warning", journey=self.number, text=result.broken)

    def _record_replay(self) -> None:
        assert self.task is not None
        path = replay_path(self.workshop.run_dir, self.task.task_id)
        if self.trial is None and path.exists():
            return  # An earlier journey with this source has shown more.
        made = record_replay(self.workshop.executor, self.workshop.run_dir, self.task, self.trial)
        if isinstance(made, str):
            self.workshop.events("warning", journey=self.number, text=made)


def policy_path(run_dir: Path, task_id: str) -> str:
    """Where the policy learned on a task lies."""
    return str((run_dir / "policies" / f"{task_id}.zip").resolve())


def poster_path(run_dir: Path, task_id: str) -> str:
    """Where the picture of a task lies."""
    return str((run_dir / "media" / f"{task_id}.png").resolve())
