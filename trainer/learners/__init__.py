"""The learners there are. To add one, write its file in this folder and add its line to `LEARNERS`.

A learner's file is named as the learner is, and holds a class that derives from `learner.Learner`
and names the dataclass of its settings. What all learners train is a `network.PolicyNetwork`.

- `soft_q`: soft Q-learning; `replay_buffer`: the steps that it learns from, and where they led
- `ppo`: proximal policy optimisation; `vec_env`: sandboxed episodes as stable-baselines3 wants them

The list itself does not load torch: a learner's file is read when it is first asked for.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ...task import from_json

if TYPE_CHECKING:
    import gymnasium

    from .learner import Learner, Settings

LEARNERS: dict[str, str] = {
    "soft_q": "SoftQLearner",
    "ppo": "PPOLearner",
}
"""The class of each learner, by the name of its file. Unless a run asks for another one, the first
that can train with a robot's actions does."""
AUTO = "auto"


def learner_class(name: str) -> type[Learner]:
    """The class of a learner. Raises KeyError where there is no such learner."""
    found: type[Learner] = getattr(importlib.import_module(f".{name}", __name__), LEARNERS[name])
    return found


def choose_learner(name: str, action_space: gymnasium.Space[Any]) -> str:
    """The learner that is to train with these actions: the one that was asked for, and for `auto`
    the first that can. Raises UsageError where the one that was asked for cannot."""
    able = [each for each in LEARNERS if learner_class(each).takes(action_space)]
    if name == AUTO:
        return able[0]
    if name not in able:
        raise UsageError(
            f"The learner {name} cannot train with actions that are {action_space}.",
            f"Choose {' or '.join(able)}, or leave `trainer.learner` at {AUTO}.",
        )
    return name


def learner_settings(name: str, given: dict[str, Any]) -> Settings:
    """The settings of a learner, with those that are given instead of its own.

    Raises:
        UsageError: Names a setting that the learner does not have, or a value that it cannot have.
    """
    from pydantic import ValidationError

    kind = learner_class(name).settings_class
    known = [field.name for field in dataclasses.fields(kind)]
    for setting in given:
        if setting not in known:
            raise UsageError(
                f"The learner {name} has no setting `{setting}`.", f"It has: {', '.join(known)}."
            )
    try:
        return from_json(kind, json.dumps(given))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in ("trainer", "learners", name, *first["loc"]))
        raise UsageError(
            f"The setting `{place}` is {first['input']!r}: {first['msg'].lower()}.",
            "Correct it in the configuration file or on the command line.",
        ) from None
