"""The sandbox decides what task code may do, and runs it where it can do no harm.

- `language_policy`: what a source may say, decided by reading it; `syntax`: whether it can be
  read at all
- `checks`: eleven stages from syntax to seeding; `checker.check_task` runs them
- `processes`: the processes that run task code; `isolation`: what the kernel keeps from them
- `episodes`: episodes played on request inside; `vector`: many of them, seen from outside;
  `vector_env.TaskVectorEnv`: the same as Gymnasium's `VectorEnv`
- `session`, `live`, `playing`: an episode that a person drives
- `recorder`, `recording`, `replays`: an episode as poses
- `success_reads`: what decides a task's success
- `faults`: an exception inside as symptom, cause and fix outside; `host`: what this host offers

Trusted code never runs task code in its own process. The simulator itself is `world`.
"""
