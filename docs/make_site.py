"""What the documentation site has beyond the pages in `docs/`; mkdocs.yml names this as a hook.

- README, CONTRIBUTING, CHANGELOG and SECURITY are read from the top level of the repository.
- The references of settings and of commands are made of the code, so that they cannot lag.
- mkdocstrings finds the package.
- Links out of `docs/`, which GitHub resolves by itself, lead to a page with the source on the site.
"""

from __future__ import annotations

import ast
import atexit
import dataclasses
import inspect
import os
import re
import shutil
import tempfile
import textwrap
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from taskwright.cli.main import cli
from taskwright.config import Config
from taskwright.trainer.learners import LEARNERS, learner_class
from taskwright.trainer.learners.learner import Settings

ROOT = Path(__file__).parent.parent
FROM_THE_TOP = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "SECURITY.md": "SECURITY.md",
}
"""Pages at the top level of the repository, with their places on the site."""
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")
"""The path in a Markdown link, without its anchor."""
LEXERS = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".j2": "jinja"}


@event_priority(100)  # Before mkdocstrings reads its settings.
def on_config(config: MkDocsConfig) -> None:
    """Show the repository root to mkdocstrings under the name of the package: no search path leads
    to it, because the folder may be called anything."""
    named = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, named)
    (named / "taskwright").symlink_to(ROOT)
    handlers: dict[str, Any] = config.plugins["mkdocstrings"].config["handlers"]
    handlers["python"]["paths"] = [str(named)]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from the top level, the references, and the sources that any page links to."""
    for name, place in FROM_THE_TOP.items():
        files.append(File.generated(config, place, content=(ROOT / name).read_text("utf-8")))
    files.append(File.generated(config, "reference/settings.md", content=settings_page()))
    files.append(File.generated(config, "reference/commands.md", content=commands_page()))
    for page in list(files.documentation_pages()):
        sources = (target for target in targets(page) if not site_place(target))
        for source in sources:
            if not (ROOT / source).exists():
                raise PluginError(f"{page.src_uri} links to {source}, which does not exist.")
            place = source_place(source)
            if files.get_file_from_path(place) is None:
                files.append(source_file(config, source, place))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Turn the links of a page, which hold in the repository, into links that hold on the site."""
    here = PurePosixPath(page.file.src_uri)
    if here.parts[0] == "source":
        return markdown
    home = repository_place(here)

    def moved(link: re.Match[str]) -> str:
        target = resolved(home, link[1])
        place = site_place(target) or source_place(target)
        return os.path.relpath(place, here.parent)

    return LINK.sub(moved, markdown)


def targets(page: File) -> Iterator[str]:
    """What a page links to, as paths in the repository."""
    home = repository_place(PurePosixPath(page.src_uri))
    for link in LINK.finditer(page.content_string):
        yield resolved(home, link[1])


def repository_place(place: PurePosixPath) -> PurePosixPath:
    """Where in the repository a page of the site is written."""
    for name, other in FROM_THE_TOP.items():
        if str(place) == other:
            return PurePosixPath(name)
    return "docs" / place


def resolved(home: PurePosixPath, link: str) -> str:
    """The path in the repository that a link on the page `home` means."""
    return os.path.normpath(home.parent / link)


def site_place(target: str) -> str | None:
    """Where the site has a page or picture of the repository; None for everything else."""
    if target in FROM_THE_TOP:
        return FROM_THE_TOP[target]
    inside = target.startswith("docs/") and not target.endswith(".py")
    return target.removeprefix("docs/") if inside else None


def source_place(target: str) -> str:
    """Where the site shows a source file or folder. Binary files lie there as they are."""
    is_text = (ROOT / target).is_dir() or is_readable(ROOT / target)
    return f"source/{target}.md" if is_text else f"source/{target}"


def is_readable(path: Path) -> bool:
    try:
        return "\0" not in path.read_text("utf-8")
    except UnicodeDecodeError:
        return False


def source_file(config: MkDocsConfig, target: str, place: str) -> File:
    """A page that shows a source file, or lists a folder."""
    path = ROOT / target
    if not place.endswith(".md"):
        return File.generated(config, place, abs_src_path=str(path))
    if path.is_dir():
        names = sorted(each.name for each in path.iterdir() if each.name[0] not in "._")
        body = "\n".join(f"- `{target}/{name}`" for name in names)
    else:
        # A longer fence than any that the source may hold.
        fence = "`" * 8
        body = f"{fence}{LEXERS.get(path.suffix, 'text')}\n{path.read_text('utf-8')}\n{fence}"
    hidden = "---\nsearch:\n  exclude: true\nhide: [toc]\n---\n"
    return File.generated(config, place, content=f"{hidden}# `{target}`\n\n{body}\n")


def settings_page() -> str:
    """The reference of all settings: name, kind, default and meaning."""
    parts = [
        "# Settings",
        "This page lists every setting of a run. It is made of the code when the site is built.",
        "Give a setting in a file (`--config settings.yaml`), or by itself "
        "(`--set trainer.max_steps=50000`). The later one wins: the defaults below come first, "
        "then the file, then `--set`, then the named options of a command. The run folder keeps "
        "the result in `config.yaml`, and a resumed run starts from that. [Runs](../runs.md) "
        "describes how a run is stopped and resumed.",
    ]
    for name, field in Config.model_fields.items():
        parts += section("##", name, section_of(field))
        if name == "trainer":
            for learner in LEARNERS:
                parts += learner_section("###", learner)
    return "\n\n".join(parts) + "\n"


def section(level: str, name: str, model: type[BaseModel]) -> list[str]:
    """The heading of a section, what it is for, its table, and the sections within it."""
    fields, meanings = model.model_fields, dict(docstrings(model))
    within = [(f"{name}.{each}", below) for each in fields if (below := section_of(fields[each]))]
    single = {each: field for each, field in fields.items() if not section_of(field)}
    parts = [f"{level} {name}", inspect.cleandoc(model.__doc__ or "")]
    if single:
        parts.append(table(name, single, meanings))
    # Sections within one often share a class: its table is shown once, under all their names.
    for model_below in dict.fromkeys(each for _, each in within):
        names = [other for other, each in within if each is model_below]
        if len(names) == 1:
            parts += section(level + "#", names[0], model_below)
        else:
            purposes = [f"- `{other}`: {meanings[other.split('.')[-1]]}" for other in names]
            parts.append("\n".join(purposes))
            parts += section(level + "#", f"{name}.ROLE", model_below)
    return parts


def learner_section(level: str, learner: str) -> list[str]:
    """The heading of a learner's settings, and their table."""
    settings = learner_class(learner).settings_class
    hints = typing.get_type_hints(settings, include_extras=True)
    fields = {
        field.name: FieldInfo.from_annotated_attribute(hints[field.name], field.default)
        for field in dataclasses.fields(settings)
    }
    inherited = (each for each in reversed(settings.__mro__) if issubclass(each, Settings))
    meanings = {name: text for each in inherited for name, text in docstrings(each)}
    name = f"trainer.learners.{learner}"
    return [
        f"{level} {name}",
        inspect.cleandoc(settings.__doc__ or ""),
        table(name, fields, meanings),
    ]


def table(section: str, fields: Mapping[str, FieldInfo], meanings: Mapping[str, str]) -> str:
    """The settings of a section."""
    rows = ["| setting | type | default | meaning |", "|---|---|---|---|"]
    for name, field in fields.items():
        meaning = field.description or meanings.get(name, "")
        cells = (f"`{section}.{name}`", f"`{kind(field)}`", f"`{default(field)}`", meaning)
        rows.append("| " + " | ".join(cell(text) for text in cells) + " |")
    return "\n".join(rows)


def section_of(field: FieldInfo) -> Any:
    """The section that a setting is; None for a single value."""
    found = field.annotation
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def docstrings(model: type[Any]) -> Iterator[tuple[str, str]]:
    """The sentences below the settings of a section."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(definition, ast.ClassDef)
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            yield field.target.id, str(below.value.value)


def kind(field: FieldInfo) -> str:
    """The type of a setting in few words, with its bounds."""
    bounds = {"Ge": "≥ {0.ge}", "Gt": "> {0.gt}", "Le": "≤ {0.le}", "Lt": "< {0.lt}"}
    bounds["Between"] = "{0.least:,} to {0.most:,}"
    limits = [
        bounds[type(m).__name__].format(m) for m in field.metadata if type(m).__name__ in bounds
    ]
    return ", ".join([type_words(field.annotation), *limits])


def type_words(annotation: Any) -> str:
    if typing.get_origin(annotation) is typing.Annotated:
        return type_words(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) is typing.Literal:
        return ", ".join(typing.get_args(annotation))
    arguments = typing.get_args(annotation)
    if arguments and typing.get_origin(annotation) in (tuple, dict, list):
        inner = ", ".join("..." if a is ... else type_words(a) for a in arguments)
        return f"{typing.get_origin(annotation).__name__}[{inner}]"
    if arguments:
        return " or ".join(type_words(argument) for argument in arguments)
    return "None" if annotation is type(None) else getattr(annotation, "__name__", str(annotation))


def default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def commands_page() -> str:
    """The reference of all commands, as their `--help` says it."""
    parts = [
        "# Commands",
        "This page is what `taskwright COMMAND --help` prints. It is made of the commands "
        "themselves when the site is built.",
        "The exit status is 0 where everything was done, 1 where some input failed, 2 where the "
        "call or a setting is wrong (one line then says how to mend it), and 130 after Ctrl-C.",
    ]
    with click.Context(cli, info_name="taskwright") as outer:
        for name in sorted(cli.list_commands(outer)):
            command = cli.get_command(outer, name)
            assert command is not None
            # So wide is a column of the site.
            with click.Context(
                command, info_name=name, parent=outer, max_content_width=78
            ) as within:
                within.terminal_width = 78
                parts += [f"## {name}", f"```text\n{command.get_help(within)}\n```"]
    return "\n\n".join(parts) + "\n"
