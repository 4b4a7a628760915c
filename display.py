"""How records and outcomes look on a terminal, and as rows of JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from .archive.feedback import Feedback
from .generator.model.log import cost_in
from .generator.paths import policy_path, poster_path
from .task import Outcome, Record, Sighting, Trial
from .terminal import STATUS_STYLES, cost, sparkline


def console() -> Console:
    """Standard output. In a file or a pipe, lines are not cut at some width."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=200)


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


def table(rows: list[tuple[Record, float | None]]) -> Table:
    grid = Table(box=None, padding=(0, 1))
    found = any(similarity is not None for _, similarity in rows)
    for name in ("#", *(["near"] if found else []), "task_id", "status", "success", "novelty"):
        grid.add_column(name, header_style="dim", no_wrap=True)
    grid.add_column("title and, where turned down, the reason", header_style="dim")
    for record, similarity in rows:
        text = escape(record.idea.title)
        if record.status != "learned":
            text += f" [dim]{escape(_shortened(record.reason))}[/dim]"
        style = STATUS_STYLES[record.status]
        grid.add_row(
            str(record.number),
            *([f"{similarity:.2f}"] if similarity is not None else []),
            record.task_id or "-",
            f"[{style}]{record.status}[/{style}]",
            success(record.trial),
            "-" if record.novelty is None else f"{record.novelty:.2f}",
            text,
        )
    return grid


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
        kind = finding.kind.replace("_", " ")
        out.print(
            f"\n[bold yellow]Doubtful: {kind}[/bold yellow] {escape(finding.symptom)} "
            f"[dim]{escape(finding.fix)}[/dim]",
            soft_wrap=True,
        )


def _shortened(text: str, length: int = 140) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"


def print_record(record: Record, run_dir: Path) -> None:
    out = console()
    idea, trial = record.idea, record.trial
    style = STATUS_STYLES[record.status]
    out.print(f"[bold]{escape(idea.title)}[/bold]")
    out.print(f"[{style}]{record.status}[/{style}]: {escape(record.reason)}\n")
    facts = {
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
    for path in filter(None, [record.task_id]):
        for name, file in (("poster", poster_path), ("policy", policy_path)):
            if Path(file(run_dir, path)).exists():
                facts[name] = file(run_dir, path)
    for name, value in facts.items():
        if value is not None:
            out.print(f"[dim]{name:>11}[/dim]  {escape(str(value))}")
    for name in ("description", "success", "rewards", "termination"):
        out.print(f"\n[bold]{name.capitalize()}[/bold]\n{escape(getattr(idea, name))}")
    for judgement in record.judgements:
        verdict = "yes" if judgement.positive else "no"
        out.print(
            f"\n[bold]Interesting?[/bold] {verdict}, says {escape(judgement.judge)}: "
            f"{escape(judgement.reason)}"
        )
    for sighting in record.sightings:
        out.print(
            f"\n[bold]Seen?[/bold] {escape(seen(sighting))}, says {escape(sighting.judge)}: "
            f"{escape(sighting.reason)}"
        )
    if trial:
        print_findings(trial, out)
    for number, outcome in enumerate(record.outcomes):
        if not outcome.passed:
            out.print(f"\n[bold]Check of version {number}[/bold] {escape(outcome.report)}")
    if record.task:
        out.print("\n[bold]Source[/bold]")
        out.print(Syntax(record.task.source, "python", background_color="default"))


def print_call(call: dict[str, Any]) -> None:
    """A question to a model as `llm.jsonl` has it: cost, failed tries, prompt and answer."""
    out = console()
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
    out.rule(f"[bold]{escape(call['role'])}[/bold] in step {escape(step)}", align="left")
    out.print(escape(" · ".join(filter(None, facts))), style="dim", soft_wrap=True)
    for number, tried in enumerate(call.get("tries", ()), start=1):
        text = f"Try {number} failed after {tried['seconds']:.1f} s: {tried['error']}"
        if "pause_s" in tried:
            text += f"; the next one {tried['pause_s']:.1f} s later"
        out.print(escape(text), style="yellow", soft_wrap=True)
    for message in call["messages"]:
        out.print(f"\n[bold cyan]{escape(message['role'])}[/bold cyan]")
        out.print(_message_text(message["content"]), markup=False, soft_wrap=True)
    if call.get("thoughts"):
        out.print("\n[bold green]thoughts[/bold green]")
        out.print(call["thoughts"], markup=False, soft_wrap=True)
    if "answer" in call:
        out.print(f"\n[bold green]answer[/bold green] [dim]({call['finish_reason']})[/dim]")
        out.print(call["answer"] or "(no text)", markup=False, soft_wrap=True)
    else:
        out.print(f"\n[bold red]no answer[/bold red] {escape(call['error'])}", soft_wrap=True)
    out.print()


def _message_text(content: str | list[dict[str, Any]]) -> str:
    """The text of a message; for each picture in it, what the log has of it."""
    if isinstance(content, str):
        return content
    return "\n".join(
        part["text"] if part["type"] == "text" else f"[picture {part['image_url']['url']}]"
        for part in content
    )


def print_outcome(path: Path, outcome: Outcome) -> None:
    out = console()
    style = {"passed": "green", "rejected": "red", "broken": "bold red"}[outcome.verdict]
    out.print(
        f"[{style}]{outcome.verdict:<8}[/{style}] {escape(str(path))} "
        f"[dim]{outcome.seconds:.1f} s[/dim]",
        soft_wrap=True,
    )
    for name in ("symptom", "cause", "fix"):
        if text := getattr(outcome, name):
            stage = f"{outcome.stage} " if name == "symptom" and outcome.stage else ""
            out.print(f"    {stage}{name}: {text}", markup=False, soft_wrap=True)
