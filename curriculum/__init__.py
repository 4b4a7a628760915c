"""Curricula: which task to train on next, for any trainer. They need numpy alone, nothing of ours.

- `sampler.TaskSampler`: asks a curriculum, and is what a training loop holds
- `curriculum`: what a curriculum is given and must answer; `uniform`
- `learning_progress`: tasks whose success rate changes (Kanitscheider et al. 2021, OMNI)
- `alp_gmm`: regions of the task space where results change (Portelas et al. 2019)
- `mixture`: Gaussian mixtures, which those regions are
- `level_replay`: tasks whose outcome surprises, and those not seen for long (Jiang et al. 2021)

Exported packages carry a copy of this folder, so that it must not import from outside of it.
"""

from .sampler import CURRICULA, TaskSampler

__all__ = ["CURRICULA", "TaskSampler"]
