"""How long does a verdict on learnability take, and how sure is it?

Setup: the nine example tasks, from scratch, with the default settings of `train`; each verdict is
then tested on 96 further episodes with other seeds.
Duration: about 8 minutes a seed on two cores.
Output: one row per task and seed, and the medians.

    python benchmarks/verdicts.py --seeds 0
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from stable_baselines3 import PPO

from taskwright.config import TrainerConfig
from taskwright.generator.seeds import EXAMPLES
from taskwright.sandbox.vector import SandboxedEpisodes
from taskwright.trainer.evaluation import evaluate
from taskwright.trainer.plans import TrialPlan
from taskwright.trainer.policies import PPO_SETTINGS, Trained, load_parameters
from taskwright.trainer.trial import run_trial
from taskwright.trainer.vec_env import SandboxedVecEnv

FRESH_SEED = 987_654_321


def confirm(source: str, policy_path: str) -> float:
    """Success rate on 96 episodes that nothing has seen."""
    with SandboxedEpisodes(source, "r2d2", 16, 2) as episodes:
        env = SandboxedVecEnv(episodes)
        model = PPO("MlpPolicy", env, seed=1, device="cpu", **PPO_SETTINGS)
        model.policy.load_state_dict(load_parameters(policy_path))
        return evaluate(episodes, Trained(model), FRESH_SEED, 96).success_rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    settings = TrainerConfig(processes=2).model_dump(exclude={"nearest_policies"})
    seconds, learned, trials = [], 0, 0
    print("| task | seed | verdict | seconds | steps | success | interval | 96 more episodes |")
    print("|---|---|---|---|---|---|---|---|")
    for path in sorted((EXAMPLES / "r2d2").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        for seed in options.seeds:
            with tempfile.TemporaryDirectory() as folder:
                policy = str(Path(folder) / "policy.zip")
                trial = run_trial(TrialPlan(source, "r2d2", seed, policy, **settings))
                more = confirm(source, policy) if trial.verdict == "learned" else None
            trials += 1
            learned += trial.verdict == "learned"
            seconds.append(trial.seconds)
            low, high = trial.interval or (0.0, 0.0)
            print(
                f"| {path.stem} | {seed} | {trial.verdict} | {trial.seconds:.0f} | {trial.steps} | "
                f"{trial.success_after or 0:.2f} | {low:.2f} to {high:.2f} | "
                f"{'-' if more is None else f'{more:.2f}'} |",
                flush=True,
            )
    print(
        f"\n{learned} of {trials} learned; median {statistics.median(seconds):.0f} s, "
        f"slowest {max(seconds):.0f} s"
    )


if __name__ == "__main__":
    main()
