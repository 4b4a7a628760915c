"""Modules out of parts: what is asked for in pieces is put together, and taken apart again."""

import pytest

from taskwright.generator.answers import AnswerError
from taskwright.generator.skeleton import RULES, SCENE, assemble, parse_parts, parts_of
from taskwright.sandbox.checker import check_task
from taskwright.task import ROBOTS, Idea, Task

IDEA = Idea('Touch the "ball"', "A ball.\nOn a floor.", "It is touched.", "Progress \\o/", "None")

SCENE_PARTS = {
    "BODIES": "self.create_box(0.0, [9.0, 9.0, 0.5], [0.0, 0.0, -0.5], [0.6, 0.6, 0.6, 1.0])\n"
    "self.ball = self.create_sphere(1.0, 0.4, [5.0, 0.0, 0.4], [1.0, 0.5, 0.0, 1.0])",
    "PLACES": 'start = [0.0, 0.0, self.robot.links["base"].position_init[2] + 0.02]\n'
    "self._p.resetBasePositionAndOrientation(\n"
    "    self.robot.robot_id, start, [0.0, 0.0, 0.0, 1.0]\n)\n"
    "y = self.np_random.uniform(-1.0, 1.0)\n"
    "self._p.resetBasePositionAndOrientation(self.ball, [5.0, y, 0.4], [0.0, 0.0, 0.0, 1.0])",
    "MOTION": "",
}
RULE_PARTS = {
    "REWARDS": 'rewards["near"] = self.progress("near", self.get_distance_to_object(self.ball))',
    "TERMINATION": "terminated = position[2] < -1.0",
    "SUCCESS": "success = bool(self._p.getContactPoints(self.robot.robot_id, self.ball))",
}
PARTS = SCENE_PARTS | RULE_PARTS


def written(parts, form="{name}:\n```python\n{code}\n```\n"):
    return "\n".join(form.format(name=name, code=code) for name, code in parts.items())


@pytest.mark.slow
def test_a_module_out_of_parts_passes_the_checks():
    for robot in ROBOTS:
        outcome = check_task(Task(assemble(IDEA, robot, PARTS), robot))
        assert outcome.passed, outcome.report


def test_the_parts_of_a_module_are_found_again():
    assert parts_of(assemble(IDEA, "r2d2", PARTS)) == PARTS | {"MOTION": "pass"}
    assert parts_of(assemble(IDEA, "ant", {})) == dict.fromkeys((*SCENE, *RULES), "pass")
    assert parts_of("class Env:\n    pass\n") is None


def test_parts_are_found_again_whatever_stands_in_them():
    end = 'bool(success)\\n"""\nreturn bool(success)\n"""'
    code = f'text = """\n        # PLACES\nx\u2028y\n\ndef get_success(self):\n{end}'
    parts = parts_of(assemble(IDEA, "r2d2", {"SUCCESS": code}))
    assert parts["SUCCESS"] == code
    assert parts["PLACES"] == "pass"


def test_a_module_that_was_changed_around_its_parts_was_not_assembled():
    module = assemble(IDEA, "ant", PARTS)
    assert parts_of(module) is not None
    for changed in (
        module[1:],
        module[:-1],
        module + "\n",
        module.replace("(AntEnv)", "(R2D2Env)"),
        module.replace("# REWARDS", "# rewards"),
    ):
        assert parts_of(changed) is None


@pytest.mark.parametrize(
    "form",
    [
        "{name}:\n```python\n{code}\n```\n",
        "### {name}\nHere is what it does.\n\n```py\n{code}\n```\nIt works.\n",
        "1. **{name}:**\n\n   ```\n{code}\n   ```\n",
        "{name}:\n{code}\n",
    ],
    ids="plain headings numbered no-fence".split(),
)
def test_parts_are_read_however_they_are_wrapped(form):
    answer = "<think>REWARDS: hm</think>Sure!\n" + written(RULE_PARTS, form)
    assert parse_parts(answer, RULES) == RULE_PARTS


def test_parts_in_one_block_under_their_names_are_read():
    answer = "```python\n" + written(RULE_PARTS, "# {name}\n{code}\n") + "```"
    assert parse_parts(answer, RULES) == RULE_PARTS


def test_a_bare_condition_is_what_is_asked_for():
    parts = parse_parts(written(RULE_PARTS | {"SUCCESS": "position[0] > 3.0"}), RULES)
    assert parts["SUCCESS"].split() == "success = ( position[0] > 3.0 )".split()


def test_words_in_the_code_are_no_labels():
    code = 'rewards: dict[str, float] = {"near": 1.0}\n# Success\nrewards["far"] = 0.0'
    assert parse_parts(written(RULE_PARTS | {"REWARDS": code}), RULES)["REWARDS"] == code


@pytest.mark.parametrize(
    ("parts", "finding"),
    [
        ({"SUCCESS": "return True"}, "SUCCESS has a `return`"),
        ({"SUCCESS": "def get_success(self):\n    return True"}, "SUCCESS has a "),
        ({"SUCCESS": ""}, "SUCCESS is empty"),
        ({"SUCCESS": "done = True"}, "must set `success`"),
        ({"REWARDS": "rewards['a'] = (1.0"}, "REWARDS is not valid Python"),
        ({"REWARDS": "rewards['a'] = " + "-" * 90_000 + "1"}, "REWARDS is not valid Python .*deep"),
        ({"REWARDS": "rewards['a'] = " + "1" * 5000}, "REWARDS is not valid Python .*digits"),
        ({"SUCCESS": "if 1:\n  pass\n" + "elif 1:\n  pass\n" * 9000}, "SUCCESS is not valid"),
    ],
)
def test_a_part_that_cannot_stand_in_its_method_is_named(parts, finding):
    with pytest.raises(AnswerError, match=finding):
        parse_parts(written(RULE_PARTS | parts), RULES)


def test_all_parts_are_wanted_unless_some_will_do():
    answer = written({"SUCCESS": RULE_PARTS["SUCCESS"]})
    with pytest.raises(AnswerError, match="no part REWARDS, TERMINATION"):
        parse_parts(answer, RULES)
    assert parse_parts(answer, RULES, all_of_them=False).keys() == {"SUCCESS"}
    with pytest.raises(AnswerError):
        parse_parts("All is well.", RULES, all_of_them=False)


def test_a_cut_off_part_is_refused():
    with pytest.raises(AnswerError, match="not closed"):
        parse_parts(written(RULE_PARTS)[:-5], RULES)
