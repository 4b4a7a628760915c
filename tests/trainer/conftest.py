"""As in a trial, torch computes in one thread: more make small networks slower."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
