"""What all journeys of a run share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..archive.embedding import Embedder
from ..archive.learned_distance import Metric
from ..archive.neighbourhood import Neighbourhood
from ..archive.selection import DEFAULT_RULE, SelectionRule
from ..archive.store import Archive
from ..config import Config
from ..executor.contents import Contents
from ..executor.job import Executor
from .author import Author
from .events import Events
from .in_flight import InFlight
from .seeds import SeedTask


@dataclass
class RunContext:
    """What all journeys of a run share."""

    run_dir: Path
    config: Config
    archive: Archive
    author: Author
    embedder: Embedder
    neighbourhood: Neighbourhood
    executor: Executor
    events: Events
    seed_tasks: Sequence[SeedTask]
    in_flight: InFlight
    """The journeys of this run, those under way among them."""
    selection: SelectionRule = DEFAULT_RULE
    """The rule that weighs kept tasks as stepping stones."""
    metric: Metric | None = None
    """The distance that novelty is measured by; None: the cosine distance of embeddings."""
    policies: Contents = field(default_factory=Contents)
    """Policies that several jobs need."""
