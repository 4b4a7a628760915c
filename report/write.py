"""The folder of a report: the page, the text, figures, tables and numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..archive.folder import check_folder
from ..archive.store import now
from ..errors import UsageError
from ..files import write_whole
from ..versions import installed_versions
from . import page, tables
from .charts import Figure
from .contents import contents
from .drawing import png, svg
from .run_data import Spent, name_apart, read_run


def write_report(
    run_dirs: Sequence[Path], out: Path, spent_in: Callable[[Path], Spent] = lambda folder: {}
) -> dict[str, Any]:
    """Write the report of a run, or of several side by side.

    Args:
        run_dirs: The run folders.
        out: The folder of the report. Files of the same names are replaced; nothing else is touched
            in it, and nothing in the run folders.
        spent_in: Reads what the model calls of a run have cost, by what they were asked for.

    Returns:
        All numbers of the report, as `report.json` has them.

    Raises:
        ArchiveError: A folder holds no archive.
        UsageError: `out` is a file, or a run is named twice.
        OSError: The report cannot be written.
    """
    folders = [folder.resolve() for folder in run_dirs]
    for folder in folders:
        if folders.count(folder) > 1:
            raise UsageError(f"The run {folder.name} is named twice.", "Name each run once.")
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file.", "Give a folder to write the report into.")
    runs = [read_run(folder, spent_in) for folder in run_dirs]
    name_apart(runs)
    versions, made_at = installed_versions(), now()
    values = contents(runs, versions, made_at)
    found = values["comparison"]
    numbers = tables.document(values["runs"], found, versions, made_at)

    for folder in folders:
        if out.resolve().is_relative_to(folder):
            # Somebody else may have laid links there.
            check_folder(folder, to_write=True)
    for folder in (out / "figures", out / "tables"):
        folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "report.html": page.as_html(values),
        "report.md": page.as_markdown(values),
        "report.json": json.dumps(numbers, indent=2) + "\n",
        "tables/records.csv": tables.records_csv(runs),
        "tables/metrics.csv": tables.metrics_csv(values["runs"]),
        "tables/diversity.csv": tables.diversity_csv(values["runs"]),
    }
    if found:
        texts["tables/comparison.csv"] = tables.comparison_csv(found)
    for name, text in texts.items():
        write_whole(out / name, text.encode(errors="replace"))
    figures: list[tuple[str, Figure]] = [("", figure) for figure in values["compared_figures"]]
    for place, one in enumerate(values["runs"], 1):
        prefix = "" if len(runs) == 1 else f"run{place}-"
        figures += [(prefix, figure) for figure in one.figures]
    for prefix, figure in figures:
        file = out / "figures" / f"{prefix}{figure.name}"
        write_whole(file.with_suffix(".svg"), svg(figure.wide, css=False).encode())
        write_whole(file.with_suffix(".png"), png(figure.wide))
    return numbers
