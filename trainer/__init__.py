"""The trainer learns tasks, through sandboxed environments only.

- `trial.run_trial`: screening, training and the verdict on learnability
- `policies`: who acts: idle, random, or a trained PPO policy
- `evaluation`: success rates over episodes on fresh seeds, with their interval
- `vec_env`: sandboxed episodes as stable-baselines3 wants them
- `generalist.train_generalist`: one policy for many tasks; `task_slots`: the many tasks it plays
"""
