"""The trainer learns tasks, through sandboxed environments only.

- `trial.run_trial`: screening, training and the verdict on learnability
- `screening`: who solves a task untrained, and from whom training had best begin
- `learner`: proximal policy optimisation on environments that are stepped in groups
- `deciding`: when a trial asks whether its task is learned, and when it gives up
- `evaluation`: success rates over episodes on fresh seeds, and what they prove
- `policies`: who acts: idle, random, a script, or a trained policy; `actions` draws what they do
- `vec_env`: sandboxed episodes as stable-baselines3 wants them
"""
