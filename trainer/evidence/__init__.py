"""What a verdict on a task rests on.

- `screening`: who solves a task untrained, and from whom training had best begin
- `deciding`: when a trial asks whether its task is learned, and when it gives up
- `evaluation`: success rates over episodes on fresh seeds, and what they prove
- `repeating`: successes played again in a fresh process
- `episode_recorder`: what happened in the episodes of a trial; `achieved`: in one sentence
- `sanity`: whether rewards and success deserve trust; `experiments`: episodes played to find out
- `trial_evidence`: all of it, as a trial keeps it
"""
