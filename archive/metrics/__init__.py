"""What a run has come to, in numbers that can be compared: pure functions, numpy only.

Each states its definition and its source. None is fitted to what it measures, so that the number
of one archive never depends on which others it is shown beside.

========== ===================================================================================
progress   `annecs`, `annecs_omni` (accumulated novel environments created and solved),
           `success_gains`, `per` (kept tasks per hour, dollar or thousand tokens)
diversity  `vendi_score`, `near_copy_share`, `mean_nearest_distance`, `occupied_cells` and
           `coverage` on a fixed grid, `spread` and `oddness` of single tasks
lineage    `generations`: how many steps back to a beginning
funnel     `funnel`: how many journeys came how far
statistics `mean_interval`, `difference_interval`, `mean_curve`: bootstrap over runs
========== ===================================================================================
"""

from .diversity import (
    CELLS_A_SIDE,
    NEAR_COPY,
    NEIGHBOURS,
    coverage,
    mean_nearest_distance,
    near_copy_share,
    nearest_similarities,
    occupied_cells,
    oddness,
    spread,
    vendi_score,
)
from .funnel import Step, funnel
from .lineage import generations
from .progress import annecs, annecs_omni, is_created_and_solved, is_interesting, per, success_gains
from .statistics import Interval, difference_interval, mean_curve, mean_interval

__all__ = [
    "CELLS_A_SIDE",
    "NEAR_COPY",
    "NEIGHBOURS",
    "Interval",
    "Step",
    "annecs",
    "annecs_omni",
    "coverage",
    "difference_interval",
    "funnel",
    "generations",
    "is_created_and_solved",
    "is_interesting",
    "mean_curve",
    "mean_interval",
    "mean_nearest_distance",
    "near_copy_share",
    "nearest_similarities",
    "occupied_cells",
    "oddness",
    "per",
    "spread",
    "success_gains",
    "vendi_score",
]
