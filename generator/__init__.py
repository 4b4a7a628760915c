"""The generator proposes and writes tasks, and drives the run; it never executes task code.

- `journey`: one attempt from idea to record, on one screen
- `run`: a run over a folder, from its settings to its ending; `summary`: what it has come to
- `scheduler`: when journeys begin and when to stop; `in_flight`: what they know of each other;
  `run_context`: what they share; `job_client`: what they have computed elsewhere
- `watchdog`: a process outside that ends a run which hears neither signals nor the clock
- `events`: what a run reports while it goes on
- `generalist`: one policy for all kept tasks of a run
- `author`: what proposes, writes and judges: `model_author` with a model, `composer` without
- `trial_terms`: the numbers of a trial, as prompts tell them; `examples`: which code they show
- `strategies`: where the next idea comes from, one file for each idea strategy
- `model`: the foundation model and its `providers`; `answers`: reading what it says, and what
  `markup` is around it
"""
