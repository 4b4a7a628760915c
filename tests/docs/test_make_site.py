"""The references on the documentation site say all that the code has; .ci/run builds the site."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

import taskwright
from taskwright.cli.main import cli
from taskwright.config import Config, RunConfig
from taskwright.trainer.learners import LEARNERS, learner_class

pytest.importorskip("mkdocs", reason="The site needs the extra `docs`.")

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files


@pytest.fixture(scope="module")
def site() -> ModuleType:
    path = Path(taskwright.__file__).parent / "docs" / "make_site.py"
    spec = importlib.util.spec_from_file_location("make_site", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def single_settings(section: type[BaseModel], prefix: str = "") -> list[str]:
    names = []
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names += single_settings(kind, f"{prefix}{name}.")
        else:
            names.append(f"{prefix}{name}")
    return names


def test_every_setting_has_a_row_and_what_stands_below_it_in_the_code_as_its_meaning(site):
    page = site.settings_page()
    for name in single_settings(Config):
        # Roles have the same settings, which are shown once.
        shown = name.replace(name.split(".")[2], "ROLE") if ".roles." in name else name
        assert page.count(f"\n| `{shown}` |") == 1, name
    (row,) = (line for line in page.splitlines() if line.startswith("| `run.grace_minutes`"))
    default = RunConfig.model_fields["grace_minutes"].default
    assert f"`{default}`" in row
    assert "How much longer" in row
    assert "\\|" not in page


def test_every_setting_of_every_learner_has_a_row_with_its_bounds_and_its_meaning(site):
    page = site.settings_page()
    for learner in LEARNERS:
        for field in dataclasses.fields(learner_class(learner).settings_class):
            name = f"trainer.learners.{learner}.{field.name}"
            (row,) = (line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
            _, _, _, default, meaning, _ = row.split("|")
            assert default.strip(" `"), name
            assert meaning.strip(), name
    assert "`float, 1e-08 to 0.1`" in page


def test_every_command_has_its_help(site):
    page = site.commands_page()
    for name, command in cli.commands.items():
        assert f"\n## {name}\n" in page
        for parameter in command.params:
            for option in parameter.opts:
                assert option in page or not option.startswith("--"), (name, option)


@pytest.fixture
def config(tmp_path: Path) -> MkDocsConfig:
    config = MkDocsConfig()
    config.load_dict({"site_name": "Any", "site_dir": str(tmp_path)})
    config.validate()
    config.plugins._current_plugin = "make_site"
    return config


def test_a_link_out_of_the_documentation_leads_to_a_page_with_the_source(site, config):
    text = "[a](../task.py) [b](../sandbox/checks) [c](../README.md#run-it) [d](runs.md) [e](#here)"
    page = File.generated(config, "deep/page.md", content=text.replace("(../", "(../../"))
    files = site.on_files(Files([page]), config)
    assert "class Outcome" in files.get_file_from_path("source/task.py.md").content_string
    listed = files.get_file_from_path("source/sandbox/checks.md").content_string
    assert "`sandbox/checks/stages.py`" in listed

    class Page:
        file = page

    assert site.on_page_markdown(page.content_string, page=Page) == (
        "[a](../source/task.py.md) [b](../source/sandbox/checks.md) [c](../index.md#run-it) "
        "[d](runs.md) [e](#here)"
    )


def test_a_link_that_leads_nowhere_ends_the_build_and_is_named(site, config):
    page = File.generated(config, "page.md", content="[a](../gone/away.py)")
    with pytest.raises(PluginError, match=r"page\.md links to gone/away\.py, which does not exist"):
        site.on_files(Files([page]), config)
