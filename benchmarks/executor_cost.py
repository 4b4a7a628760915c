"""What does an executor add to a job: in seconds, and in processor time of the driver?

Measures: a job that takes no time (a request that nobody can read, which a worker refuses) and a
check of a hand-written example, from asking to the result, by one warm worker. With Ray, also what
a policy as an input costs the first time and when the node has it already.
Compared with: the local executor, alternately.
Duration: about a minute. Without an address, the local executor alone is measured.

    ray start --head --num-cpus 1
    python benchmarks/executor_cost.py --ray-address auto
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from harness import Benchmark, example, in_turn, median

from taskwright.config import RunConfig
from taskwright.executor import make_executor
from taskwright.executor.contents import digest_of
from taskwright.executor.job import Executor, Job
from taskwright.task import Task, to_json

EXAMPLE = "find_open_doorway"
EMPTY_JOBS = 100
POLICY_BYTES = 120_000


def per_job(executor: Executor, jobs: list[Job]) -> tuple[float, float]:
    """Seconds, and seconds of this process's processor time, of each of these jobs."""
    began, cpu = time.perf_counter(), time.process_time()
    for job in jobs:
        executor.run(job)
    count = len(jobs)
    return (time.perf_counter() - began) / count, (time.process_time() - cpu) / count


def main() -> None:
    bench = Benchmark(__doc__, rounds=5)
    bench.option("--ray-address", help="a cluster to measure too")
    options = bench.start()
    task = Task(example(EXAMPLE))
    empty = [Job(f"empty-{n}", "check", "{}", 30.0) for n in range(EMPTY_JOBS)]
    check = [Job("check", "check", to_json(task), 60.0)]
    named = {"local": RunConfig(workers=1)}
    if options.ray_address:
        named["ray"] = RunConfig(executor="ray", workers=1, ray_address=options.ray_address)
    executors = {name: make_executor(run) for name, run in named.items()}

    def fresh() -> Job:
        policy = os.urandom(POLICY_BYTES)
        return Job("fresh", "check", "{}", 30.0, {digest_of(policy): policy})

    again = fresh()
    work: dict[str, Callable[[Executor], tuple[float, float]]] = {
        "a job that takes no time": lambda executor: per_job(executor, empty),
        "one with a new input of 120 kB": lambda executor: per_job(
            executor, [fresh() for _ in range(EMPTY_JOBS)]
        ),
        "one with an input that is there": lambda executor: per_job(executor, [again] * EMPTY_JOBS),
        "a check": lambda executor: per_job(executor, check),
    }
    rows = []
    for what, measure in work.items():
        sides = {
            name: lambda executor=executor, measure=measure: measure(executor)
            for name, executor in executors.items()
        }
        for name, rounds in in_turn(sides, options.rounds, warm_up=True).items():
            seconds = median([wall for wall, _ in rounds])
            cpu = median([cpu for _, cpu in rounds])
            rows.append([what, name, f"{1000 * seconds:.1f}", f"{1000 * cpu:.1f}"])
    for executor in executors.values():
        executor.close()
    bench.table({"job": "", "executor": "", "ms": "", "driver's CPU ms": ""}, rows)


if __name__ == "__main__":
    main()
