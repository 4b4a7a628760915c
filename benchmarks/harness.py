"""What all benchmarks share: the command line, measuring in turn, ratios, tables and promises.

Machines are noisy, so a speed is claimed as a ratio of what was measured in turn, in one run. A
benchmark is a file like this one, beside what it measures:

    \"\"\"How fast is one thing?

    Measures: one thing, in things per second of the clock.
    Compared with: another thing, in the same run.
    Duration: a minute.
    \"\"\"
    def main() -> None:
        bench = Benchmark(__doc__, rounds=9)
        options = bench.start()
        rates = in_turn({"one": one_thing, "other": another}, options.rounds)
        bench.table(
            {"what": "", "things/s": ",.0f", "ratio": ".2f"},
            ([name, median(each), Ratio.of(each, rates["other"])] for name, each in rates.items()),
        )
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import importlib.metadata
import json
import math
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import taskwright
from taskwright.errors import TaskwrightError
from taskwright.sandbox.processes.cores import cores

ROOT = Path(taskwright.__file__).parent
EXAMPLES = ROOT / "examples" / "tasks"
DATA = Path(__file__).parent / "data"
PACKAGES = ("taskwright", "pybullet", "numpy", "torch", "gymnasium")

Clock = Callable[[], float]


class Benchmark:
    """The command line of a script, and what it prints; with `--json FILE` that is written as
    numbers too. `rounds` and `against` bring the options of these names."""

    def __init__(self, doc: str, rounds: int | None = None, against: bool = False) -> None:
        self.parser = argparse.ArgumentParser(
            description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        self.option = self.parser.add_argument
        self.option("--json", type=Path, metavar="FILE", help="write all numbers there as well")
        if rounds:
            self.option("--rounds", type=int, default=rounds, help="everything in turn in each")
        if against:
            self.option(
                "--against",
                type=interpreter,
                metavar="PATH",
                help="another installation to compare with: its Python, or the folder of its "
                "virtual environment or checkout",
            )
        self.results: dict[str, Any] = {"tables": [], "said": []}

    def start(self) -> argparse.Namespace:
        """Read the command line and print which machine this is."""
        self.options = self.parser.parse_args()
        sys.excepthook = show_error
        self.results["benchmark"] = Path(sys.argv[0]).stem
        self.say(machine())
        return self.options

    def say(self, text: str) -> None:
        self.results["said"].append(text)
        print(text, flush=True)
        self._keep()

    def promise(self, what: str, holds: bool, found: str = "") -> None:
        """Say whether something holds that the documentation promises."""
        self.say(f"{'yes' if holds else 'NO ':3} {what}" + (f": {found}" if found else ""))

    def table(
        self, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]
    ) -> list[Sequence[Any]]:
        """Print a Markdown table, each row as soon as it is there, and return the rows. `columns`
        gives each heading the format of its numbers. Text stands as it is, and None as a dash."""
        print(f"\n| {' | '.join(columns)} |\n{'|---' * len(columns)}|", flush=True)
        kept: list[Sequence[Any]] = []
        self.results["tables"].append({"columns": list(columns), "rows": kept})
        for row in rows:
            cells = [in_cell(*pair) for pair in zip(row, columns.values(), strict=True)]
            print(f"| {' | '.join(cells)} |", flush=True)
            kept.append(list(row))
            self._keep()
        return kept

    def times(self, times_ms: Mapping[str, Sequence[float]], title: str = "ms") -> None:
        """A table of milliseconds, from the times of each thing."""
        columns = {title: "", "median": ".1f", "95 %": ".1f", "worst": ".1f"}
        self.results.setdefault("times_ms", {})[title] = {
            n: list(each) for n, each in times_ms.items()
        }
        quantiles = ((name, np.percentile(each, [50, 95, 100])) for name, each in times_ms.items())
        self.table(columns, ([name, *each] for name, each in quantiles))

    def compare(self, unit: str, works: Mapping[str, Callable[[str], float]]) -> None:
        """Where `--against` was given: measure with this Python and with the other in turn, and
        print the ratio. A work is called with the interpreter that it is to be measured in."""
        if not self.options.against:
            return
        pythons = sys.executable, self.options.against
        columns = {f"{unit}, {self.options.rounds} pairs": "", "ours": ",.5g", "other": ",.5g"}
        columns |= {"ratio, 95 % interval": ".3f", "lowest": ".2f", "highest": ".2f"}

        def rows() -> Iterator[Sequence[Any]]:
            for name, work in works.items():
                pair = {python: functools.partial(work, python) for python in pythons}
                ours, other = in_turn(pair, self.options.rounds).values()
                ratio = Ratio.of(ours, other)
                yield name, median(ours), median(other), ratio, ratio.lowest, ratio.highest

        self.table(columns, rows())

    def _keep(self) -> None:
        if self.options.json:
            text = json.dumps(self.results, default=as_plain, indent=1)
            self.options.json.write_text(text + "\n", encoding="utf-8")


@dataclasses.dataclass(frozen=True)
class Ratio:
    """The median of ratios, its 95 % interval, and the range. The interval is that of order
    statistics; of five rounds or fewer it is the whole range, and covers less than 95 %."""

    median: float
    low: float
    high: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Any, others: Any) -> Ratio:
        """Of values and what was measured beside them, each pair in one round."""
        ratios = np.sort(np.asarray(values, float) / np.asarray(others, float))
        count, outside, skipped = len(ratios), 0.5 ** len(ratios), 0
        while outside <= 0.025:
            skipped += 1
            outside += math.comb(count, skipped) * 0.5**count
        skipped = max(skipped - 1, 0)
        low, high = ratios[skipped], ratios[-1 - skipped]
        return cls(median(ratios), *map(float, (low, high, ratios[0], ratios[-1])))

    def __format__(self, spec: str) -> str:
        return f"{self.median:{spec}} ({self.low:{spec}} to {self.high:{spec}})"


def median(values: Any) -> float:
    return float(np.median(values))


def in_turn(
    works: Mapping[str, Callable[[], Any]], rounds: int, warm_up: bool = False
) -> dict[str, NDArray[np.float64]]:
    """What each of the works measures, in rounds; an array of (rounds,) for each, or (rounds, n)
    where a work measures n numbers. Every other round goes backwards, so that what grows or wears
    off favours nobody. `warm_up` measures each once before, which does not count."""
    found: dict[str, list[Any]] = {name: [] for name in works}
    for number in range(-int(warm_up), rounds):
        for name, work in list(works.items())[:: -1 if number % 2 else 1]:
            if sys.stderr.isatty():
                print(f"\r\033[Kround {number + 1}: {name}", end="\r\033[K", file=sys.stderr)
            measured = work()
            if number >= 0:
                found[name].append(measured)
    return {name: np.array(each, float) for name, each in found.items()}


def seconds(work: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    started = clock()
    work()
    return clock() - started


def milliseconds(work: Callable[[], object], repeats: int) -> list[float]:
    """Of the clock, of each repeat."""
    return [1000 * seconds(work) for _ in range(repeats)]


def per_second(work: Callable[[], int], spend_s: float, clock: Clock = time.perf_counter) -> float:
    """How many things a second are done; `work` does some and says how many."""
    done, started = 0, clock()
    while clock() < started + spend_s:
        done += work()
    return done / (clock() - started)


def act_at_random(env: Any) -> None:
    """A random step of an environment, which begins anew when an episode has ended."""
    _, _, terminated, truncated, _ = env.step(env.action_space.sample())
    if terminated or truncated:
        env.reset()


@contextlib.contextmanager
def watched(owner: Any, name: str, clock: Clock = time.process_time) -> Iterator[list[float]]:
    """How long each call of a method or of a module's function takes, in seconds."""
    call, spent = getattr(owner, name), list[float]()

    def timed(*arguments: Any, **keywords: Any) -> Any:
        started = clock()
        try:
            return call(*arguments, **keywords)
        finally:
            spent.append(clock() - started)

    setattr(owner, name, timed)
    try:
        yield spent
    finally:
        setattr(owner, name, call)


def example(name: str, robot: str = "r2d2") -> str:
    """The source of an example task."""
    return (EXAMPLES / robot / f"{name}.py").read_text(encoding="utf-8")


def command(*words: object) -> list[str]:
    """`taskwright` with some words, in this Python."""
    return [sys.executable, "-m", "taskwright", *map(str, words)]


@contextlib.contextmanager
def serving(*words: object) -> Iterator[tuple[str, int]]:
    """A command that serves pages, until the end of the block: its address and its process."""
    with subprocess.Popen(command(*words), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"http://[^\s/]+", process.stdout.readline())
            if found is None:
                sys.exit(f"`taskwright {' '.join(map(str, words))}` serves nothing.")
            yield found[0], process.pid
        finally:
            process.terminate()


def in_process(python: str, code: str, *words: object) -> Any:
    """What a snippet prints last, as JSON, in a fresh process of an interpreter. Other
    installations are measured with it: the snippet uses what both have."""
    arguments = [python, "-c", code, *map(str, words)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        why = done.stderr.strip().rpartition("\n")[2] or f"exit status {done.returncode}"
        sys.exit(f"What is to be measured fails in {python}: {why}")
    return json.loads(done.stdout.splitlines()[-1])


def memory_mb(pid: int | str, field: str) -> float:
    """A field of a process's memory: `VmRSS` is what it has now, `VmHWM` its most so far, and
    `Private` what it shares with no other process."""
    name = "smaps_rollup" if field == "Private" else "status"
    lines = Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024 / 1e6


def interpreter(path: str) -> str:
    """The Python of another installation, for `--against`."""
    given = Path(path).absolute()
    for found in (given, given / ".venv" / "bin" / "python", given / "bin" / "python"):
        if found.is_file():
            return str(found)
    raise argparse.ArgumentTypeError(
        f"{path} is neither a Python nor a folder with one; name the Python of the other "
        "installation, its virtual environment or its checkout with a `.venv`"
    )


def show_error(kind: type[BaseException], error: Any, trace: Any) -> None:
    """Print an uncaught error; without a traceback where its message says what to do."""
    if isinstance(error, TaskwrightError):
        print(error, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def machine() -> str:
    """The machine, the versions and the day, in a line."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    model = re.search(r"model name\s*: (.*)", text)
    load = Path("/proc/loadavg").read_text().split()[0] if Path("/proc/loadavg").exists() else "?"
    commit, git = "", ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    with contextlib.suppress(OSError):
        commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    found["taskwright"] += f" ({commit})" if commit else ""
    versions = ", ".join(f"{name} {version}" for name, version in found.items())
    return (
        f"{cores()} cores of {model[1] if model else platform.processor()} with a load of {load}; "
        f"Python {platform.python_version()}, {versions}; {time.strftime('%Y-%m-%d')}"
    )


def in_cell(value: Any, spec: str) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return value if isinstance(value, str) else format(value, spec)


def as_plain(value: Any) -> Any:
    """What JSON has no form for: ratios, paths, and numbers of numpy."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value.item() if isinstance(value, np.generic) else str(value)
