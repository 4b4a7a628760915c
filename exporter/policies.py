"""Trained policies as files of plain arrays, read without pickle."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError

Weights = Mapping[str, NDArray[np.float32]]
"""The arrays of a policy by their names in the `state_dict` of stable-baselines3's `MlpPolicy`."""

NEEDED = frozenset(
    {"mlp_extractor.policy_net.0.weight", "mlp_extractor.policy_net.0.bias"}
    | {"action_net.weight", "action_net.bias", "value_net.weight", "value_net.bias"}
)
FIRST_DAY = (1980, 1, 1, 0, 0, 0)


def policy_file(weights: Weights) -> bytes:
    """An `.npz` of the weights: the same weights give the same bytes. Raises UsageError where they
    are not those of a multi-layer perceptron."""
    missing = NEEDED - weights.keys()
    if missing:
        raise UsageError(
            f"A policy has no `{min(missing)}`: it is not a multi-layer perceptron.",
            "Export without --policies.",
        )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in sorted(weights.items()):
            data = io.BytesIO()
            contiguous: Any = np.ascontiguousarray(array)
            np.lib.format.write_array(data, contiguous, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", FIRST_DAY), data.getvalue())
    return file.getvalue()
