"""Every message of the checks is proved by a specimen in `tests/tasks/broken/`.

A specimen is a good short task with one defect, named `<stage>__<what_is_wrong>.py`. To add one,
write the file and a line for it in `EXPECTED`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from taskwright.sandbox import checker, checks, faults
from taskwright.sandbox.checker import check_task
from taskwright.sandbox.checks import scripts, stages
from taskwright.sandbox.checks.scripts import actions_of
from taskwright.sandbox.checks.world import CheckedEnv
from taskwright.task import Outcome, Stage, Task, from_json, to_json
from taskwright.world import TaskEnv

TASKS = Path(__file__).parents[1] / "tasks"
BROKEN = {path.stem: path.read_text(encoding="utf-8") for path in TASKS.glob("broken/*.py")}
GOOD = {path.stem: path.read_text(encoding="utf-8") for path in TASKS.glob("good/*.py")}

HANGING = {"load__never_returns", "step__never_returns"}
HANG_TIMEOUT_S = 3.0

EXPECTED: dict[str, tuple[str, str]] = {
    # specimen: a phrase of the symptom, a phrase of the fix
    "syntax__markdown_fences": ("```python", "Keep only the code inside"),
    "syntax__prose_before_code": ("line 2: invalid syntax", "one complete Python module"),
    "syntax__cut_off": ("'{' was never closed", "one complete Python module"),
    "syntax__wrong_indentation": ("unexpected indent", "one complete Python module"),
    "policy__imports_os": ("Line 2: `import os`", "Import only `numpy as np`"),
    "policy__imports_pybullet": ("`import pybullet`", "PyBullet is `self._p`"),
    "policy__opens_file": ("`open`", "cannot use files"),
    "policy__saves_array": ("`np.save`", "np.array"),
    "policy__evaluates_text": ("`eval`", "Write the expression itself"),
    "policy__loads_urdf": ("no model that comes with PyBullet", "self.create_box"),
    "policy__import_that_does_not_exist": ("`from math import clamp`", "Import only"),
    "policy__steps_simulation": ("`stepSimulation`", "Let super().step(action) advance"),
    "policy__changes_gravity": ("`setGravity`", "leave them as they are"),
    "policy__bare_except": ("bare `except:`", "`except ValueError:`"),
    "policy__formats_with_str_format": ("`.format`", "f-string"),
    "policy__unknown_robot": ("SpotEnv`", "import R2D2Env"),
    "policy__changes_time_step": ("`dt` belongs to the base", "another name than `dt`"),
    "policy__computed_attribute": ("computed attribute name", "Write the name out"),
    "policy__robot_changed_while_it_drives": (
        "called on the robot during a step",
        "move other bodies",
    ),
    "policy__replaces_base_method": ("`self.robot.get_rewards` is set", "attribute of self"),
    "load__class_not_called_env": ("no class `Env`", "`class Env(R2D2Env):`"),
    "load__other_robot": ("for the robot ant, not for r2d2", "base class of r2d2"),
    "load__env_without_base": ("no class `Env`", "`class Env(R2D2Env):`"),
    "load__env_is_the_base": ("is the robot's base itself", "`class Env(R2D2Env):`"),
    "load__no_docstring": ("no docstring", "Begin the class with a docstring"),
    "load__never_returns": ("The load check did not finish", "Bound every loop"),
    "load__huge_array": ("7.28 TiB", "Keep arrays and lists small"),
    "load__memory_grows_without_end": ("MemoryError", "do not let them grow"),
    "load__too_many_bodies": ("would bring the world to 257 bodies", "fewer and larger bodies"),
    "load__forgot_super_init": ("did not call super().__init__()", "Change `__init__`"),
    "load__forgot_super_init_and_uses_nothing": ("did not call super()", "Change `__init__`"),
    "load__crashes_in_pybullet": ("eulerAngles = float 0.1", "Write a list of three"),
    "load__undefined_name": ("'ball_radus' is not defined (line 26", "Define or import it"),
    "load__endless_recursion": ("RecursionError", "Call super() for the original"),
    "load__argument_missing": ("positional argument: 'color' (line", "half extents three"),
    "load__heavier_robot": ("would change what the robot is", "of other bodies"),
    "load__index_out_of_range": ("index out of range (line 28", "the line named above"),
    "reset__returns_nothing": ("`reset` returned None", "end with `return observation`"),
    "reset__expects_info": ("too many values to unpack", "returns the observation alone"),
    "reset__returns_info": ("`reset` returned a tuple", "end with `return observation`"),
    "reset__extends_observation": ("an array of shape (16,)", "end with `return observation`"),
    "reset__robot_inside_wall": ("0.70 m inside body 3", "at least 0.6 m away sideways"),
    "reset__place_is_not_a_number": ("posObj = an array of shape (3,)", "Guard divisions"),
    "reset__unknown_link": ("KeyError: 'torso'", 'self.robot.links["base"]'),
    "reset__body_that_does_not_exist": ("bodyUniqueId = int 99", "Keep the id"),
    "reset__division_by_zero": ("ZeroDivisionError", "Guard the divisor"),
    "reset__takes_too_long": ("s of computing; at most 2 s", "shorter loops"),
    "step__no_ground": ("The robot falls: 0.6 s after", "Create the ground with create_box"),
    "step__ground_only_visible": ("The robot falls", "Create the ground with create_box"),
    "step__falls_past_the_platform": ("The robot falls: 0.5 s after", "Create the ground"),
    "step__ends_in_a_drop_beside_the_platform": (
        "where `get_terminated` ends the episode",
        "above the ground that it is to stand on",
    ),
    "step__missing_method": ("get_success is not defined", "Define get_task_rewards"),
    "step__attribute_before_set": ("no attribute 'distance' (line", "before it is read"),
    "step__rewards_are_none": ("`get_task_rewards` returned None; it must", "Change `get_task"),
    "step__reward_is_array": (
        "an array of shape (3,) for 'closeness'",
        "Change `get_task_rewards`",
    ),
    "step__reward_is_nan": ("gave nan for 'straightness'", "Change `get_task_rewards`"),
    "step__reward_is_huge": ("'closeness' was 2e+08", "np.clip(value, -10, 10)"),
    "step__success_is_not_bool": ("returned tuple (); it must return True", "`get_success`"),
    "step__terminated_is_not_bool": ("returned None; it must return True", "`get_terminated`"),
    "step__success_at_start": ("successful at the start", "Let `get_success` ask for"),
    "step__terminated_at_start": ("terminated at the start", "Let `get_terminated` ask for"),
    "step__returns_four_values": ("returned 4 values; five", "terminated, truncated, info`"),
    "step__returns_nothing": ("returned None; five", "terminated, truncated, info`"),
    "step__drops_info": ("not what `super().step` gave", "Change `step`"),
    "step__advances_twice": ("advanced the world 2 times", "Call it once"),
    "step__never_advances": ("advanced the world 0 times", "Call it once"),
    "step__never_returns": ("The step check did not finish", "Bound every loop"),
    "step__crashes_in_pybullet": ("eulerAngles = float 0.1", "Write a list of three"),
    "step__bodies_explode": ("m/s at step 0", "Leave space between movable bodies"),
    "step__blades_turn_too_fast": ("m/s at step", "bound the speeds and forces"),
    "step__memory_grows_every_step": ("MemoryError", "grow with every step"),
    "step__uses_missing_interface": ("no attribute 'agent' (line", "before it is read"),
    "step__truncated_at_start": ("truncated at the start", "Let `get_truncated` ask for"),
    "step__ends_at_once_whatever_it_does": ("within 10 physics steps", "a failure that the robot"),
    "long__raises_late": ("step 600 of an episode with idle actions raised IndexError", "line"),
    "long__ball_faster_and_faster": ("Body 3 moves at", "bound the speeds"),
    "long__slower_with_every_step": ("ms of computing; at most 4 ms", "let no list grow"),
    "long__creates_a_body_in_every_step": (
        "would bring the world to 257 bodies",
        "fewer and larger bodies",
    ),
    "success__by_waiting": ("Doing nothing succeeds, in each of 3 episodes", "only the robot's"),
    "success__by_any_action": ("6 of 7 scripted behaviours do (random", "the place, the order"),
    "reward__progress_is_always_zero": ("'progress' is always 0, 'alive'", "Add a term that"),
    "seeding__fixed_seed_in_reset": ("line 31 gives them a fixed seed (`np", "Remove the fixed"),
    "seeding__fixed_seed_in_init": ("np.random.default_rng(seed=7)", "Remove the fixed seed"),
    "seeding__order_of_a_set": ("same seed and actions differ", "in lists instead of sets"),
    "seeding__seeds_from_the_clock": ("same seed and actions differ", "self.np_random"),
    "time__slow_step": ("ms of computing; at most 4 ms", "move loops over many items out"),
}


@cache
def outcome_of(name: str) -> Outcome:
    """The outcome of a specimen, broken or good."""
    timeout_s = HANG_TIMEOUT_S if name in HANGING else 30.0
    return check_task(Task((BROKEN | GOOD)[name]), timeout_s)


def test_every_specimen_says_what_is_wrong_and_what_is_expected() -> None:
    assert BROKEN.keys() == EXPECTED.keys()
    for source in BROKEN.values():
        assert source.startswith("# Broken on purpose: ")


def test_specimens_cover_every_stage() -> None:
    stages = {name.partition("__")[0] for name in BROKEN}
    # No call that a task has reaches the settings of the physics; what does is found all the same.
    assert stages == set(get_args(Stage)) - {"physics", "train"}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_rejects(name: str) -> None:
    outcome = outcome_of(name)
    symptom, fix = EXPECTED[name]
    assert outcome.verdict == "rejected", outcome
    assert outcome.stage == name.partition("__")[0], outcome.report
    assert symptom in outcome.symptom
    assert fix in outcome.fix
    assert from_json(Outcome, to_json(outcome)) == outcome


@pytest.mark.parametrize("name", sorted(GOOD))
def test_passes(name: str) -> None:
    outcome = outcome_of(name)
    assert outcome.passed, outcome.report
    assert outcome.stage is None
    assert outcome.report == ""


@pytest.mark.parametrize("name", sorted(HANGING))
def test_returns_in_time_when_the_task_hangs(name: str) -> None:
    assert HANG_TIMEOUT_S <= outcome_of(name).seconds <= HANG_TIMEOUT_S + 2.0


def test_every_message_of_the_checks_has_a_specimen() -> None:
    seen = {outcome_of(name).cause for name in BROKEN | GOOD}
    wanted = [*_causes_in_checks(), *(re.escape(cause) for _, cause, _ in faults._EXPLANATIONS)]
    assert len(wanted) > 30
    missing = {cause for cause in wanted if not any(re.fullmatch(cause, text) for text in seen)}
    assert missing == {
        # Refused before: see `test_rejects_other_physics_behind_the_policys_back`.
        re.escape("The task changes the settings of the physics engine."),
        re.escape(
            "The task changes the robot, and with it what every policy has learned about it."
        ),
        # What these tell of is refused before, by the policy or the client: second nets.
        re.escape("The import is not available."),
        re.escape("PyBullet refused the call: an id or an argument is not valid."),
    }


def _causes_in_checks() -> list[str]:
    """The causes in every `Rejection(...)` and `Outcome.rejected(...)`, as regular expressions."""
    causes = []
    for path in [Path(checker.__file__), *Path(checks.__file__).parent.glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="Rejection"), args=[_, cause, _]):
                    causes += _text_pattern(cause)
                case ast.Call(func=ast.Attribute(attr="rejected"), args=[_, _, cause, _]):
                    causes += _text_pattern(cause)
    return causes


def _text_pattern(text: ast.expr) -> list[str]:
    match text:
        case ast.Constant(value=str(constant)):
            return [re.escape(constant)]
        case ast.JoinedStr(values=parts):
            texts = [re.escape(p.value) if isinstance(p, ast.Constant) else ".*" for p in parts]
            return ["".join(texts)]
    # A cause that is handed on, such as `fault.cause`.
    return []


@pytest.mark.parametrize(
    ("call", "symptom", "fix"),
    [
        (
            lambda client: client.setGravity(0, 0, -1),
            "Gravity along z is -1.0 instead of -9.8",
            "Leave gravity and time step alone",
        ),
        (
            lambda client: client.setTimeStep(0.1),
            "The time step is 0.1 instead of 0.0165",
            "Leave gravity and time step alone",
        ),
        (
            lambda client: client.setPhysicsEngineParameter(numSubSteps=1),
            "The number of substeps is 1 instead of 4",
            "Leave gravity and time step alone",
        ),
        (
            lambda client: client.changeDynamics(0, -1, lateralFriction=0.0),
            "friction of the link 'base' is 0.0",
            "Leave the robot as it is",
        ),
    ],
)
def test_rejects_other_physics_behind_the_policys_back(
    call: Callable[[Any], None], symptom: str, fix: str
) -> None:
    """The policy and the client refuse such calls; this finds what gets round them."""
    check = stages.Check(GOOD["stay_in_circle"], "r2d2")
    check.load()
    check.reset()
    check.physics()
    call(check.env.client)
    with pytest.raises(checks.Rejection) as found:
        check.physics()
    assert symptom in found.value.symptom
    assert fix in found.value.fix
    check.env.close()


# What looks like a defect and is none: replacements in a task that passes.
_BEGIN = "        observation = super().reset()\n"
_GROUND = "[0.5, 0.5, 0.5, 1.0])\n"
_REWARDS = '{"ahead": np.clip(speed, -10.0, 10.0)}'
LEGITIMATE: dict[str, list[tuple[str, str]]] = {
    "a constant bonus for staying alive where an episode can fail": [
        (_REWARDS, '{"alive": 1.0}'),
        ("return False", 'return self.robot.links["base"].position[2] < -1.0'),
    ],
    "a sparse bonus beside a term that guides": [
        (_REWARDS, '{"ahead": np.clip(speed, -10.0, 10.0), "far": 5.0 * (x > 1000.0)}'),
    ],
    "a fixed seed, and nothing drawn": [(_BEGIN, "        np.random.seed(42)\n" + _BEGIN)],
    "a fixed wood, drawn while building": [
        (
            _GROUND,
            _GROUND + "        np.random.seed(42)\n"
            "        for x in np.random.uniform(4.0, 9.0, size=5):\n"
            "            self.create_box(0.0, [0.2, 0.2, 1.0], [-x, x, 1.0], [0, 0.5, 0, 1])\n",
        )
    ],
    "fixed numbers beside others that follow the seed": [
        (
            _BEGIN,
            _BEGIN + "        self.fixed = np.random.default_rng(3).uniform(size=2)\n"
            "        self.free = self.np_random.uniform()\n",
        )
    ],
    "a seed that is handed on": [
        ("def reset(self):", "def reset(self, seed=None, options=None):"),
        (
            _BEGIN,
            _BEGIN + "        if seed is not None:\n            np.random.seed(seed)\n"
            "        self.goal = np.random.uniform()\n",
        ),
    ],
    "a success that driving ahead always brings about": [("> 2.0", "> 10.0")],
}


@pytest.mark.parametrize("name", LEGITIMATE)
def test_passes_what_only_looks_like_a_defect(name: str, easy_source: str) -> None:
    for before, after in LEGITIMATE[name]:
        assert before in easy_source
        easy_source = easy_source.replace(before, after)
    outcome = check_task(Task(easy_source))
    assert outcome.passed, outcome.report


def test_rejects_a_source_that_is_too_long() -> None:
    outcome = check_task(Task("x = 1\n" * 20_000))
    assert (outcome.verdict, outcome.stage) == ("rejected", "syntax")
    assert "120000 characters" in outcome.symptom


def test_accepts_a_task_that_prints_a_flood() -> None:
    source = GOOD["stay_in_circle"]
    before = "        self._steps += 1\n"
    assert before in source
    outcome = check_task(Task(source.replace(before, before + '        print("x" * 100_000)\n')))
    assert outcome.passed, outcome.report


def test_plays_two_full_episodes_where_idle_and_random_actions_end_early(easy_source: str) -> None:
    turning = easy_source.replace("        self.x = 0.0\n", "        self.x = self.steps = 0\n")
    turning = turning.replace("        return False", "        return self.steps > 120")
    turning = turning.replace("def get_task_rewards(self, action):\n", _COUNT_STEPS_NOT_TURNING)
    check = stages.Check(turning, "r2d2")
    check.load()
    check.reset()
    check.step()
    check.long()
    full = [episode.script for episode in check.episodes if episode.physics_steps == 1000]
    assert full == ["action 4 repeated", "action 3 repeated"]
    check.env.close()


_COUNT_STEPS_NOT_TURNING = """def get_task_rewards(self, action):
        self.steps += action not in (3, 4)
"""


def test_a_continuous_robot_idles_and_goes_to_its_extremes() -> None:
    space = Box(np.array([-1.0, -2.0], np.float32), np.array([1.0, 2.0], np.float32))
    names = scripts.script_names(space)
    assert names == ["idle actions", "random actions", "the lowest actions", "the highest actions"]
    idle, _, lowest, highest = ([*islice(actions_of(n, space, 0), 3)] for n in names)
    for actions, values in ((idle, [0, 0]), (lowest, [-1, -2]), (highest, [1, 2])):
        assert [action.tolist() for action in actions] == [values] * 3
        assert all(action in space for action in actions)


@pytest.mark.parametrize("space", [Discrete(6), Box(-1.0, 1.0, (3,), np.float32)], ids=str)
def test_random_actions_follow_from_their_seed(space: Any) -> None:
    def drawn(seed: int) -> list[Any]:
        return [
            np.asarray(a).tolist() for a in islice(actions_of("random actions", space, seed), 40)
        ]

    assert drawn(1) == drawn(1) != drawn(2)
    repeats = sum(one == two for one, two in pairwise(drawn(1)))
    assert repeats > 15


# Winning and nearly winning states of the good tasks, to show that their success is exact.


def _robot_at(env: TaskEnv, x: float, y: float) -> None:
    env.client.resetBasePositionAndOrientation(env.robot.robot_id, [x, y, 0.5], [0, 0, 0, 1])


def _beside(env: TaskEnv, body: int, distance: float) -> None:
    x, y, _ = env.env.get_object_position(body)
    _robot_at(env, x - distance, y)


def _circle(env: Any, won: bool) -> None:
    _beside(env, env.env._disc, 0.75 if won else 0.85)


def _odd_one(env: Any, won: bool) -> None:
    _beside(env, env.env.odd, 1.05 if won else 1.15)


def _gate(env: Any, won: bool) -> None:
    _robot_at(env, 8.05 if won else 7.95, 0.0)


def _coins(env: Any, won: bool) -> None:
    for coin in env.env.coins[: 3 if won else 2]:
        _beside(env, coin, 0.5)
        env.step(0)


def _crate(env: Any, won: bool) -> None:
    place = [8, 0, 0.95 if won else 1.05]
    env.client.resetBasePositionAndOrientation(env.env.crate.body, place, [0, 0, 0, 1])


def _door(env: Any, won: bool) -> None:
    env.client.resetJointState(env.env.door, 0, 0.55 if won else 0.45)


STATES: dict[str, Callable[[Any, bool], None]] = {
    "stay_in_circle": _circle,
    "find_the_odd_one": _odd_one,
    "pass_the_moving_gate": _gate,
    "collect_coins": _coins,
    "push_crate_off_table": _crate,
    "open_the_door": _door,
}


@pytest.mark.parametrize("name", sorted(GOOD))
def test_success_of_good_task_is_exact(name: str) -> None:
    env = TaskEnv(GOOD[name])
    try:
        for won in (False, True):
            env.reset(seed=5)
            assert not env.env.get_success()
            STATES[name](env, won)
            assert env.env.get_success() == won
    finally:
        env.close()


def test_bodies_created_in_a_batch_are_looked_at() -> None:
    source = GOOD["stay_in_circle"].replace(
        "super().__init__()",
        "super().__init__()\n"
        "        shape = self._p.createCollisionShape(self._p.GEOM_SPHERE, radius=0.1)\n"
        "        places = [[4, 0, 1], [4, 1, 1], [4, 2, 1]]\n"
        "        self._p.createMultiBody(1.0, shape, batchPositions=places)",
        1,
    )
    plain, batched = CheckedEnv(GOOD["stay_in_circle"]), CheckedEnv(source)
    for env in (plain, batched):
        env.reset(seed=0)
    assert len(batched.bodies()) == len(plain.bodies()) + 3
    assert len(batched.poses()) == len(batched.bodies())
    for env in (plain, batched):
        env.close()
