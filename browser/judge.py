"""Judge: people say what is interesting, and which tasks are alike.

Only there with `--allow-feedback`. What the run's judge thought of a task is shown after the
answer, never before it. From the answers follow how far the two agree, and a metric of likeness.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ..archive.agreement import agreements_with_people, judgement_of
from ..archive.feedback import Feedback, Interest, Triplet
from ..archive.learned_distance import (
    MIN_TRIPLETS,
    fit_metric,
    load_metric,
    usable_triplets,
)
from ..errors import ArchiveError
from ..task import Judgement
from .rows import Row
from .site import Link, Site, render

LINKS = (Link("Judge", "/judge"),)

PROPOSALS = 64
"""Triplets drawn for each question, of which one is asked."""
FEW = 10
"""With no more tasks than this, all triplets are looked at: few draws would miss the last ones."""

Vectors = NDArray[np.float32]
B = TypeVar("B", bound=BaseModel)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class InterestBody(_Body):
    journey: int
    positive: bool | None


class TripletBody(_Body):
    anchor: int
    first: int
    second: int
    nearer: int | None


def routes(site: Site) -> list[BaseRoute]:
    if not site.feedback:
        return []
    judge = _Judge(site)

    return [
        Route("/judge", partial(judge.page, kind="interest")),
        Route("/judge/alike", partial(judge.page, kind="triplets")),
        _post("/judge/interest", InterestBody, judge.take_interest),
        _post("/judge/triplet", TripletBody, judge.take_triplet),
        _post("/judge/metric", _Body, judge.fit),
    ]


def _post(path: str, kind: type[B], take: Callable[[B], str]) -> Route:
    return Route(path, partial(_answered, kind=kind, take=take), methods=["POST"])


async def _answered(request: Request, kind: type[B], take: Callable[[B], str]) -> Response:
    """Take an answer, which is JSON; the reply is what the page shows next."""
    try:
        body = kind.model_validate_json(await request.body())
    except ValidationError as error:
        what = "; ".join(str(problem["msg"]) for problem in error.errors()[:3])
        return PlainTextResponse(f"That is no answer: {what}.\n", 400)
    try:
        return HTMLResponse(await run_in_threadpool(take, body))
    except ArchiveError as error:
        return PlainTextResponse(f"{error}\n", 409)


class _Judge:
    """Questions about one archive, and what the answers come to. May be used from any thread."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._judgements: dict[int, Judgement] = {}
        self._looked_at: set[int] = set()

    def page(self, request: Request, kind: str) -> Response:
        question = self.next_interest() if kind == "interest" else self.next_triplet()
        # Both were escaped when they were rendered.
        parts = Markup(question + self.standing())
        return self._site.render(request, "judge.html.j2", kind=kind, parts=parts)

    # Interesting or not.

    def next_interest(self, before: Row | None = None) -> str:
        """The next task to judge, as HTML. `before` is the one just answered."""
        judgements = self._known_judgements()
        with Feedback.open(self._site.run_dir) as feedback:
            answers = feedback.interests()
        row = self._most_useful(judgements, answers)
        verdict = None if before is None else judgements.get(before.number)
        return render(
            "judge_interest.html.j2",
            site=self._site,
            row=row,
            before=before,
            verdict=verdict,
            mine={a.journey: a.positive for a in answers}.get(before.number) if before else None,
            answered=len(answers),
        )

    def _most_useful(
        self, judgements: dict[int, Judgement], answers: Sequence[Interest]
    ) -> Row | None:
        """A task that nobody has answered: one that was judged, first of the kind of verdict of
        which fewer have been checked, since agreement is computed from both; then any other."""
        answered = {answer.journey for answer in answers}
        checked = [judgements[n].positive for n in answered if n in judgements]
        rows = [r for r in self._site.index.rows() if r.number not in answered and r.task_id]
        if not rows:
            return None
        wanted = checked.count(True) <= checked.count(False)
        shuffled = np.random.default_rng(len(answers)).permutation(len(rows))

        def usefulness(place: int) -> int:
            judgement = judgements.get(rows[place].number)
            return 2 if judgement is None else int(judgement.positive != wanted)

        return rows[min(shuffled.tolist(), key=usefulness)]

    def take_interest(self, body: InterestBody) -> str:
        row = self._row(body.journey)
        with Feedback.create_or_open(self._site.run_dir) as feedback:
            feedback.add_interest(Interest(body.journey, body.positive))
        return self.next_interest(row) + self.standing()

    # Which is more like the first.

    def next_triplet(self) -> str:
        """The next question, as HTML."""
        with Feedback.open(self._site.run_dir) as feedback:
            answers = feedback.triplets()
        numbers, vectors = self._shown_vectors()
        asked = {(t.anchor, *sorted((t.first, t.second))) for t in answers}
        chosen = choose_triplet(numbers, vectors, asked, len(answers))
        rows = [self._row(number) for number in chosen] if chosen else []
        return render(
            "judge_triplet.html.j2",
            site=self._site,
            rows=rows,
            answered=sum(answer.nearer is not None for answer in answers),
        )

    def take_triplet(self, body: TripletBody) -> str:
        if len({body.anchor, body.first, body.second}) < 3:
            raise ArchiveError("A question is about three tasks.", "Load the page again.")
        if body.nearer not in (None, body.first, body.second):
            raise ArchiveError("The answer names neither of the two.", "Load the page again.")
        for number in (body.anchor, body.first, body.second):
            self._row(number)
        with Feedback.create_or_open(self._site.run_dir) as feedback:
            feedback.add_triplet(Triplet(body.anchor, body.first, body.second, body.nearer))
        return self.next_triplet() + self.standing()

    def fit(self, _: _Body) -> str:
        """Learn a metric from all answers and keep it in the run folder."""
        numbers, vectors = self._site.search.embeddings.stored()
        with Feedback.open(self._site.run_dir) as feedback:
            answers = [
                (t.anchor, t.nearer, t.further)
                for t in feedback.triplets()
                if t.nearer is not None and t.further is not None
            ]
        triplets = usable_triplets(answers, {number: row for row, number in enumerate(numbers)})
        model = self._site.search.embeddings.model
        metric = fit_metric(vectors.astype(np.float64), triplets, model)
        metric.save(self._site.run_dir)
        return self.standing()

    # What the answers come to.

    def standing(self) -> str:
        """Agreement and metric, as HTML."""
        with Feedback.open(self._site.run_dir) as feedback:
            interests, triplets = feedback.interests(), feedback.triplets()
        return render(
            "judge_standing.html.j2",
            agreements=agreements_with_people(self._known_judgements(), interests),
            answers=sum(answer.nearer is not None for answer in triplets),
            needed=MIN_TRIPLETS,
            metric=load_metric(self._site.run_dir),
        )

    def _known_judgements(self) -> dict[int, Judgement]:
        """By journey, what the run's judge said. Each record is read once."""
        with self._lock:
            numbers = {row.number for row in self._site.index.rows() if not row.damaged}
            new = numbers - self._looked_at
            if new:
                with self._site.archive() as archive:
                    records = archive.by_number(sorted(new))
                for number, record in records.items():
                    judgement = judgement_of(record)
                    if judgement is not None:
                        self._judgements[number] = judgement
                self._looked_at |= new
            return {n: j for n, j in self._judgements.items() if n in numbers}

    def _shown_vectors(self) -> tuple[list[int], Vectors]:
        """Journeys that can be asked about: they have code, and their idea a vector; vectors are
        those of the present metric."""
        numbers, vectors = self._site.search.embeddings.stored()
        coded = {row.number for row in self._site.index.rows() if row.task_id}
        kept = [place for place, number in enumerate(numbers) if number in coded]
        metric = load_metric(self._site.run_dir)
        chosen = vectors[kept]
        if metric is not None and len(kept):
            chosen = metric.project(chosen)
        return [numbers[place] for place in kept], chosen

    def _row(self, number: int) -> Row:
        row = self._site.index.get(number)
        if row is None:
            raise ArchiveError(f"There is no journey {number}.", "Load the page again.")
        return row


def choose_triplet(
    numbers: Sequence[int],
    vectors: Vectors,
    asked: set[tuple[Any, ...]],
    turn: int,
) -> tuple[int, int, int] | None:
    """Choose three tasks to ask about: an anchor, and two of which the present metric can hardly
    tell which one is nearer. Every third question is about any three, so that it also comes out
    where the metric is sure and wrong.

    Args:
        numbers: Journeys that can be asked about.
        vectors: Their vectors in the present metric, shape (n, size).
        asked: Triplets that were asked about: the anchor, and the two others in order.
        turn: How many questions were asked; the same turn asks the same.

    Returns:
        Journeys of anchor, first and second; None where there are fewer than three tasks, or where
        all were asked about.
    """
    if len(numbers) < 3:
        return None
    random = np.random.default_rng([turn, len(numbers)])
    drawn: list[tuple[int, ...]]
    if len(numbers) <= FEW:
        drawn = list(itertools.permutations(range(len(numbers)), 3))
        random.shuffle(drawn)
    else:
        drawn = [tuple(random.choice(len(numbers), 3, replace=False)) for _ in range(PROPOSALS)]
    fresh = [
        (int(a), int(b), int(c))
        for a, b, c in drawn
        if (numbers[a], *sorted((numbers[b], numbers[c]))) not in asked
    ]
    if not fresh:
        return None
    if turn % 3 == 2:
        a, b, c = fresh[0]
    else:
        a, b, c = min(
            fresh, key=lambda t: abs(float(vectors[t[0]] @ (vectors[t[1]] - vectors[t[2]])))
        )
    return numbers[a], numbers[b], numbers[c]
