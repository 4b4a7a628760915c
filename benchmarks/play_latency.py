"""How soon is a key answered when a person drives the robot in the browser?

Setup: `taskwright play` of an example, and a client on the same machine that speaks to it as the
page does: keys go down and up at random moments, and each is timed until the first frame that it
had a part in has arrived. Actions last 66 ms, so that a key waits 33 ms on average for the next
one; what comes on top is ours. Beside it, how evenly the frames come, and how long the world itself
takes for an action.
Duration: about half a minute.
Output: a table in milliseconds. What the drawing takes depends on the graphics card: the page shows
it in its corner, drawing included.

    python benchmarks/play_latency.py
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from websockets.sync.client import connect

from taskwright.sandbox.session import PlaySession

TASK = Path(__file__).parent.parent / "examples" / "tasks" / "r2d2" / "visit_pads_in_order.py"
KEYS = ("forward", "left", "right", "backward")
PRESSES = 120


def over_the_socket() -> tuple[list[float], list[float]]:
    """Milliseconds from a key to its frame, and between frames."""
    command = [sys.executable, "-m", "taskwright", "play", str(TASK), "--no-open"]
    waits, gaps = [], []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            found = re.search(r"http://(\S+:\d+)", server.stdout.readline())
            assert found is not None
            address = found[1]
            random = np.random.default_rng(0)
            with connect(f"ws://{address}/socket", origin=f"http://{address}") as socket:
                serial, last = 0, 0.0
                while len(waits) < PRESSES:
                    socket.send(json.dumps({"restart": True, "seed": serial}))
                    while json.loads(socket.recv())["kind"] != "episode":
                        pass
                    ended, last = False, 0.0
                    while not ended and len(waits) < PRESSES:
                        serial += 1
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
        finally:
            server.terminate()
    return waits, gaps


def in_the_sandbox() -> list[float]:
    """Milliseconds for an action, from asking for it to its checked frame."""
    times = []
    with PlaySession(TASK.read_text(encoding="utf-8"), "r2d2") as session:
        session.begin(0)
        for number in range(200):
            started = time.perf_counter()
            session.act([float(1 + number % 4)])
            times.append(1000 * (time.perf_counter() - started))
    return times


def main() -> None:
    waits, gaps = over_the_socket()
    rows = {
        "key to frame": waits,
        "frame to frame (66 is due)": gaps,
        "an action in the sandbox": in_the_sandbox(),
    }
    print("| ms | median | 95th percentile | worst |")
    print("|---|---|---|---|")
    for name, times in rows.items():
        median, most, worst = np.percentile(times, [50, 95, 100])
        print(f"| {name} | {median:.0f} | {most:.0f} | {worst:.0f} |")


if __name__ == "__main__":
    main()
