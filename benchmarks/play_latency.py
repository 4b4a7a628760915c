"""How soon is a key answered when a person drives the robot in the browser?

Measures: `taskwright play` of an example, by a client on the same machine that speaks to it as
the page does: keys go down and up at random moments, and each is timed until the first frame that
it had a part in has arrived; and how evenly the frames come.
Compared with: the 66 ms that an action lasts, so that a key waits 33 ms on average for the next
one (what comes on top is ours), and how long the world itself takes for an action. What the
drawing takes depends on the graphics card: the page shows it in its corner, drawing included.
Duration: about half a minute.

    python benchmarks/play_latency.py
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator

import numpy as np
from harness import EXAMPLES, Benchmark, example, milliseconds, serving
from websockets.sync.client import ClientConnection, connect

from taskwright.sandbox.session import PlaySession

TASK = "visit_pads_in_order"
KEYS = ("forward", "left", "right", "backward")


def over_the_socket(presses: int) -> tuple[list[float], list[float]]:
    """Milliseconds from a key to its frame, and between frames."""
    waits: list[float] = []
    gaps: list[float] = []
    serials = itertools.count(1)
    file = EXAMPLES / "r2d2" / f"{TASK}.py"
    with serving("play", file, "--no-open") as (url, _):
        address = url.replace("http", "ws") + "/socket"
        with connect(address, origin=url) as socket:  # type: ignore[arg-type]
            while len(waits) < presses:
                socket.send(json.dumps({"restart": True, "seed": len(waits)}))
                while json.loads(socket.recv())["kind"] != "episode":
                    pass
                press_keys(socket, serials, presses, waits, gaps)
    return waits, gaps


def press_keys(
    socket: ClientConnection,
    serials: Iterator[int],
    presses: int,
    waits: list[float],
    gaps: list[float],
) -> None:
    """Press and release keys until an episode has ended, or there are enough."""
    random = np.random.default_rng(len(waits))
    ended, last = False, 0.0
    while not ended and len(waits) < presses:
        serial = next(serials)
        pressed = time.perf_counter()
        held = [str(random.choice(KEYS))] if serial % 2 else []
        socket.send(json.dumps({"held": held, "pressed": held, "serial": serial}))
        until = pressed + random.uniform(0.07, 0.2)
        answered = False
        while not ended and (time.perf_counter() < until or not answered):
            message = json.loads(socket.recv())
            now = time.perf_counter()
            if last:
                gaps.append(1000 * (now - last))
            last = now
            if not answered and message["serial"] == serial:
                waits.append(1000 * (now - pressed))
                answered = True
            frame = message["frame"]
            ended = frame["success"] or frame["terminated"] or frame["truncated"]
        # A person's key falls anywhere between two frames.
        time.sleep(random.uniform(0.0, 0.06))


def in_the_sandbox() -> list[float]:
    """Milliseconds for an action, from asking for it to its checked frame."""
    with PlaySession(example(TASK), "r2d2") as session:
        session.begin(0)
        actions = iter(range(200))
        return milliseconds(lambda: session.act([float(1 + next(actions) % 4)]), 200)


def main() -> None:
    bench = Benchmark(__doc__)
    bench.option("--presses", type=int, default=120, help="of keys")
    waits, gaps = over_the_socket(bench.start().presses)
    sandbox = in_the_sandbox()
    bench.times(
        {
            "key to frame": waits,
            "frame to frame (66 is due)": gaps,
            "action in the sandbox": sandbox,
        }
    )


if __name__ == "__main__":
    main()
