"""What a success is worth: enough that no episode loses by succeeding early."""

from __future__ import annotations

import numpy as np
import pytest

from taskwright.trainer.learners.learner import Settings

SETTINGS = Settings()


def test_a_success_is_worth_what_the_episode_would_have_gone_on_to_earn():
    settings = SETTINGS.but(discount=0.9, success_bonus=50.0)
    worth = settings.success_worth(np.array([40.0, 0.0, -40.0]), np.array([20, 20, 20]))
    # At 2 a step, and a discount of 0.9 looks 10 steps ahead; losses are not held against it.
    assert worth == pytest.approx(np.array([50.0 + 20.0, 50.0, 50.0]))


@pytest.mark.parametrize("per_step", [0.0, 1.0, 4.0])
def test_it_never_pays_to_put_success_off(per_step):
    moments = np.arange(1, 251)
    worth = SETTINGS.success_worth(per_step * moments, moments)
    weights = SETTINGS.discount ** (moments - 1)
    returns = np.cumsum(weights * per_step) + weights * worth
    assert (np.diff(returns) < 0.0).all()
