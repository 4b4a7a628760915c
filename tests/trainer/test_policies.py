"""Policies and their files."""

from __future__ import annotations

import numpy as np
import torch

from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.trainer.policies import at_temperature, make_model


def test_a_colder_policy_is_surer_of_the_same_actions(easy_source):
    with SandboxedEpisodes(easy_source, "r2d2", count=1, processes=1) as episodes:
        policy = make_model(episodes, 3).policy
        seen = torch.from_numpy(episodes.reset(1)).expand(6, -1)
        actions = torch.arange(6)
        values, odds, _ = policy.evaluate_actions(seen, actions)
        policy.load_state_dict(at_temperature(policy.state_dict(), 0.5))
        _, colder, _ = policy.evaluate_actions(seen, actions)
        assert colder.argmax() == odds.argmax()
        np.testing.assert_allclose(
            (colder - colder[0]).detach(), 2.0 * (odds - odds[0]).detach(), rtol=1e-3, atol=1e-6
        )
        assert torch.equal(policy.predict_values(seen)[:, 0], values.flatten())
