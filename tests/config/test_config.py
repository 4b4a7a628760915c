"""Settings: every one explained, unknown ones refused, resolved ones written and read back."""

import ast
import inspect
import time
from datetime import date

import pytest
import yaml

from taskwright import config
from taskwright.config import Config, load_config, merge, parse_assignment, resolve, write_config
from taskwright.errors import UsageError


def test_defaults_are_valid_and_survive_a_round_trip(tmp_path):
    write_config(Config(), tmp_path / "config.yaml")
    stored = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert resolve(stored) == Config()


def test_later_settings_win_section_by_section():
    settings = merge({"run": {"seed": 1, "tasks": 2}}, {"run": {"seed": 3}})
    assert resolve(settings).run.seed == 3
    assert resolve(settings).run.tasks == 2


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("run.seed=3", {"run": {"seed": 3}}),
        ("model.name=gpt", {"model": {"name": "gpt"}}),
        (
            "model.prices={gpt: {prompt: 1, completion: 2}}",
            {"model": {"prices": {"gpt": {"prompt": 1, "completion": 2}}}},
        ),
    ],
)
def test_an_assignment_is_read_as_yaml(text, settings):
    assert parse_assignment(text) == settings
    resolve(settings)


@pytest.mark.parametrize("text", ["run", "run=3", "run.seed", "run.seed=[", ""])
def test_an_assignment_of_another_form_is_refused(text):
    with pytest.raises(UsageError):
        parse_assignment(text)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"trainer": {"steps": 1}}, "trainer.steps"),
        ({"traner": {}}, "traner"),
        ({"run": {"seed": -1}}, "run.seed"),
        ({"run": {"robot": "c3po"}}, "run.robot"),
        ({"run": 3}, "run"),
        ({"model": {"extra": {"until": date(2026, 1, 1)}}}, "model.extra"),
        ({"model": {"roles": {"code": {"extra": {"p": float("nan")}}}}}, "model.roles.code.extra"),
        ({"model": {"prices": {"gpt": {"prompt": 1, "completion": 2, "cached": 1}}}}, "cached"),
    ],
)
def test_a_wrong_setting_is_named(settings, named):
    with pytest.raises(UsageError, match=named):
        resolve(settings)


ADDRESSES = ("model.base_url", "model.roles.code.base_url", "embedder.base_url")


def address_in(settings: Config, name: str) -> str | None:
    value = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


@pytest.mark.parametrize("name", ADDRESSES)
def test_what_was_pasted_around_an_address_is_dropped(name):
    for pasted in (" http://a:1/v1\n", '"http://a:1/v1"', "“http://a:1/v1”", "\ufeffhttp://a:1/v1"):
        assert address_in(resolve(nested(name, pasted)), name) == "http://a:1/v1"
    for blank in ("", "  ", '""', "“”"):
        assert address_in(resolve(nested(name, blank)), name) is None


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize(
    "address",
    [
        "localhost:8000/v1",
        "ftp://a/v1",
        "http://",
        "http://[::1/v1",
        "http://a:port/v1",
        "http://a:99999/v1",
        "http://a b/v1",
        "http://a\n/v1",
        "http://a/v1#top",
        "http://a/v1?key=secret",
        "http://me:secret@a/v1",
    ],
)
def test_what_is_no_address_is_refused_by_the_name_of_its_setting_and_not_shown(name, address):
    with pytest.raises(UsageError, match=f"{name}` is not the address of a server") as caught:
        resolve(nested(name, address))
    assert "secret" not in str(caught.value)


def nested(name: str, value: object) -> dict:
    for part in reversed(name.split(".")):
        value = {part: value}
    return value


def test_every_setting_is_explained_where_it_is_declared():
    for node in ast.parse(inspect.getsource(config)).body:
        if (
            isinstance(node, ast.ClassDef)
            and node.name.endswith("Config")
            and node.name != "Config"
        ):
            fields = [n for n, item in enumerate(node.body) if isinstance(item, ast.AnnAssign)]
            for n in fields:
                following = node.body[n + 1] if n + 1 < len(node.body) else None
                name = node.body[n].target.id
                explained = isinstance(following, ast.Expr) or name == "robot"
                assert explained, f"{node.name}.{name} has no sentence below it"


def test_an_examination_that_nobody_could_pass_is_refused() -> None:
    few = {"trainer": {"evaluation_episodes": 8, "environments": 4}}
    with pytest.raises(UsageError, match=r"evaluation_episodes.*80% takes 16 to be sure of"):
        resolve(few)
    # Rounded up to whole rounds of 16 environments, they are enough.
    assert resolve({"trainer": {"evaluation_episodes": 8}}).trainer.environments == 16


LAUGHS = "a0: &a0 [ha, ha]\n" + "".join(
    f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)
)
MERGES = "a0: &a0 {k: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: 1}}\n" for n in range(1, 40)
)
ODD_YAML = {
    "aliases": LAUGHS,
    "uses aliases": MERGES,
    "aliases (`": "run: &run [*run]",
    "nested too deeply": "[" * 50_000,
    "nested too": "run: " + "[" * 30 + "]" * 30,
    "could not determine a constructor": "run: !!python/object/apply:os.system ['true']",
    "a number that is too large": "run: {seed: 0x" + "f" * 5_000 + "}",
    "4300 digits": "run: {seed: " + "9" * 5_000 + "}",
    "holds a date": "run: {seed: 2026-01-01}",
    "holds a set": "run: !!set {a}",
    "holds a bytes": "run: !!binary aGVsbG8=",
    "a name that is no text": "run: {1: 2}",
    "larger than 100,000 bytes": "run: [" + "1," * 100_000 + "1]",
    "NUL": "run: \0",
}


@pytest.mark.parametrize("reason", ODD_YAML)
def test_yaml_that_no_settings_need_is_refused_at_once(reason: str, tmp_path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(ODD_YAML[reason])
    started = time.monotonic()
    with pytest.raises(UsageError) as caught:
        load_config(path)
    assert reason in caught.value.message
    assert len(caught.value.message) < 1_000
    assert time.monotonic() - started < 5.0


def test_a_file_of_settings_that_is_a_link_is_the_users_own_word(tmp_path) -> None:
    (tmp_path / "real.yaml").write_text("\ufeffrun: {seed: 3}")
    (tmp_path / "linked.yaml").symlink_to("real.yaml")
    assert load_config(tmp_path / "linked.yaml") == {"run": {"seed": 3}}
    with pytest.raises(UsageError, match="it is a link"):
        load_config(tmp_path / "linked.yaml", follow=False)


def test_settings_are_written_through_no_link(tmp_path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for name in ("config.yaml", "config.part"):
        (tmp_path / name).symlink_to(victim)
    write_config(Config(), tmp_path / "config.yaml")
    assert victim.read_text() == "mine"
    assert resolve(load_config(tmp_path / "config.yaml", follow=False)) == Config()
