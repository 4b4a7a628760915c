"""Trained policies as files of plain arrays, read without pickle."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError

Weights = Mapping[str, NDArray[np.float32]]
"""The arrays of a policy by their names in the `state_dict` of stable-baselines3's `MlpPolicy`."""


class ExportedPolicy(NamedTuple):
    """A trained policy that goes along."""

    weights: Weights
    activation: str = "tanh"
    """What follows its hidden layers, as `runtime/policy.py` knows it."""


NEEDED = frozenset(
    {"mlp_extractor.policy_net.0.weight", "mlp_extractor.policy_net.0.bias"}
    | {"action_net.weight", "action_net.bias", "value_net.weight", "value_net.bias"}
)
FIRST_DAY = (1980, 1, 1, 0, 0, 0)


def policy_file(policy: ExportedPolicy) -> bytes:
    """An `.npz` of the weights and the name of the activation: the same policy gives the same
    bytes. Raises UsageError where the weights are not those of a multi-layer perceptron."""
    missing = NEEDED - policy.weights.keys()
    if missing:
        raise UsageError(
            f"A policy has no `{min(missing)}`: it is not a multi-layer perceptron.",
            "Export without --policies.",
        )
    arrays = {**policy.weights, "activation": np.array(policy.activation)}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in sorted(arrays.items()):
            data = io.BytesIO()
            contiguous: Any = np.asarray(array, order="C")
            np.lib.format.write_array(data, contiguous, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", FIRST_DAY), data.getvalue())
    return file.getvalue()
