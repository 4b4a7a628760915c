"""Every function in the API reference says what it takes and what it gives back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import taskwright

ROOT = Path(taskwright.__file__).parent
PAGES = sorted((ROOT / "docs" / "reference").glob("*.md"))


def file_of(*parts: str) -> Path | None:
    """The file of a module, named by its parts below the root; None where there is none."""
    path = ROOT.joinpath(*parts)
    files = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def imports(file: Path, tree: ast.Module) -> dict[str, Path]:
    """Where the names that a module imports from others of ours come from."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            folders = file.relative_to(ROOT).parts[: -node.level]
            home = file_of(*folders, *(node.module or "").split("."))
            found.update({alias.name: home for alias in node.names if home})
    return found


def definitions(file: Path, only: str = "") -> Iterator[tuple[str, ast.stmt]]:
    """The functions and classes that the reference shows of a module, or `only` one of them. They
    are those in its `__all__`, wherever they come from, or else its own public ones."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    own = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    names = [only] if only else [name for name in own if not name.startswith("_")]
    for node in tree.body:
        if not only and isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names = ast.literal_eval(node.value)
    elsewhere = imports(file, tree)
    for name in names:
        if name in own:
            yield f"{file.relative_to(ROOT)}: {name}", own[name]
        elif name in elsewhere:
            yield from definitions(elsewhere[name], name)


def functions(page: Path) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions on a page of the reference, and the methods of its classes."""
    for name in re.findall(r"^::: taskwright\.?([\w.]*)$", page.read_text(), re.MULTILINE):
        *parts, last = name.split(".")
        file, only = file_of(*parts, last), ""
        if file is None:
            file, only = file_of(*parts), last
        assert file is not None, name
        for place, node in definitions(file, only):
            if isinstance(node, ast.FunctionDef):
                yield place, node
            for part in node.body if isinstance(node, ast.ClassDef) else []:
                if isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
                    yield f"{place}.{part.name}", part


def lacking(function: ast.FunctionDef) -> list[str]:
    """What is missing from the docstring of a function. That of a property is all text."""
    text = ast.get_docstring(function) or ""
    if not text:
        return ["a docstring"]
    if any(ast.unparse(each).endswith("property") for each in function.decorator_list):
        return []
    given = function.args
    arguments = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    names = [each.arg for each in arguments if each and each.arg not in ("self", "cls")]
    missing = [name for name in names if not re.search(rf"^    \**{name}: ", text, re.MULTILINE)]
    if names and "\nArgs:\n" not in text:
        missing.append("Args:")
    gives = function.returns and ast.unparse(function.returns) != "None"
    if gives and "\nReturns:\n" not in text and "\nYields:\n" not in text:
        missing.append("Returns:")
    return missing


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_every_function_in_the_reference_tells_its_parameters_and_result(page: Path) -> None:
    found = dict(functions(page))
    assert len(found) > 5
    missing = {place: lacking(function) for place, function in found.items()}
    assert {place: parts for place, parts in missing.items() if parts} == {}


def test_what_a_docstring_lacks_is_noticed() -> None:
    source = '''
        def bare(): ...
        def half(some, other) -> int:
            """Half.

            Args:
                some: A thing.
            """
        def whole(some, *more: int, **rest) -> Iterator[int]:
            """Whole.

            Args:
                some: A thing.
                *more: Things.
                **rest: Other things.

            Yields:
                Numbers.
            """
        @property
        def size(self) -> int:
            """Of it, in m."""
    '''
    bare, half, whole, size = ast.parse(source.replace("\n        ", "\n")).body
    assert lacking(bare) == ["a docstring"]
    assert lacking(half) == ["other", "Returns:"]
    assert lacking(whole) == lacking(size) == []
