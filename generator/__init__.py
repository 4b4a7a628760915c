"""The generator proposes and writes tasks, and drives the run; it never executes task code.

- `journey`: one attempt from idea to record, on one screen
- `run`: the loop of journeys over a run folder, its budgets and its end
- `author`: what proposes, writes and judges: `model_author` with a model, `composer` without
- `model`: the foundation model over the OpenAI protocol; `answers`: reading what it says
"""
