"""What a journey costs the driver grows neither with the archive nor with the journeys in flight.

Calls are counted, not seconds: they do not depend on what else the machine does.
"""

import hashlib
import sys
from collections import Counter

import numpy as np
import pytest

from taskwright.archive.embedding import Embedder
from taskwright.archive.neighbourhood import Neighbourhood
from taskwright.archive.store import Archive
from taskwright.config import resolve
from taskwright.executor.job import Executor, JobResult
from taskwright.generator.composer import Composer
from taskwright.generator.composer.goals import GOALS
from taskwright.generator.composer.parts import PARTS
from taskwright.generator.composer.recipe import Recipe
from taskwright.generator.events import Events
from taskwright.generator.in_flight import InFlight
from taskwright.generator.journey import run_journey
from taskwright.generator.run_context import RunContext
from taskwright.task import Idea, Outcome, Record, Task, Trial, to_json
from taskwright.trainer.requests import Film, Replay

STRATEGIES = ("frontier", "breadth", "failure", "revision")


class Encoder:
    name = "hash"

    def encode(self, text):
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        vector = np.random.default_rng(seed).standard_normal(8)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


class AtOnce(Executor):
    workers = 1

    def run(self, job, tell=None, at_work=None):
        done = {
            "check": lambda: (Outcome("passed"), {}),
            "film": lambda: (Film(1), {"film": b"f"}),
            "replay": lambda: (Replay(1, 1), {"replay": b"r"}),
            "trial": lambda: (Trial("learned", "", 0.0, 1.0, steps=9), {"policy": b"p"}),
        }
        noun, outputs = done[job.kind]()
        return JobResult(job.job_id, to_json(noun), outputs=outputs)

    def cancel(self, *, running=True):
        pass

    def close(self):
        pass


def made(number, random):
    parts = random.choice(list(PARTS), size=random.integers(4), replace=False)
    goal = str(random.choice(list(GOALS)))
    recipe = Recipe(tuple(map(str, parts)), goal, 1, number).as_dict()
    idea = Idea(f"Task {number}", "", "", "", "", STRATEGIES[number % 4], recipe=recipe)
    status = ("learned", "learned", "too_hard", "duplicate")[number % 4]
    trial = Trial("learned", "", 0.0, 1.0, steps=number)
    passed = (Outcome("passed"),)
    return Record(number, status, "", idea, Task(f"# {number}\n"), passed, trial)


def calls_of_journeys(run_dir, records, concurrency):
    """How many functions a journey calls at the median of some, after so many records and with all
    others in flight that there can be."""
    random = np.random.default_rng(0)
    with Archive.create_or_open(run_dir) as archive:
        embedder = Embedder(archive, Encoder())
        with archive.transaction():
            for number in range(1, records + 1):
                record = made(number, random)
                archive.start_journey()
                archive.add(record)
                embedder.embed(record.idea.text)
        config = resolve({"run": {"concurrency": concurrency}, "trainer": {"nearest_policies": 0}})
        in_flight = InFlight(concurrency, archive.records())
        with Neighbourhood(run_dir, archive, embedder) as neighbourhood:
            context = RunContext(
                run_dir,
                config,
                archive,
                Composer(0.0),
                embedder,
                neighbourhood,
                AtOnce(),
                Events(run_dir / "events.jsonl", lambda event: None),
                (),
                in_flight,
            )
            ended, counts = [], []
            for number in range(records + 1, records + concurrency + 13):
                archive.start_journey()
                in_flight.begin(number)
                if number > records + concurrency:
                    # All up to its horizon have ended; the others are in flight for longer.
                    first = ended.pop(0)
                    archive.add(first)
                    in_flight.end(first)
                counted = Counter()
                sys.setprofile(lambda frame, event, argument: counted.update([event]))  # noqa: B023
                try:
                    ended.append(run_journey(context, number))
                finally:
                    sys.setprofile(None)
                counts.append(counted["call"] + counted["c_call"])
    return sorted(counts[-11:])[5]


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return calls_of_journeys(tmp_path_factory.mktemp("few"), 100, 4)


def test_a_large_archive_makes_journeys_hardly_dearer(few, tmp_path):
    assert calls_of_journeys(tmp_path, 1000, 4) < 1.5 * few


def test_many_journeys_in_flight_make_journeys_hardly_dearer(few, tmp_path):
    assert calls_of_journeys(tmp_path, 100, 64) < 1.5 * few
