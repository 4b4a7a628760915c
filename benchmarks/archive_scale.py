"""How fast does an archive of a hundred thousand records find the nearest, or a million?

Measures: an archive of `--records` records, whose vectors (384 numbers) lie in clusters as those
of real tasks do, opened, searched and added to as a run does it, in one process. Memory is that
of a fresh process which opens the archive and searches it.
Compared with: a "float32 scan", the same question answered by a plain matrix product over all
vectors, with the whole matrix in memory; a full comparison ("equal" says in how many searches the
records found and their similarities are the same, to the last bit); and OMNI-EPIC, which embeds
every text of its archive anew at each question: what that takes with the same sentence
transformer on this machine is worked out from the time for `--texts` texts.
Duration: a minute for 100,000 records, ten for 1,000,000, most of it for writing them.

    python benchmarks/archive_scale.py --records 100000
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from harness import Benchmark, median, memory_mb, seconds
from numpy.typing import NDArray

from taskwright.archive.embedding import Embedder, SentenceEncoder
from taskwright.archive.neighbourhood import Neighbourhood
from taskwright.archive.opening import check_soundness
from taskwright.archive.store import FILE_NAME, Archive
from taskwright.archive.vectors import exact_similarities
from taskwright.task import Idea, Record, Task

DIMENSION, CLUSTERS, SPREAD = 384, 2000, 0.7
SEARCHES = 50
SCENE = "An arena of 20 by 20 m. " * 10


class Clustered:
    """An encoder that takes a text's vector from its number."""

    name = "clustered"

    def encode(self, text: str) -> NDArray[np.float32]:
        return clustered(int(text.split("\n")[0].rsplit(" ", 1)[1]))


CENTERS = np.random.default_rng(0).standard_normal((CLUSTERS, DIMENSION))


def clustered(number: int) -> NDArray[np.float32]:
    random = np.random.default_rng([1, number])
    vector = CENTERS[random.integers(CLUSTERS)] + SPREAD * random.standard_normal(DIMENSION)
    unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def record(number: int) -> Record:
    idea = Idea(f"Task {number}", SCENE, "The robot is there.", "Speed.", "None.")
    source = f"# {number}\n" + "x = 1  # a line of code\n" * 80
    return Record(number, "learned", "A reason.", idea, Task(source), created_at="2026-01-01")


def write(run_dir: Path, count: int) -> None:
    with Archive.create_or_open(run_dir) as archive:
        connection = archive._connection
        # All at once: a run would sync each, which is not what is measured here.
        connection.execute("BEGIN")
        for number in range(1, count + 1):
            archive.start_journey()
            one = record(number)
            archive.add(one)
            archive.keep_embedding(one.idea.text, Clustered.name, clustered(number))
        connection.execute("COMMIT")


def describe(times_s: list[float]) -> str:
    return f"{1000 * median(times_s):.1f} ms (slowest {1000 * max(times_s):.1f})"


def measured(run_dir: Path, count: int) -> Iterator[list[str]]:
    with Archive.create_or_open(run_dir) as archive:
        embedder = Embedder(archive, Clustered())
        with Neighbourhood(run_dir, archive, embedder) as neighbourhood:
            first_s = seconds(lambda: neighbourhood.nearest(f"x {count + 1}", 10))
    yield ["first search ever, which builds the index", f"{first_s:.1f} s"]
    started = time.perf_counter()
    with Archive.create_or_open(run_dir) as archive:
        embedder = Embedder(archive, Clustered())
        with Neighbourhood(run_dir, archive, embedder) as neighbourhood:
            neighbourhood.nearest(f"x {count + 1}", 10)
            yield ["open, and a first search", f"{time.perf_counter() - started:.2f} s"]
            texts = [f"x {count + 2 + n}" for n in range(SEARCHES)]
            for text in texts:
                embedder.embed(text)
            searches = [seconds(lambda t=text: neighbourhood.nearest(t, 10)) for text in texts]
            yield ["nearest 10 of all", describe(searches)]
            adds = []
            for _ in range(SEARCHES):
                number = archive.start_journey()
                embedder.embed(record(number).idea.text)

                def add(number: int = number) -> None:
                    archive.add(record(number))
                    neighbourhood._take_in_what_is_new()

                adds.append(seconds(add))
            yield ["add a record, synced to the disk and indexed", describe(adds)]
            yield from compared(neighbourhood, embedder, texts)
    sound_s = seconds(lambda: check_soundness(run_dir / FILE_NAME))
    yield ["reading all through after a crash", f"{sound_s:.1f} s"]
    with Archive.open(run_dir) as archive:
        read_s = seconds(archive.records)
    yield ["reading all records, their sources' hashes compared", f"{read_s:.1f} s"]


def compared(
    neighbourhood: Neighbourhood, embedder: Embedder, texts: list[str]
) -> Iterator[list[str]]:
    """Against full scans: in float32 for the time, in full for the answer."""
    matrix = np.array(neighbourhood._indices[0]._vectors[: neighbourhood._indices[0].count])
    scans, equal = [], 0
    for text in texts:
        query = embedder.embed(text)

        def scan(query: NDArray[np.float32] = query) -> NDArray[np.intp]:
            similarities = matrix @ query
            best = np.argpartition(-similarities, 10)[:10]
            return best[np.argsort(-similarities[best])]

        scans.append(seconds(scan))
    for text in texts[:10]:
        query = embedder.embed(text)
        parts = range(0, len(matrix), 50_000)
        exact = np.concatenate([exact_similarities(matrix[n : n + 50_000], query) for n in parts])
        rows = np.argsort(-exact, kind="stable")[:10]
        found = neighbourhood.nearest(text, 10)
        same = [n.record.number for n in found] == (rows + 1).tolist()
        equal += same and [n.similarity for n in found] == exact[rows].tolist()
    yield ["nearest 10 by a float32 scan, records not read", describe(scans)]
    yield ["searches equal to a full comparison", f"{equal} of 10"]


def print_memory(run_dir: Path) -> None:
    with Archive.open(run_dir) as archive:
        embedder = Embedder(archive, Clustered())
        with Neighbourhood(run_dir, archive, embedder) as neighbourhood:
            neighbourhood.nearest("x 7", 10)
    # Not `ru_maxrss`, which a new process inherits from the one that started it.
    print(memory_mb("self", "VmHWM"))


def rows(run_dir: Path, count: int, texts: int) -> Iterator[list[str]]:
    yield from measured(run_dir, count)
    command = [sys.executable, __file__, "--memory-of", str(run_dir)]
    memory = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    mebibytes = float(memory.splitlines()[-1]) * 1e6 / 2**20
    yield ["resident memory of a process that searches, at its most", f"{mebibytes:,.0f} MiB"]
    encoder = SentenceEncoder()
    encoder.encode("warm")
    model = encoder._model
    sources = [record(n).idea.text for n in range(texts)]
    each_s = seconds(lambda: model.encode(sources, show_progress_bar=False)) / texts
    yield [f"embedding all {count:,} texts anew, as OMNI-EPIC does", f"{each_s * count:,.0f} s"]


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--records", type=int, default=100_000)
    bench.option("--texts", type=int, default=200)
    bench.option("--memory-of", type=Path, help=argparse.SUPPRESS)
    options = bench.start()
    if options.memory_of:
        print_memory(options.memory_of)
        return
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder)
        written_s = seconds(lambda: write(run_dir, options.records))
        bench.say(f"{options.records:,} records written in {written_s:.0f} s.")
        bench.table({"what": "", "time": ""}, rows(run_dir, options.records, options.texts))


if __name__ == "__main__":
    main()
