"""Learning algorithms.

- `learner`: what they have in common
- `soft_q`: soft Q-learning for discrete actions; `replay_buffer`: the episodes it learns from;
  `visit_counts`: how often each cell of the scene was visited
- `ppo`: proximal policy optimisation for continuous actions
- `settings`: their settings
- `vec_env`: sandboxed episodes as stable-baselines3 wants them
- `actions`: how actions are drawn from a policy's outputs
"""
