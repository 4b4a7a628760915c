"""How many prompt tokens does a journey cost, by role?

    python benchmarks/prompt_cost.py [--run RUN_DIR] [--omni-epic CHECKOUT]

Measures: an archive of 40 records, filled from the example tasks and the Composer's ideas with
made-up trials, or that of a run folder. For 60 journeys on it, the strategy and what is shown are
chosen as in a run and every prompt is rendered and counted; nothing is sent. A repair is counted
with a finding of usual length.
Compared with: OMNI-EPIC's prompts, where a clone of its repository is named, built from its own
templates and its eight examples, with the number of retrieved sources that its configuration
gives (5 learned and 5 failed for an idea, 5 for code and a repair, 10 for a verdict) taken from
the same archive.
Duration: half a minute on an idle machine.

Counted by tiktoken (cl100k_base, the encoding of GPT-4) where that is at hand without a download,
in TIKTOKEN_CACHE_DIR or inside an installed litellm; else as characters divided by four, and
said.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import runpy
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from harness import Benchmark

from taskwright.archive.embedding import SentenceEncoder
from taskwright.archive.novelty import nearest
from taskwright.archive.store import Archive
from taskwright.config import Config, ModelConfig, RunConfig, StrategyConfig
from taskwright.generator.author import Brief
from taskwright.generator.composer import Composer
from taskwright.generator.model_author import ModelAuthor
from taskwright.generator.seeds import example_tasks
from taskwright.generator.skeleton import assemble
from taskwright.generator.strategies import STRATEGIES
from taskwright.generator.strategies.bandit import choose_start
from taskwright.generator.strategies.strategy import Situation
from taskwright.task import CurvePoint, Outcome, Record, Robot, Status, Task, Trial

ROBOT: Robot = "r2d2"
"""The one for which there are examples and the Composer."""
JOURNEYS = 60
TOGETHER = (2, 4, 8, 16)
"""Numbers of ideas that one call asks for."""
ENCODING = "cl100k_base"
CACHE_NAME = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
"""Under which tiktoken keeps that encoding: the SHA-1 of its address."""

FINDING = Outcome.rejected(
    "step",
    "Step 3 of an episode fails: `AttributeError: 'Env' object has no attribute "
    "'distance_before'` in `get_task_rewards`, line 61: "
    "`progress = (self.distance_before - distance) / self.dt`.",
    "The attribute is read before any episode has set it.",
    "Set it in `reset`, after `super().reset()` and after the robot has been placed.",
)


SKILL = (
    "Drive along a course with gaps and a moving block, wait for the right moment to pass, and "
    "then push a ball through a gate, which takes both jumps and patience."
)
"""Of usual length: what ideas of models say of themselves."""


class Asked(Exception):
    """Nobody answers."""


class Counted(ModelAuthor):
    """Renders prompts, notes them and sends none."""

    asked: list[str]

    def _ask(self, role: str, prompt: Any, parse: Any) -> Any:
        self.asked.append(prompt)
        raise Asked

    def _ask_for_parts(self, role: str, template: str, *rest: Any, **given: Any) -> dict[str, str]:
        given.pop("all_of_them", None)
        self.asked.append(self._render(template, **given))
        return {}


class NoModel:
    """Has a name for every role, and no answers."""

    name = "none"

    def name_for(self, role: str) -> str:
        return role


def counter() -> tuple[Callable[[str], int], str]:
    """Counts tokens, and how."""
    litellm = importlib.util.find_spec("litellm")
    folders = [os.environ.get("TIKTOKEN_CACHE_DIR", "")]
    if litellm and litellm.origin:
        folders.append(str(Path(litellm.origin).parent / "litellm_core_utils" / "tokenizers"))
    for folder in filter(None, folders):
        if (Path(folder) / CACHE_NAME).exists() and importlib.util.find_spec("tiktoken"):
            os.environ["TIKTOKEN_CACHE_DIR"] = folder
            import tiktoken

            encode = tiktoken.get_encoding(ENCODING).encode_ordinary
            return lambda text, encode=encode: len(encode(text)), f"tiktoken {ENCODING}"
    return lambda text: len(text) // 4, "characters / 4 (no tokenizer is at hand)"


def made_up_archive(robot: Robot) -> list[Record]:
    """Records as a run of some hours leaves them, in a mixture that was seen in such runs."""
    random = np.random.default_rng(0)
    ideas = [(seed.idea, seed.source) for seed in example_tasks(robot)]
    composer, records = Composer(0.1), list[Record]()
    statuses: list[Status] = ["learned", "too_hard", "learned", "too_easy", "uninteresting"]
    for number in range(1, 41):
        if number <= len(ideas):
            idea, source = ideas[number - 1]
            status: Status = "learned"
        else:
            stones = [record for record in records if record.status == "learned"][-5:]
            idea = composer.propose(
                Brief(robot, random, STRATEGIES["frontier"], stones=stones, records=records)
            )
            source = composer.write(idea, stones)
            idea = replace(idea, skill=SKILL)
            status = statuses[number % len(statuses)]
        records.append(_record(number, status, idea, source, robot))
    return records


def _record(number: int, status: Status, idea: Any, source: str, robot: Robot) -> Record:
    rates = np.linspace(0.0, 0.9 if status == "learned" else 0.3, 40)
    curve = tuple(
        CurvePoint(3000 * (n + 1), 2.0 * n, float(rate), 4.0 * n, 30)
        for n, rate in enumerate(rates)
    )
    trial, reason = None, "Most like “Cross the bridge”: the same drive, over a narrower bridge."
    if status in ("learned", "too_hard"):
        after = float(rates[-1])
        reason = (
            f"Not learned within 120000 steps: {after * 96:.0f} of 96 episodes on fresh seeds, "
            "80% are needed."
        )
        achieved = (
            "Of 96 episodes, 58 by time, 31 by termination, 7 by success ended. At the end the "
            "robot was 5.2 m from where it had begun (median; between 0.4 and 9.8 m; median x "
            "+4.9, y -0.3, z -0.0 m). Reward terms, mean sum of an episode (lowest to highest): "
            "progress 182.0 (-60.1 to 420.9); energy_penalty -3.1 (-4.0 to -1.0)."
        )
        trial = Trial(
            "learned" if status == "learned" else "too_hard",
            reason,
            0.06,
            after,
            {"idle": 0.0, "random": 0.06},
            96,
            steps=120_000,
            curve=curve,
            achieved=achieved if status == "too_hard" else "",
        )
    elif status == "too_easy":
        reason = "Solved before training by what was learned on “Climb the stairs” (14 of 16)."
        trial = Trial("too_easy", reason, 0.88)
    return Record(number, status, reason, idea, Task(source, robot), trial=trial, novelty=0.2)


def spread(vectors: list[Any], first: int, count: int) -> list[int]:
    """Positions of at most `count` unit vectors from all over, `first` first (Gonzalez 1985)."""
    chosen = [first]
    similarity = np.stack(vectors) @ np.stack(vectors).T
    while len(chosen) < min(count, len(vectors)):
        nearness = similarity[:, chosen].max(axis=1)
        nearness[chosen] = np.inf
        chosen.append(int(nearness.argmin()))
    return chosen


def our_prompts(records: list[Record], robot: Robot, config: ModelConfig) -> dict[str, list[str]]:
    """Every prompt of some journeys, by role (an idea's with its strategy), and those for several
    ideas at once."""
    encoder = SentenceEncoder()
    vectors = {record.number: encoder.encode(record.idea.text) for record in records}
    kept = [record for record in records if record.status == "learned"]
    whole = Config(run=RunConfig(robot=robot), model=config)
    author = Counted(NoModel(), whole, example_tasks(robot))  # type: ignore[arg-type]
    prompts: dict[str, list[str]] = defaultdict(list)
    briefs: list[Brief] = []

    def near(record: Record, among: list[Record], count: int) -> list[Any]:
        others = [other for other in among if other is not record]
        known = [vectors[other.number] for other in others]
        return nearest(vectors[record.number], others, known, count)

    def ask(role: str, step: Callable[[], Any]) -> None:
        author.asked = []
        with contextlib.suppress(Asked):
            step()
        # What takes two questions costs both.
        prompts[role].append("\n".join(author.asked))

    for number in range(len(records) + 1, len(records) + 1 + JOURNEYS):
        random = np.random.default_rng(number)
        start = choose_start(Situation(records, number), random, StrategyConfig())
        first = next((record for record in kept if record.task_id == start.stone), None)
        subject = next((record for record in records if record.number == start.subject), None)
        center = subject or first
        assert center is not None
        if first and start.strategy == "breadth":
            places = [vectors[record.number] for record in kept]
            stones = [kept[n] for n in spread(places, kept.index(first), config.neighbours + 1)]
        else:
            stones = [n.record for n in near(center, kept, config.neighbours)]
            stones = [first, *stones] if first else stones
        failed = [record for record in records if record.status not in ("learned", "invalid")]
        failures = [n.record for n in near(center, failed, config.failures)]
        strategy = STRATEGIES[start.strategy]
        brief = Brief(robot, random, strategy, stones, failures, subject, records)
        ask(f"idea: {start.strategy}", lambda brief=brief: author.propose(brief))
        if author.can_ask_beside(strategy):
            briefs.append(brief)
        # A task like those that are proposed next: one of the archive, as if it were new.
        new = records[number % len(records)]
        neighbours = near(new, kept, config.neighbours)
        shown = [neighbour.record for neighbour in neighbours]
        assert new.task is not None
        ask("code", lambda new=new, shown=shown: author.write(new.idea, shown))
        source = new.task.source
        if config.style == "skeleton":
            source = assemble(new.idea, robot, {})
        ask("repair", lambda new=new, s=source: author.repair(new.idea, s, FINDING))
        ask("interestingness", lambda new=new, n=neighbours: author.judge(new.idea, n, 0.2))
    for size in TOGETHER:
        for first in range(0, len(briefs) - size + 1, size):
            some = briefs[first : first + size]
            ask(f"{size} ideas", lambda some=some: author.propose_together(some))
    return prompts


def omni_epic_prompts(checkout: Path, records: list[Record], robot: Robot) -> dict[str, list[str]]:
    """OMNI-EPIC's prompts for the same archive, out of its own templates and examples."""
    core = checkout / "omni_epic" / "core" / "prompts"
    templates = {path.stem: runpy.run_path(str(path)) for path in core.glob("[!_]*.py")}
    facts = runpy.run_path(str(checkout / "omni_epic" / "robots" / "__init__.py"))
    about = facts["robot_dict"][robot]
    envs = checkout / "omni_epic" / "envs" / robot
    wrapped = [
        f"```python\n{(envs / Path(path).name).read_text().strip()}\n```"
        for path in about["env_paths_example"]
    ]
    kept = [f"```python\n{r.task.source}\n```" for r in records if r.task and r.status == "learned"]
    failed = [
        f"```python\n{r.task.source}\n```" for r in records if r.task and r.status == "too_hard"
    ]
    prompts: dict[str, list[str]] = defaultdict(list)
    random = np.random.default_rng(0)

    def some(sources: list[str], count: int) -> str:
        chosen = random.choice(len(sources), size=min(count, len(sources)), replace=False)
        return "\n\n".join(sources[n] for n in chosen)

    def build(name: str, **fields: str) -> str:
        template = templates[name]
        system = template["system_prompt"].format(ROBOT_DESC=about["robot_desc"])
        return f"{system.strip()}\n{template['user_prompt'].format(**fields).strip()}"

    examples = "\n\n".join(wrapped)
    for record in records:
        assert record.task is not None
        code = f"```python\n{record.task.source}\n```"
        prompts["idea"].append(
            build(
                "query_next_task_desc",
                ENV_CODES_EXAMPLE=examples,
                ENV_CODES_LEARNED=some(kept, 5),
                ENV_CODES_FAILED=some(failed, 5),
            )
        )
        more = f"{examples}\n\n{some(kept, 5)}"
        description = f'"""\n{record.idea.docstring}\n"""'
        prompts["code"].append(
            build("query_env_code", ENV_CODES_EXAMPLE=more, TASK_DESC=description)
        )
        prompts["repair"].append(
            build("reflect_error", ENV_CODES_EXAMPLE=more, ENV_CODE=code, ERROR=FINDING.report)
        )
        prompts["interestingness"].append(
            build("query_interestingness", ENV_CODES_EXAMPLE=some(kept, 10), ENV_CODE=code)
        )
    return prompts


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--run", type=Path, help="take the archive of this run folder")
    bench.option("--omni-epic", type=Path, help="a clone of its repository to compare with")
    bench.option("--set", default="{}", help="settings under `model`, as JSON")
    options = bench.start()
    if options.run:
        with Archive.open(options.run) as archive:
            records = [record for record in archive.records() if record.task]
    else:
        records = made_up_archive(ROBOT)
    count, how = counter()
    config = ModelConfig.model_validate(json.loads(options.set))
    built = our_prompts(records, ROBOT, config)
    built["idea"] = [p for role, prompts in built.items() if role != "idea"
                     and role.startswith("idea") for p in prompts]  # fmt: skip
    ours = {role: float(np.mean([*map(count, prompts)])) for role, prompts in built.items()}
    theirs: dict[str, float] = {}
    if options.omni_epic:
        prompts = omni_epic_prompts(options.omni_epic, records, ROBOT)
        theirs = {role: float(np.mean([*map(count, each)])) for role, each in prompts.items()}
    roles = sorted(ours, key=lambda role: (role == "repair", role))
    whole = "journey without repairs"
    for tokens in filter(None, (ours, theirs)):
        tokens[whole] = sum(tokens[role] for role in ("idea", "code", "interestingness"))
    bench.say(f"Prompt tokens a call, mean, by {how}; an archive of {len(records)} records.")
    bench.table(
        {"role": "", "calls": "", "ours": ",.0f", "OMNI-EPIC": ",.0f", "share": ".0%"},
        (
            [role, len(built[role]) if role in built else None, ours[role], theirs.get(role),
             ours[role] / theirs[role] if role in theirs else None]
            for role in (*roles, whole)
        ),
    )  # fmt: skip


if __name__ == "__main__":
    main()
