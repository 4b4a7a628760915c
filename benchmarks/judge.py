"""Does a judge of interestingness say no? How often does it know a planted near-copy?

Measures: the verdicts of a model on fourteen proposals (`data/proposals.yaml`), of which eight
are copies of an example task in other words, colours and numbers, and six are new. The nine
example tasks are the archive; each proposal is put to the judge with our prompt and its five
nearest neighbours, in fourteen calls of about 900 tokens.
Compared with: what is known of the proposals; with a second judge, how far the two agree. For
comparison: of fourteen tasks by OMNI-EPIC's prompts of which five were near-copies of another,
its judge, a strong model, let all in.
Duration: as long as the model takes.

    python benchmarks/judge.py --model NAME --base-url http://127.0.0.1:8000/v1
    python benchmarks/judge.py --model NAME --base-url ... --second-judge OTHER
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml
from harness import DATA, Benchmark

from taskwright.archive.agreement import agreement_of_judges
from taskwright.archive.embedding import SentenceEncoder
from taskwright.archive.novelty import nearest
from taskwright.config import Config, ModelConfig
from taskwright.generator.model.client import FoundationModel
from taskwright.generator.model.meter import Meter
from taskwright.generator.model_author import ModelAuthor
from taskwright.generator.seeds import example_tasks
from taskwright.task import Idea, Record, Task


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--model", required=True)
    bench.option("--base-url")
    bench.option("--second-judge", help="another model on the same server")
    options = bench.start()
    proposals = yaml.safe_load((DATA / "proposals.yaml").read_text(encoding="utf-8"))
    config = ModelConfig.model_validate(
        {
            "name": options.model,
            "base_url": options.base_url,
            "second_judge": options.second_judge is not None,
            "roles": {"second_judge": {"name": options.second_judge}},
            "timeout_s": 1000.0,
            "deadline_s": 1000.0,
        }
    )
    encoder = SentenceEncoder()
    examples = example_tasks("r2d2")
    archive = [
        Record(number, "learned", "", seed.idea, Task(seed.source))
        for number, seed in enumerate(examples, 1)
    ]
    vectors = [encoder.encode(record.idea.text) for record in archive]
    records: list[Record] = []
    right = {"copies": 0, "new": 0}
    with (
        tempfile.TemporaryDirectory() as folder,
        FoundationModel(config, Path(folder), lambda *_, **__: None) as model,
    ):
        author = ModelAuthor(model, Config(model=config), examples).for_journey(Meter(1))
        for kind in right:
            for proposal in proposals[kind]:
                idea = Idea(**proposal, rewards="", termination="")
                near = nearest(encoder.encode(idea.text), archive, vectors, 5)
                said = [author.judge(idea, near, None), author.judge_again(idea, near)]
                judgements = tuple(judgement for judgement in said if judgement)
                records.append(Record(len(records) + 1, "learned", "", idea, judgements=judgements))
                positive = judgements[0].positive
                right[kind] += positive is (kind == "new")
                verdict = "yes" if positive else "no"
                bench.say(f"{kind:<7}{verdict:<4}{idea.title}: {judgements[0].reason}")
    bench.say(
        f"\n{right['copies']} of {len(proposals['copies'])} copies turned down, "
        f"{right['new']} of {len(proposals['new'])} new tasks let in."
    )
    if agreement := agreement_of_judges(records):
        bench.say(agreement.summary)


if __name__ == "__main__":
    main()
