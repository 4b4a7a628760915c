"""How records and outcomes look on a terminal, and as rows of JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.syntax import Syntax

from ..output import Console, Grid, Line
from ..task import Outcome, Record, Sighting, Trial
from ..text import readable
from .terminal import STATUS_STYLES, cost, shortened, sparkline

TITLE_LENGTH, REASON_LENGTH = 200, 140
"""Of a table, in characters."""


def row(record: Record) -> dict[str, Any]:
    """A record as `ls --json` gives it."""
    trial = record.trial
    return {
        "number": record.number,
        "task_id": record.task_id,
        "status": record.status,
        "reason": record.reason,
        "title": record.idea.title,
        "description": record.idea.description,
        "robot": record.task.robot if record.task else None,
        "strategy": record.idea.strategy,
        "parents": list(record.idea.parents),
        "novelty": record.novelty,
        "success_before": trial.success_before if trial else None,
        "success_after": trial.success_after if trial else None,
        "screening": trial.screening if trial else {},
        "episodes": trial.episodes if trial else None,
        "interval": trial.interval if trial else None,
        "warm_start": trial.warm_start if trial else None,
        "findings": [finding.kind for finding in trial.findings] if trial else [],
        "train_steps": trial.steps if trial else None,
        "train_seconds": trial.seconds if trial else None,
        "tokens": record.cost.tokens,
        "usd": record.cost.usd,
        "seconds": record.seconds,
        "created_at": record.created_at,
    }


def print_table(rows: list[tuple[Record, float | None]]) -> None:
    """Records, each with its similarity to what was searched for, where something was."""
    found = any(similarity is not None for _, similarity in rows)
    grid = Grid(
        "#",
        *(["near"] if found else []),
        "task_id",
        "status",
        "success",
        "novelty",
        "title and, where turned down, the reason",
    )
    for record, similarity in rows:
        turned_down = record.status != "learned"
        grid.row(
            str(record.number),
            *([f"{similarity:.2f}"] if similarity is not None else []),
            record.task_id or "-",
            (record.status, STATUS_STYLES[record.status]),
            success(record.trial),
            "-" if record.novelty is None else f"{record.novelty:.2f}",
            Line(
                shortened(record.idea.title, TITLE_LENGTH),
                (f" {shortened(record.reason, REASON_LENGTH)}" if turned_down else "", "dim"),
            ),
        )
    Console().print(grid)


def success(trial: Trial | None) -> str:
    """Success rate before and after training."""
    if trial is None or trial.success_before is None:
        return "-"
    after = "-" if trial.success_after is None else f"{trial.success_after:.0%}"
    return f"{trial.success_before:.0%} → {after}"


def _beginning(trial: Trial) -> str:
    """What training went on from."""
    given_up = f" ({trial.abandoned_start} led nowhere)" if trial.abandoned_start else ""
    return f"{trial.warm_start or 'scratch'}{given_up}"


def correlated(trial: Trial) -> str | None:
    """How return and success go together over policies of growing skill; None where unknown."""
    if trial.return_and_success is None:
        return None
    return f"goes with success, rank correlation {trial.return_and_success:+.2f}"


def seen(sighting: Sighting) -> str:
    """What a model saw, and whether the task's code says the same."""
    sees = {True: "success", False: "no success", None: "cannot tell"}[sighting.sees_success]
    code = "success" if sighting.code_success else "no success"
    return f"{sees}, but the code says {code}" if sighting.disagrees else sees


def print_findings(trial: Trial, out: Console) -> None:
    """What makes a task's rewards or success doubtful, and how to mend it."""
    for finding in trial.findings:
        out.print()
        out.say(
            (f"Doubtful: {finding.kind.replace('_', ' ')}", "bold yellow"),
            f" {finding.symptom} ",
            (finding.fix, "dim"),
        )


def print_record(record: Record, run_dir: Path) -> None:
    """All that is known of a record."""
    out = Console()
    idea, trial = record.idea, record.trial
    out.say((idea.title, "bold"))
    out.print(Line((record.status, STATUS_STYLES[record.status]), f": {record.reason}"))
    out.print()
    for name, value in _facts(record, run_dir).items():
        if value is not None:
            out.print(Line((f"{name:>11}", "dim"), f"  {value}"))
    for name in ("description", "success", "rewards", "termination"):
        out.print()
        out.say((name.capitalize(), "bold"))
        out.print(getattr(idea, name))
    for judgement in record.judgements:
        verdict = "yes" if judgement.positive else "no"
        opinion = f" {verdict}, says {judgement.judge}: {judgement.reason}"
        out.print()
        out.print(Line(("Interesting?", "bold"), opinion))
    for sighting in record.sightings:
        opinion = f" {seen(sighting)}, says {sighting.judge}: {sighting.reason}"
        out.print()
        out.print(Line(("Seen?", "bold"), opinion))
    if trial:
        print_findings(trial, out)
    for number, outcome in enumerate(record.outcomes):
        if not outcome.passed:
            out.print()
            out.print(Line((f"Check of version {number}", "bold"), f" {outcome.report}"))
    if record.task:
        out.print()
        out.say(("Source", "bold"))
        source = readable(record.task.source)
        out.print(Syntax(source, "python", background_color="default", word_wrap=True))


def _facts(record: Record, run_dir: Path) -> dict[str, Any]:
    """What is known of a record in a few words each, by name; None where it is not known."""
    from ..archive.feedback import Feedback
    from ..archive.folder import policy_path, poster_path

    idea, trial = record.idea, record.trial
    facts: dict[str, Any] = {
        "journey": f"{record.number}, {record.created_at}, {record.seconds:.0f} s of work",
        "task_id": record.task_id,
        "comes from": f"{idea.strategy} {' '.join(idea.parents)}".strip(),
        "novelty": record.novelty,
        "cost": cost(record.cost.tokens, record.cost.usd) if record.cost.calls else None,
    }
    if trial:
        facts |= {
            "success": success(trial)
            + (
                f" ({trial.episodes} episodes, 95 % interval {trial.interval[0]:.2f} to "
                f"{trial.interval[1]:.2f})"
                if trial.interval
                else ""
            ),
            "screening": ", ".join(f"{n} {rate:.0%}" for n, rate in trial.screening.items()),
            "training": f"{trial.steps} steps, {trial.seconds:.0f} s, from "
            f"{_beginning(trial)}, seed {trial.seed}",
            "ended by": trial.solved_by or trial.rule or None,
            "curve": sparkline([point.success_rate for point in trial.curve]) or None,
            "instead": trial.achieved or None,
            "return": correlated(trial),
        }
    with Feedback.open(run_dir) as feedback:
        by_hand = feedback.shown_solvable().get(record.task_id or "", 0)
    if by_hand:
        facts["by hand"] = f"accomplished in {by_hand} kept episode{'s' if by_hand > 1 else ''}"
    if record.task_id:
        for name, file in (("poster", poster_path), ("policy", policy_path)):
            path = file(run_dir, record.task_id)
            facts[name] = path if Path(path).exists() else None
    return facts


def print_call(call: dict[str, Any]) -> None:
    """A question to a model as `llm.jsonl` has it: cost, failed tries, prompt and answer."""
    from ..generator.model.log import cost_in

    out = Console()
    spent = cost_in(call)
    facts = [
        call["model"] + (f" at {call['server']}" if "server" in call else ""),
        f"{spent.prompt_tokens:,} + {cost(spent.completion_tokens, spent.usd)}",
        f"{spent.estimated_tokens:,} of them estimated" if spent.estimated_tokens else "",
        f"{call['seconds']:.1f} s",
        f"from the {call['source']}" if call.get("source", "model") != "model" else "",
        call["time"],
    ]
    step = call.get("step") or "?"
    out.rule(f"{call['role']} in step {step}", align="left")
    out.say((" · ".join(filter(None, facts)), "dim"))
    for number, tried in enumerate(call.get("tries", ()), start=1):
        text = f"Try {number} failed after {tried['seconds']:.1f} s: {tried['error']}"
        if "pause_s" in tried:
            text += f"; the next one {tried['pause_s']:.1f} s later"
        out.say((text, "yellow"))
    for message in call["messages"]:
        out.print()
        out.say((message["role"], "bold cyan"))
        out.print(_message_text(message["content"]), soft_wrap=True)
    out.print()
    if call.get("thoughts"):
        out.say(("thoughts", "bold green"))
        out.print(call["thoughts"], soft_wrap=True)
        out.print()
    if "answer" in call:
        out.say(("answer", "bold green"), (f" ({call['finish_reason']})", "dim"))
        out.print(call["answer"] or "(no text)", soft_wrap=True)
    else:
        out.say(("no answer", "bold red"), f" {call['error']}")
    out.print()


def _message_text(content: str | list[dict[str, Any]]) -> str:
    """The text of a message; for each picture in it, what the log has of it."""
    if isinstance(content, str):
        return content
    return "\n".join(
        part["text"] if part["type"] == "text" else f"[picture {part['image_url']['url']}]"
        for part in content
    )


def print_outcome(file: str, outcome: Outcome) -> None:
    """What the checks found of a task file."""
    out = Console()
    style = {"passed": "green", "rejected": "red", "broken": "bold red"}[outcome.verdict]
    out.say((f"{outcome.verdict:<8}", style), f" {file} ", (f"{outcome.seconds:.1f} s", "dim"))
    for name in ("symptom", "cause", "fix"):
        if text := getattr(outcome, name):
            stage = f"{outcome.stage} " if name == "symptom" and outcome.stage else ""
            out.say(f"    {stage}{name}: {text}")
