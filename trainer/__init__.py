"""The trainer learns tasks, through sandboxed environments only.

- `trial.run_trial`: screening, training and the verdict on learnability
- `learners`: who trains, and the network that all of them train
- `evidence`: what a verdict rests on
- `media`: films, pictures and replays of a policy at work
- `policies`: who acts: idle, random, a script, or a trained policy
- `policy_files`: how a trained policy is kept; `sb3_files`: the files of stable-baselines3, which
  policies of before and generalists are kept as
- `requests`: what the trainer is asked to do, as plain data
- `generalist.train_generalist`: one policy for many tasks; `task_slots`: the many tasks it plays
- `locomotion`: how the Ant's gait is made
"""
