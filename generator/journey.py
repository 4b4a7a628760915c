"""A journey: one attempt from idea to record.

`run_journey` is the whole of it, top to bottom. Each step is done once and written before the next
begins, so a journey that was cut off goes on where it stopped, from any other process. Many
journeys go on at once, each in a thread of its own; `in_flight` says what they know of each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from ..archive.folder import frame_strip_path, policy_path, poster_path
from ..archive.journal import Journal
from ..archive.novelty import Neighbour
from ..archive.store import now
from ..errors import BrokenError
from ..task import (
    TRIED,
    Idea,
    Judgement,
    Noun,
    Outcome,
    Record,
    Sighting,
    Status,
    Task,
    Trial,
)
from .archive_view import ArchiveView, Selection
from .author import Brief, FrameStrip, UnderWay
from .block import STEP, Block, Share, first_of_block
from .in_flight import NO_IDEA, JourneyState, Stopped
from .job_client import JobClient
from .model.meter import Meter
from .run_context import RunContext
from .strategies import STRATEGIES
from .strategies.strategy import IdeaStrategy

N = TypeVar("N", bound=Noun)

WaitsFor = Literal["model", "worker", "journey"]
"""What a stage may have to wait for: an answer, a free worker, another journey."""

UNDER_WAY = 10
"""So many ideas in flight at most are known as the nearest ones."""
FRAMES = 9
"""The frames of an episode that the judge of its success is shown: one every two seconds of the
longest."""


@dataclass(frozen=True)
class Judgements(Noun):
    """What further judges said: none, or one."""

    judgements: tuple[Judgement, ...] = ()


@dataclass(frozen=True)
class Sightings(Noun):
    """What was seen of the trained agent: nothing, or by one model."""

    sightings: tuple[Sighting, ...] = ()


def run_journey(context: RunContext, number: int) -> Record:
    """Go from idea to record; the dearest step comes last. Raises Stopped where the run ends, and
    what makes going on pointless: ModelError, BudgetSpent, StorageError."""
    journey = Journey(context, number)
    try:
        journey.select_stepping_stones()
        journey.propose_idea()
        if reason := journey.near_copy():
            return journey.end("duplicate", reason)
        outcome = journey.write_code_until_it_passes()
        if not outcome.passed:
            return journey.end(_status_without_code(outcome), outcome.report)
        judgement = journey.judge()
        if not judgement.positive:
            return journey.end("uninteresting", judgement.reason)
        if reason := journey.near_copy_in_flight() or journey.same_source():
            return journey.end("duplicate", reason)
        trial = journey.screen_and_train()
        while trial.verdict == "rejected" and journey.repairs_left:
            outcome = journey.write_code_until_it_passes()
            if not outcome.passed:
                return journey.end(_status_without_code(outcome), outcome.report)
            if reason := journey.same_source():
                return journey.end("duplicate", reason)
            trial = journey.screen_and_train()
        journey.look_at_success()
        return journey.end(
            "invalid" if trial.verdict == "rejected" else trial.verdict, trial.reason
        )
    except BrokenError as error:
        return journey.end("broken", str(error))


def _status_without_code(outcome: Outcome) -> Status:
    """How a journey ends whose code does not pass its checks."""
    return "invalid" if outcome.verdict == "rejected" else "broken"


def _strategy(share: Share) -> IdeaStrategy:
    name = share.selection.strategy
    if name not in STRATEGIES:
        # An earlier command has chosen it, perhaps of another version.
        raise BrokenError(
            f"The journey follows the idea strategy {name!r}, which there is not here.",
            "Other journeys are not affected.",
        )
    return STRATEGIES[name]


class Journey:
    """The steps of one journey and what they have given so far."""

    def __init__(self, context: RunContext, number: int) -> None:
        self.context = context
        self.number = number
        self.meter = Meter(number)
        self.author = context.author.for_journey(self.meter)
        self.journal: Journal = context.archive.journal(number, self.meter.read)
        self.jobs = JobClient(context, number)
        self.block_size = context.config.model.ideas_per_call or 1
        self.first = first_of_block(number, self.block_size, len(context.seed_tasks))
        """The journey that asks for the ideas of this one's block."""
        self.view = ArchiveView(context, context.in_flight.horizon(self.first))
        self.share: Share | None = None
        """What its block has for it."""
        self.selection = Selection()
        self.before: list[Idea] = []
        """The ideas of the journeys between its horizon and itself."""
        self.idea = NO_IDEA
        self.task: Task | None = None
        self.first_trained: Task | None = None
        """The first version that passed its checks."""
        self.outcomes: list[Outcome] = []
        """What was found of each version of the code so far."""
        self.judgements: list[Judgement] = []
        self.trial: Trial | None = None
        """The last one; that of an earlier version where training found a fault in it."""
        self.sightings: tuple[Sighting, ...] = ()
        self.neighbours: list[Neighbour] = []
        """The kept tasks nearest to the idea, nearest first."""
        self.under_way: list[UnderWay] = []
        """The ideas in flight nearest to it that are no near copies, nearest first."""
        self.twins: list[tuple[int, float]] = []
        """The journeys in flight whose ideas are near copies, and how similar those are."""

    def random(self, purpose: str, number: int | None = None) -> np.random.Generator:
        """A random stream that depends on the run's seed, the journey (this one, unless another is
        named) and the purpose alone."""
        journey = self.number if number is None else number
        return np.random.default_rng([self.context.config.run.seed, journey, *purpose.encode()])

    @property
    def written(self) -> Task:
        """The task, once there is code."""
        assert self.task is not None
        return self.task

    def enter(self, stage: str, waits_for: WaitsFor | None = None, **details: object) -> None:
        """Go on to a stage, and say so. Raises Stopped where the run ends."""
        if self.context.in_flight.is_stopped:
            raise Stopped
        is_asked = self.selection.seed_task is None and self.author.name != "composer"
        self.context.events(
            "stage",
            journey=self.number,
            stage=stage,
            title=self.idea.title,
            waits_for=None if waits_for == "model" and not is_asked else waits_for,
            **details,
        )

    def wait(self, other: int) -> None:
        """Report that this journey waits for another one."""
        self.enter("wait", "journey", other=other)

    def once(self, step: str, kind: type[N], work: Callable[[], N]) -> N:
        """The result of a step, worked out unless the journal has it."""
        self.meter.begin(step)
        return self.journal.once(step, kind, work)

    # The steps, in their order.

    def select_stepping_stones(self) -> None:
        self.enter("select")
        self.share = self._share_of_block()
        self.selection = self.once("select", Selection, self._select)
        # An earlier command may have begun this journey, with more or fewer records than now.
        horizon = self.selection.horizon
        self.view = ArchiveView(self.context, self.number - 1 if horizon is None else horizon)

    def _share_of_block(self) -> Share | None:
        """What the first journey of the block has for this one, once that has come to its idea.
        None where this one is the first, or has an idea already."""
        if self.first == self.number or self.journal.read("idea", Idea) is not None:
            return None
        self.context.in_flight.until_idea(self.first, self.wait)
        block = self.context.archive.journal(self.first).read(STEP, Block)
        return block.share_of(self.number) if block else None

    def _select(self) -> Selection:
        return self.share.selection if self.share else self._selected_for(self.number)

    def _selected_for(self, number: int) -> Selection:
        selection = self.view.select(number, self.random("select", number), self.author.supports)
        return replace(selection, horizon=self.view.horizon)

    def propose_idea(self) -> None:
        if self.journal.read("idea", Idea) is None and self.selection.seed_task is None:
            self._prepare_to_propose()
        self.enter("idea", "model")
        self.idea = self.once("idea", Idea, self._propose)
        self.context.in_flight.share(self.number, idea=self.idea)

    def _prepare_to_propose(self) -> None:
        """Have the share of a block, or else know what all earlier journeys propose."""
        if self.share and self.share.idea and self.share.selection == self.selection:
            return
        self.share = None
        self.before = [state.idea for state in self._ideas_under_way() if state.idea]
        if self.first == self.number and self.block_size > 1:
            self.enter("idea", "model")
            self.share = self.once(STEP, Block, self._propose_for_block).share_of(self.number)

    def _propose_for_block(self) -> Block:
        """Ask for the ideas of all journeys of the block whose strategies go into one prompt."""
        shares = [Share(self.number, self.selection)]
        others = range(self.number + 1, self.number + self.block_size)
        shares += [Share(number, self._selected_for(number)) for number in others]
        together = [share for share in shares if self.author.can_ask_beside(_strategy(share))]
        ideas: dict[int, Idea | None] = {}
        if len(together) > 1:
            try:
                found = self.author.propose_together([self._brief(share) for share in together])
                ideas = {s.number: idea for s, idea in zip(together, found, strict=True)}
            except BrokenError as error:
                self.jobs.warn(f"{error.message} Each journey of these asks by itself.")
        return Block(tuple(replace(share, idea=ideas.get(share.number)) for share in shares))

    def _ideas_under_way(self) -> list[JourneyState]:
        """The journeys beside this one that have come to an idea, once all of them have or have
        ended without."""
        beside = self.context.in_flight.beside(self.number, self.view.horizon, "idea", self.wait)
        return [state for state in beside if state.idea is not None]

    def _propose(self) -> Idea:
        if self.selection.seed_task is not None:
            return self.context.seed_tasks[self.selection.seed_task].idea
        if self.share and self.share.idea:
            return self.share.idea
        return self.author.propose(self._brief(Share(self.number, self.selection)))

    def _brief(self, share: Share) -> Brief:
        """What the author is given for the idea of a journey."""
        selection, records = share.selection, self.view.records
        subject = selection.subject
        return Brief(
            robot=self.context.config.run.robot,
            random=self.random("idea", share.number),
            stones=self.view.stones(selection),
            failures=[r for n in selection.failures if (r := records.of(n))],
            strategy=_strategy(share),
            subject=records.of(subject) if subject is not None else None,
            records=records,
            under_way=self.before,
            nearest=lambda count: self.view.nearest_to_start(selection, count),
        )

    def near_copy(self) -> str:
        """Why the idea is a near copy of a kept task; empty where it is none."""
        settings = self.context.config.novelty
        count = max(settings.neighbours, self.context.config.model.neighbours)
        self.neighbours = self.view.nearest(self.idea, count)
        nearest = next(iter(self.neighbours), None)
        if nearest is not None and nearest.similarity >= settings.near_copy:
            return self._copy_of(nearest)
        self._look_beside()
        return ""

    def _copy_of(self, kept: Neighbour) -> str:
        return (
            f"Its cosine similarity to the kept task {kept.record.task_id} "
            f"(“{kept.record.idea.title}”) is {kept.similarity:.3f}; "
            f"{self.context.config.novelty.near_copy:g} counts as a copy."
        )

    def _look_beside(self) -> None:
        """Note which of the journeys beside this one had nearly its idea, and which one like it."""
        others = self._ideas_under_way()
        ideas = [state.idea for state in others if state.idea is not None]
        near_copy = self.context.config.novelty.near_copy
        similar = self.context.embedder.most_similar(
            self.idea.text, [idea.text for idea in ideas], UNDER_WAY, near_copy
        )
        self.twins = sorted((others[n].number, s) for n, s in similar if s >= near_copy)
        self.under_way = [UnderWay(ideas[n], s) for n, s in similar if s < near_copy][:UNDER_WAY]

    def near_copy_in_flight(self) -> str:
        """Why the idea is a near copy of a task that a journey beside this one has come to keep;
        empty where it is none. Asked once there is code: those after this journey wait for that,
        and are not to wait for the ends of its twins as well."""
        for number, similarity in self.twins:
            record = self.context.in_flight.end_of(number, self.wait)
            if record.status == "learned":
                return self._copy_of(Neighbour(record, similarity))
        return ""

    def write_code_until_it_passes(self) -> Outcome:
        """The outcome of the last check: passed, or rejected after the last repair. Where there is
        code already, a fault was found in it, and a repair comes first."""
        while True:
            attempt = len(self.outcomes)
            self.enter("repair" if attempt else "code", "model", attempt=attempt)
            self.task = self.once(f"code {attempt}", Task, self._write)
            self.enter("check", "worker", attempt=attempt)
            outcome = self.once(f"check {attempt}", Outcome, lambda: self.jobs.check(self.written))
            self.outcomes.append(outcome)
            if outcome.verdict != "rejected" or not self.repairs_left:
                break
        if outcome.passed:
            if self.first_trained is None:
                # Others compare with the code that was to be trained first, whenever they ask.
                self.first_trained = self.task
                self.context.in_flight.share(self.number, task=self.task)
            self.jobs.draw_poster(self.written)
        return outcome

    @property
    def repairs_left(self) -> int:
        """How often the author may still repair the code."""
        most = 0 if self.selection.seed_task is not None else self.author.max_repairs
        return most + 1 - len(self.outcomes)

    def _write(self) -> Task:
        if self.selection.seed_task is not None:
            source = self.context.seed_tasks[self.selection.seed_task].source
        elif self.task is None:
            stones = [neighbour.record for neighbour in self.neighbours]
            source = self.author.write(self.idea, stones[: self.context.config.model.neighbours])
        else:
            source = self.author.repair(self.idea, self.task.source, self.outcomes[-1])
        return Task(source, self.context.config.run.robot)

    def same_source(self) -> str:
        """Which earlier journey had a verdict on this very source; empty where none had."""
        task, in_flight = self.written, self.context.in_flight
        same = self.view.of_task(task.task_id)
        beside = in_flight.beside(self.number, self.view.horizon, "task", self.wait)
        # Those that began training with the same code may have come to the same repair.
        alike = (task, self.first_trained or task)
        same += [
            in_flight.end_of(state.number, self.wait)
            for state in beside
            if self._first_trained_by(state) in alike
        ]
        for record in same:
            if record.status in TRIED and record.task == task:
                was = record.status.replace("_", " ")
                return f"Its source is that of journey {record.number}, which was {was}."
        return ""

    def _first_trained_by(self, state: JourneyState) -> Task | None:
        """The code with which a journey came to its training, whatever it has repaired since: the
        same whether it has ended by now or not."""
        faults = [
            version
            for version, outcome in enumerate(state.record.outcomes if state.record else ())
            if outcome.stage == "train"
        ]
        if not faults:
            return state.task
        return self.context.archive.journal(state.number).read(f"code {faults[0]}", Task)

    def judge(self) -> Judgement:
        self.enter("judge", "model")
        judgement = self.once("judgement", Judgement, self._judge)
        self.judgements.append(judgement)
        if self.selection.seed_task is None and self.context.config.model.second_judge:
            self._judge_again()
        return judgement

    def _judge(self) -> Judgement:
        if self.selection.seed_task is not None:
            return Judgement("interestingness", True, "It is one of the seeds.", "seed")
        return self.author.judge(
            self.idea, self.neighbours, self._novelty, self.under_way, self._pictures()
        )

    def _judge_again(self) -> None:
        """Ask a second judge. It decides nothing, so its failure does not end the journey."""
        try:
            second = self.once("second judgement", Judgements, self._second_judgement)
            self.judgements += second.judgements
        except BrokenError as error:
            self.jobs.warn(error.message)

    def _second_judgement(self) -> Judgements:
        judgement = self.author.judge_again(
            self.idea, self.neighbours, self.under_way, self._pictures()
        )
        return Judgements((judgement,) if judgement else ())

    def _pictures(self) -> list[Path | None]:
        """The pictures of this task and of its neighbours, if pictures are wanted and exist."""
        if not self.context.config.model.judge_pictures or self.task is None:
            return []
        task_ids = [self.task.task_id, *(n.record.task_id or "" for n in self.neighbours)]
        paths = [Path(poster_path(self.context.run_dir, task_id)) for task_id in task_ids]
        return [path if path.is_file() else None for path in paths]

    @property
    def _novelty(self) -> float | None:
        return self.view.novelty(self.idea, self.neighbours)

    def screen_and_train(self) -> Trial:
        """The trial of the code as it is. A fault that training finds in it is what was found of
        this version, as if its check had found it."""
        self.enter("train", "worker")
        seed = int(self.random("trial").integers(2**31))
        step = "trial" if self.trial is None else f"trial {len(self.outcomes) - 1}"
        self.trial = self.once(
            step, Trial, lambda: self.jobs.train(self.written, seed, self.neighbours)
        )
        if self.trial.verdict == "rejected":
            # Trials of before faults were noted apart tell of them in their reasons.
            found = self.trial.fault or Outcome.rejected("train", self.trial.reason, "", "")
            self.outcomes[-1] = found
        return self.trial

    def look_at_success(self) -> None:
        """Ask a model what it sees of the trained agent. Its answer decides nothing, so its failure
        does not end the journey."""
        was_trained = self.trial is not None and self.trial.success_after is not None
        if not (self.context.config.model.judge_success and was_trained):
            return
        if not Path(policy_path(self.context.run_dir, self.written.task_id)).exists():
            return
        self.enter("look", "model")
        try:
            self.sightings = self.once("sightings", Sightings, self._look).sightings
        except BrokenError as error:
            self.jobs.warn(error.message)

    def _look(self) -> Sightings:
        film = self.jobs.film_frame_strip(
            self.written, int(self.random("look").integers(2**31)), FRAMES
        )
        seen = self.author.look(
            self.idea,
            Path(frame_strip_path(self.context.run_dir, self.written.task_id)),
            FrameStrip(film.frames, film.apart_s, film.at_the_end),
            bool(film.success),
        )
        return Sightings((seen,) if seen else ())

    def end(self, status: Status, reason: str) -> Record:
        """The record, which ends the journey once it is in the archive."""
        if self.outcomes and self.outcomes[-1].passed:
            self.jobs.record_replay(self.written, self.trial)
        cost, seconds = self.journal.spent()
        # The calls of a failed step belong to no step that was stored.
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
            novelty=self._novelty,
            cost=cost,
            seconds=seconds,
            created_at=now(),
        )
        self.context.events(
            "stage", journey=self.number, stage=status, title=self.idea.title, waits_for=None
        )
        return record
