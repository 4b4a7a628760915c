"""Does a judge of interestingness say no? How often does it know a planted near-copy?

    python benchmarks/judge.py --model NAME --base-url http://127.0.0.1:8000/v1
    python benchmarks/judge.py --model NAME --base-url ... --second-judge OTHER

Setup: the nine example tasks are the archive. Eight proposals are copies of one of them in other
words, colours and numbers, six are new; each is put to the judge with our prompt and its five
nearest neighbours. Fourteen calls of about 900 tokens. Prints each verdict with its reason, the
share of the copies that were turned down and of the new ones that were let in, and with a second
judge how far the two agree. For comparison: of fourteen tasks by OMNI-EPIC's prompts of which five
were near-copies of another, its judge, a strong model, let all in.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from taskwright.archive.agreement import agreement_of_judges
from taskwright.archive.embedding import SentenceEncoder
from taskwright.archive.novelty import nearest
from taskwright.config import ModelConfig
from taskwright.generator.model.client import FoundationModel
from taskwright.generator.model.meter import Meter
from taskwright.generator.model_author import ModelAuthor
from taskwright.generator.seeds import example_tasks
from taskwright.task import Idea, Record, Task

# Title, description, success.
COPIES = [
    (
        "Traverse the shattered causeway",
        "Five stone slabs, 2.4 m wide, lie in a row with gaps of 0.9 m between them over a chasm, "
        "from an ivory start block to a golden temple block. The gaps vary a little in each "
        "episode. The robot starts on the ivory block and must get to the temple.",
        "The robot stands on the golden temple block.",
    ),
    (
        "Ascend the pyramid",
        "A terrace of six ledges, each 0.3 m high and 1.2 m deep, painted in sandstone, leads up "
        "to a shrine. The robot begins in front of the lowest ledge and has to get to the shrine.",
        "The robot is on the top ledge.",
    ),
    (
        "Find the lighthouse",
        "A glowing violet pillar stands somewhere within 8 m of the robot on a wide plain, at a "
        "random place in each episode. The robot has to drive to it.",
        "The robot is within 0.9 m of the pillar.",
    ),
    (
        "Score with the beach ball",
        "A striped ball of 0.5 m radius lies 2 m ahead, 6 m before two posts 3.5 m apart. The "
        "robot has to drive the ball between the posts.",
        "The ball is behind the line between the posts.",
    ),
    (
        "Deliver the parcel",
        "A parcel, a cube of 0.9 m, stands in a warehouse 2.5 m before the robot. A blue loading "
        "bay is painted on the floor 4 m beyond it. The parcel has to be shoved into the bay.",
        "The centre of the parcel is over the loading bay.",
    ),
    (
        "Hop over the radar beam",
        "On a round deck of 4 m radius a luminous beam, 0.2 m above the deck, turns around a mast "
        "once in 5 s. The robot has to leap each time that the beam comes by.",
        "The beam has gone by four times and has not touched the robot.",
    ),
    (
        "Tour the three obelisks",
        "Three obelisks, red, white and black, stand at random places of a plaza. The robot has to "
        "pass by each of them closely, first the red one, then the white one, then the black one.",
        "All obelisks have been visited in that order.",
    ),
    (
        "Unlock the vault",
        "A vault door closes the only passage through a steel wall. A floor switch glows to one "
        "side; once the robot has rolled over it, the door slides up, and the robot can go in.",
        "The robot is behind the wall.",
    ),
]
NEW = [
    (
        "Ride the seesaw to the other side",
        "A plank 6 m long balances on a ridge. The robot drives up its lowered end; the plank tips "
        "when the robot passes the middle, and it has to roll down onto a platform beyond.",
        "The robot stands on the far platform.",
    ),
    (
        "Keep three balls together",
        "Three balls roll apart slowly on a domed floor. The robot has to nudge each back in time "
        "so that none leaves a circle of 4 m radius.",
        "After 10 s all balls are still inside the circle.",
    ),
    (
        "Stay hidden behind the moving wall",
        "A wall 2 m wide travels left and right between the robot and a watch tower 8 m away. The "
        "robot has to keep the wall between itself and the tower while it advances 5 m.",
        "The robot has crossed the line and was out of the tower's sight all the time.",
    ),
    (
        "Topple the dominoes",
        "Five tall slabs stand in a row, close enough that a falling one takes the next along. The "
        "robot has to run into the first so hard and so straight that all fall.",
        "All slabs lie.",
    ),
    (
        "Brake at the brink",
        "A ramp leads down to a ledge without a railing, 1.5 m deep. The robot starts at the top "
        "already rolling at 6 m/s, and has to come to rest on the ledge before it goes over.",
        "The robot has stood still on the ledge for 1 s.",
    ),
    (
        "Lure the chaser into the pit",
        "A heavy cart follows the robot at 2 m/s wherever it goes. Between them lies a pit. The "
        "robot has to lead the cart over it, and must not be caught.",
        "The cart lies in the pit.",
    ),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--base-url")
    parser.add_argument("--second-judge", help="another model on the same server")
    options = parser.parse_args()
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
    right = {True: 0, False: 0}
    with (
        tempfile.TemporaryDirectory() as folder,
        FoundationModel(config, Path(folder), lambda *_, **__: None) as model,
    ):
        author = ModelAuthor(model, config, "r2d2", examples).for_journey(Meter(1))
        for is_new, proposals in ((False, COPIES), (True, NEW)):
            for title, description, success in proposals:
                idea = Idea(title, description, success, "", "")
                near = nearest(encoder.encode(idea.text), archive, vectors, 5)
                said = [author.judge(idea, near, None), author.judge_again(idea, near)]
                judgements = tuple(judgement for judgement in said if judgement)
                records.append(Record(len(records) + 1, "learned", "", idea, judgements=judgements))
                right[is_new] += judgements[0].positive is is_new
                verdict = "yes" if judgements[0].positive else "no"
                kind = "new" if is_new else "copy"
                print(f"{kind:<5}{verdict:<4}{title}: {judgements[0].reason}", flush=True)
    print(f"\n{right[False]} of {len(COPIES)} copies turned down, ", end="")
    print(f"{right[True]} of {len(NEW)} new tasks let in.")
    if agreement := agreement_of_judges(records):
        print(agreement.summary)


if __name__ == "__main__":
    main()
