"""The process that embeds the ideas of a run, with the model that ships.

Started as `python -m taskwright.generator.encoder_worker PARENT_PID`; `encoder_process` talks with
it. It loads the model with the first texts, and stays until its parent hangs up.
"""

from __future__ import annotations

import base64
import sys

import numpy as np

from ..archive.embedding import SentenceEncoder
from ..errors import BrokenError
from ..sandbox.isolation.limits import die_with_parent
from ..sandbox.processes.messages import Messages


def main(parent_pid: int) -> None:
    die_with_parent(parent_pid)
    messages = Messages.over_standard_streams()
    messages.write({"ready": True})
    encoder = SentenceEncoder()
    while (request := messages.read()) is not None:
        messages.write({"answers": [answer(encoder, text) for text in request["texts"]]})


def answer(encoder: SentenceEncoder, text: str) -> dict[str, str]:
    """The vector of a text; or why there is none, which is no reason to end."""
    try:
        vector = np.asarray(encoder.encode(text), "<f4")
    except BrokenError as error:
        return {"broken": error.message, "remedy": error.remedy}
    except Exception as error:
        reason = f"A text cannot be embedded: {type(error).__name__}: {error}."
        return {"broken": reason, "remedy": "Report it as a bug of Taskwright."}
    return {"vector": base64.b64encode(vector.tobytes()).decode()}


if __name__ == "__main__":
    main(int(sys.argv[1]))
