"""What this machine offers, found out by trying it rather than by asking for versions."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from ..archive.embedding import weights_folder
from ..archive.filesystem import network_filesystem
from ..archive.opening import check_soundness, was_left_open
from ..archive.store import FILE_NAME, Archive
from ..config import Config, resolve
from ..errors import TaskwrightError
from ..generator.embedder import embedder_settings, make_encoder
from ..sandbox import host
from ..sandbox.processes.channel import ChildFault, fault_in
from ..sandbox.processes.cores import cores
from ..sandbox.processes.memory import shared_memory
from ..sandbox.processes.process import Child
from ..world.pictures import egl

SAMPLE_TASK = '''
from taskwright.world import R2D2Env

class Env(R2D2Env):
    """A floor."""

    def __init__(self):
        super().__init__()
        self.create_box(0.0, [5.0, 5.0, 0.5], [0.0, 0.0, -0.5], [0.5, 0.5, 0.5, 1.0])

    def get_task_rewards(self, action):
        return {}

    def get_terminated(self, action):
        return False

    def get_success(self):
        return False
'''
RENDERER_TIMEOUT_S = 30.0
MODEL_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class HostCheck:
    """One thing that was looked at. `limited` works, with what is missing said."""

    name: str
    state: Literal["ok", "limited", "failed"]
    detail: str


def examine(base_url: str | None = None, run_dir: Path | None = None) -> list[HostCheck]:
    """Try everything a run needs, with the embedder of `run_dir` and its archive, where it is
    given. A finding that `failed` keeps runs from working."""
    looks: dict[str, Callable[[], HostCheck]] = {
        "python": _python,
        "cores": _cores,
        "sandbox": _sandbox,
        "isolation": _isolation,
        "renderer": _renderer,
        "embedder": lambda: _embedder(run_dir),
        "model": lambda: _model(base_url),
    }
    if run_dir is not None:
        looks["archive"] = lambda: _archive(run_dir)
    checks = []
    for name, look in looks.items():
        try:
            checks.append(look())
        except (TaskwrightError, ChildFault) as error:
            checks.append(HostCheck(name, "failed", str(error)))
        except Exception as error:
            checks.append(HostCheck(name, "failed", f"{type(error).__name__}: {error}"))
    return checks


def _python() -> HostCheck:
    packages = ("pybullet", "gymnasium", "stable-baselines3", "torch", "RestrictedPython", "openai")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return HostCheck(
        "python", "ok", f"{platform.python_version()} on {platform.system()}; {versions}"
    )


def _cores() -> HostCheck:
    count = cores()
    if count < 2:
        return HostCheck("cores", "limited", "1 core: trials take about twice as long as on 2.")
    return HostCheck(
        "cores", "ok", f"{count} cores; --workers sets how many trials and checks run at once."
    )


def _sandbox() -> HostCheck:
    """Start children and time it."""
    started = time.monotonic()
    with Child() as child:
        child.wait_until_ready()
        first_s = time.monotonic() - started
        limits = ", ".join(child.isolation.limits)
    started = time.monotonic()
    with Child() as child:
        child.wait_until_ready()
        next_s = time.monotonic() - started
    return HostCheck(
        "sandbox",
        "ok",
        f"the first process starts in {first_s:.1f} s, the next in {1000 * next_s:.0f} ms; "
        f"limits: {limits}",
    )


def _isolation() -> HostCheck:
    """What is in force, and whether it holds: each forbidden thing is tried from inside."""
    found = host.isolation()
    parts = {
        f"Landlock {found.landlock}": found.landlock > 0,
        "Bubblewrap": found.bubblewrap,
        "seccomp": found.seccomp,
        "namespaces": found.namespaces,
    }
    in_force = ", ".join(name for name, there in parts.items() if there) or "nothing"
    # Bubblewrap is wanted only where there is no Landlock.
    lacking = ", ".join(
        name.split()[0]
        for name, there in parts.items()
        if not there and not (name == "Bubblewrap" and found.landlock)
    )
    detail = f"{found.level}: {in_force}" + (f" (not: {lacking})" if lacking else "")
    refused = host.probe()
    possible = [name for name, how in refused.items() if not how]
    if not possible:
        return HostCheck(
            "isolation", "ok", f"{detail}; {len(refused)} forbidden things tried, all refused"
        )
    detail += f"; of {len(refused)} forbidden things, these are possible: {', '.join(possible)}"
    if found.level == "full":
        # What is in force ought to have refused them: this is not a matter of taste.
        return HostCheck("isolation", "failed", f"{detail}. Please report this.")
    return HostCheck(
        "isolation",
        "limited",
        f"{detail}. Run model-written tasks in a container or a virtual machine.",
    )


def _renderer() -> HostCheck:
    """Draw in a child, as the tools do."""
    count, width, height = 20, 320, 240
    size_bytes = (count + 1) * width * height * 3
    with shared_memory(size_bytes) as (descriptor, _), Child([descriptor]) as child:
        child.wait_until_ready()
        started = time.monotonic()
        reply = child.request(
            {
                "op": "film",
                "source": SAMPLE_TASK,
                "seed": 0,
                "actions": [[0.0]] * count,
                "camera": "overview",
                "width": width,
                "height": height,
            },
            RENDERER_TIMEOUT_S,
        )
        seconds = time.monotonic() - started
    if reply.keys() != {"frames", "at_the_end"}:
        raise fault_in(reply)
    rate = reply["frames"] / seconds
    found = egl.find()
    if found.device:
        how = "GPU" if found.with_gpu else "software, slower than the CPU renderer"
        other = f"EGL: {found.device} ({how})"
    else:
        other = f"no EGL: {found.fault}"
    detail = f"CPU, {rate:.0f} pictures of {width}x{height} a second; {other}"
    return HostCheck("renderer", "ok", detail)


def _embedder(run_dir: Path | None) -> HostCheck:
    """The one that ships, or the one of a run folder, which is asked for a vector."""
    config = Config().embedder if run_dir is None else embedder_settings(run_dir)
    if config == Config().embedder:
        detail = f"{config.name}, weights verified, in {weights_folder()}"
        return HostCheck("embedder", "ok", detail)
    started = time.monotonic()
    encoder = make_encoder(config)
    size = len(encoder.encode("A robot reaches a beacon."))
    where = config.base_url or "computed here"
    seconds = time.monotonic() - started
    detail = f"{encoder.name}, {where}, {size} numbers a vector, the first in {seconds:.1f} s"
    return HostCheck("embedder", "ok", detail)


def _archive(run_dir: Path) -> HostCheck:
    """Whether an archive is sound, read from its first byte to its last; nothing is written."""
    with Archive.open(run_dir) as archive:
        check_soundness(run_dir / FILE_NAME)
        records = archive.records()
        made_by = archive.embedder()
        complaints = archive.complaints
    kept = sum(record.status == "learned" for record in records)
    vectors = f"vectors by {made_by[0]} ({made_by[1]} numbers)" if made_by else "no vectors yet"
    detail = f"sound; {len(records)} records, {kept} kept; {vectors}"
    kind = network_filesystem(run_dir)
    if kind is not None:
        detail += f"; on a network file system ({kind}), so without a write-ahead log"
    if was_left_open(run_dir / FILE_NAME):
        detail += "; a run writes to it now, or did not get to close it"
    if complaints:
        count = len(complaints)
        detail += f". {count} of its records are not usable, the first: {complaints[0]}"
    return HostCheck("archive", "limited" if complaints or kind else "ok", detail)


def _model(base_url: str | None) -> HostCheck:
    """Whether a model server answers; a list of models is the cheapest question there is."""
    # Importing these takes a second.
    from ..generator.model.explained import explained
    from ..generator.model.failures import TryFailed
    from ..generator.model.providers import make_provider
    from ..generator.model.roles import asked_in
    from ..generator.run import model_is_configured

    config = resolve({"model": {"name": "any", "base_url": base_url}})
    if not model_is_configured(config):
        return HostCheck(
            "model",
            "limited",
            "none configured (no OPENAI_API_KEY, no --base-url): the Composer writes the tasks.",
        )
    provider = make_provider(config.model.provider)
    asked = asked_in("idea", config.model, provider)
    try:
        names = provider.models(asked, MODEL_TIMEOUT_S)
    except TryFailed as failed:
        if failed.status in (401, 407) or failed.kind not in ("status", "unreadable"):
            raise explained(failed, asked, 1) from None
        return HostCheck(
            "model", "limited", f"{asked.server} answers, but lists no models ({failed.what})."
        )
    finally:
        provider.close()
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return HostCheck("model", "ok", f"{asked.server} offers {shown or 'no model'}.")
