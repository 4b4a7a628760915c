"""What tests of several rooms share: a small task, records, and a scripted model server."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from taskwright.task import Idea, Record, Task, Trial

# Several processes of pytest share the cores: more threads in each would only be in the way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that starts pytest in the background has it ignore ctrl-C, and the commands it starts too.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Drive 2 m ahead, anywhere sideways: it is learned within a few thousand steps.
EASY_SOURCE = '''
import numpy as np

from taskwright.world import R2D2Env


class Env(R2D2Env):
    """
    Drive ahead

    Description:
    An open floor.

    Success:
    The robot is 2 m ahead of where it started.

    Rewards:
    Speed ahead.

    Termination:
    None.
    """

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [20.0, 20.0, 0.5], [0.0, 0.0, -0.5], [0.5, 0.5, 0.5, 1.0])

    def reset(self):
        observation = super().reset()
        self.x = 0.0
        return observation

    def get_task_rewards(self, action):
        x = self.robot.links["base"].position[0]
        speed = (x - self.x) / self.dt
        self.x = x
        return {"ahead": np.clip(speed, -10.0, 10.0)}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return bool(self.robot.links["base"].position[0] > 2.0)
'''


@pytest.fixture(scope="session")
def easy_source() -> str:
    return EASY_SOURCE


@pytest.fixture
def make_record() -> Callable[..., Record]:
    """Makes a record of a journey; what is not given is filled in."""

    def make(number: int, status: str = "learned", **fields: Any) -> Record:
        title = fields.pop("title", f"Task {number}")
        values: dict[str, Any] = {
            "idea": Idea(title, f"Scene {number}", "Done", "Speed", "None"),
            "task": Task(f"# source {number}\n"),
            "trial": Trial("learned", "it was", 0.0, 0.9, screening={"idle": 0.0}, steps=1000),
            "created_at": "2026-01-01T00:00:00+00:00",
        }
        return Record(number, status, "a reason", **{**values, **fields})  # type: ignore[arg-type]

    return make


@dataclass
class Reply:
    """What the scripted server does with one request."""

    text: str | None = "hello"
    status: int = 200
    delay_s: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Sent as it is, instead of a well-formed answer."""
    finish_reason: str = "stop"
    usage: bool = True
    choices: bool = True
    cut_after: int | None = None
    """After so many bytes of the body the connection is reset."""
    drip_s: float | None = None
    """Pause before each single byte of the body."""


class ModelServer:
    """A real HTTP server on loopback that speaks the OpenAI chat protocol from a script.

    `script` holds replies, used up in order; when it is empty, `answer` is asked, or `embed` where
    embeddings are wanted. `models` says how the list of models is answered.
    """

    def __init__(self) -> None:
        self.models = Reply()
        self.script: list[Reply] = []
        self.answer: Callable[[str], Reply | str] = lambda prompt: "hello"
        self.embed: Callable[[list[str]], Reply] = lambda texts: Reply("no embedder", 404)
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                model = {"id": "scripted", "object": "model", "created": 0, "owned_by": "tests"}
                listing = json.dumps({"object": "list", "data": [model]}).encode()
                reply = owner.models
                body = listing if reply.status == 200 else owner.body_of(reply, {})
                self._send(reply.status, body, reply.headers)

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                owner.requests.append(request)
                owner.keys.append(self.headers.get("authorization"))
                if owner.script:
                    reply = owner.script.pop(0)
                elif self.path.endswith("/embeddings"):
                    reply = owner.embed(request["input"])
                else:
                    made = owner.answer(request["messages"][0]["content"])
                    reply = made if isinstance(made, Reply) else Reply(made)
                time.sleep(reply.delay_s)
                self._send(reply.status, owner.body_of(reply, request), reply.headers, reply)

            def _send(
                self, status: int, body: bytes, headers: dict[str, str], reply: Reply | None = None
            ) -> None:
                try:
                    self.send_response(status)
                    for name, value in {"content-type": "application/json", **headers}.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    if reply and reply.cut_after is not None:
                        self.wfile.write(body[: reply.cut_after])
                        self._reset()
                    elif reply and reply.drip_s is not None:
                        for byte in body:
                            time.sleep(reply.drip_s)
                            self.wfile.write(bytes([byte]))
                    else:
                        self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # The client had stopped waiting, as it was meant to.

            def _reset(self) -> None:
                # Closing with the answer half sent and nothing to linger for sends a reset.
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @staticmethod
    def body_of(reply: Reply, request: dict[str, Any]) -> bytes:
        if reply.body is not None:
            return reply.body
        if reply.status != 200:
            return json.dumps({"error": {"message": reply.text, "type": "scripted"}}).encode()
        message = {"role": "assistant", "content": reply.text}
        choice = {"index": 0, "finish_reason": reply.finish_reason, "message": message}
        answer: dict[str, Any] = {
            "id": "scripted",
            "object": "chat.completion",
            "created": 0,
            "model": request["model"],
            "choices": [choice] if reply.choices else [],
        }
        if reply.usage:
            answer["usage"] = {
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "total_tokens": 120,
            }
        return json.dumps(answer).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def model_server_type() -> type[ModelServer]:
    """For tests that share a server, or want a second one; it is theirs to close."""
    return ModelServer


@pytest.fixture(scope="session")
def reply() -> type[Reply]:
    return Reply


@pytest.fixture
def unused_url() -> str:
    """An address on loopback where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


@pytest.fixture(autouse=True, scope="session")
def trusted_nothing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests write down as trusted is theirs alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def no_model_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests start without a key or an address, whatever the machine has."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def processes_mentioning(text: str) -> list[int]:
    """Process ids whose command line or environment mentions a text."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in line:
            found.append(int(folder.name))
    return found
