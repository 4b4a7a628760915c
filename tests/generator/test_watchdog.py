"""A run always ends: where Python stands still, somebody outside sees to it."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from processes import descendants, wait_until_gone

from taskwright.archive.store import Archive
from taskwright.generator.watchdog import Watchdog

HELD_UP = Path(__file__).with_name("held_up.py")
PATIENCE_S = 0.6
SLACK_S = 6.0
"""What a busy machine may add."""


@pytest.fixture
def begin():
    """Begins one of the programs, and waits until it stays where it is meant to."""
    begun = []

    def start(*words, patience_s=PATIENCE_S, **options):
        command = [sys.executable, str(HELD_UP), str(patience_s), *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        process = subprocess.Popen(command, text=True, **pipes)
        begun.append(process)
        assert any(line == "ready\n" for line in process.stdout), process.stderr.read()
        # From the word to the deed.
        time.sleep(0.1)
        return process

    yield start
    for process in begun:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def assert_killed(process, since, *texts, patience_s=PATIENCE_S):
    """It is killed when patience is at its end, with one sentence that says why."""
    _, said = process.communicate(timeout=60)
    elapsed_s = time.monotonic() - since
    assert process.returncode == -signal.SIGKILL
    assert patience_s <= elapsed_s < patience_s + SLACK_S
    (line,) = said.splitlines()
    assert line.startswith(f"taskwright: The run did not end within {patience_s:g} s of ")
    for text in (*texts, "killed", "in the archive", "the same command goes on"):
        assert text in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_what_cannot_hear_it(begin, number):
    process = begin("hung")
    family = descendants(process.pid)
    since = time.monotonic()
    process.send_signal(number)
    assert_killed(process, since, number.name)
    assert len(family) == 1
    assert wait_until_gone(family, SLACK_S)


def test_pressing_ctrl_c_again_and_again_wins_no_time(begin):
    process = begin("hung")
    since = time.monotonic()
    for _ in range(200):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
        if process.poll() is not None:
            break
    assert_killed(process, since, "SIGINT")


def test_time_that_is_up_ends_what_does_not_see_the_clock(begin):
    since = time.monotonic()
    assert_killed(begin("hung", 0.1), since, "the end of its time")


def test_in_another_thread_than_the_main_one_the_clock_counts_alone(begin):
    since = time.monotonic()
    assert_killed(begin("thread"), since, "the end of its time")
    process = begin("thread", patience_s=60.0)
    process.send_signal(signal.SIGTERM)
    assert process.wait(SLACK_S) == -signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_ends_by_itself_is_left_alone(begin, number):
    process = begin("sound", "", PATIENCE_S / 2)
    family = descendants(process.pid)
    process.send_signal(number)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0
    assert wait_until_gone(family, SLACK_S)


def test_time_that_is_up_leaves_time_to_end(begin):
    process = begin("sound", 0.2, PATIENCE_S / 2)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def test_signals_that_are_ignored_end_nothing(begin):
    """As under `nohup`, and in the background of a plain shell."""
    process = begin("sound", 2 * PATIENCE_S, preexec_fn=ignore_ctrl_c)
    for number in (signal.SIGINT, signal.SIGHUP):
        process.send_signal(number)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def ignore_ctrl_c():
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def test_while_it_is_suspended_its_time_does_not_count(begin):
    """Ctrl-Z over the end of its time: who goes on has yet to notice."""
    process = begin("sound", 0.5, PATIENCE_S / 2)
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.5 + 2 * PATIENCE_S)
    assert process.poll() is None
    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def test_what_goes_on_but_does_not_end_is_killed_after_all(begin):
    process = begin("hung", 0.5)
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.5 + 2 * PATIENCE_S)
    assert process.poll() is None
    since = time.monotonic()
    process.send_signal(signal.SIGCONT)
    # The first moments may have counted before it was suspended.
    assert_killed(process, since - PATIENCE_S, "the end of its time")


def test_while_the_watchdog_is_suspended_no_time_counts_either(begin):
    process = begin("sound", 0.3, PATIENCE_S / 2)
    (watchdog,) = descendants(process.pid)
    for pid in (process.pid, watchdog):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(0.5 + 2 * PATIENCE_S)
    for pid in (watchdog, process.pid):
        os.kill(pid, signal.SIGCONT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def test_a_killed_run_takes_its_watchdog_along(begin):
    process = begin("hung")
    family = descendants(process.pid)
    assert family
    process.kill()
    assert wait_until_gone(family, SLACK_S)


def test_without_its_watchdog_a_run_hears_signals_all_the_same(begin):
    process = begin("abandoned")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def test_who_does_not_read_cannot_hold_it_up(begin):
    process = begin("unread")
    since = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == -signal.SIGKILL
    assert time.monotonic() - since < PATIENCE_S + SLACK_S


def test_on_a_terminal_the_cursor_comes_back(begin):
    ours, theirs = pty.openpty()
    process = begin("hung", 0.1, stderr=theirs)
    assert process.wait(60) == -signal.SIGKILL
    os.close(theirs)
    said = os.read(ours, 4096).decode()
    os.close(ours)
    assert said.startswith("\x1b[?25h\r\ntaskwright: The run did not end")


def test_it_also_ends_the_first_process_of_a_container():
    """Such a process is not killed by what is sent from within."""
    container = ["unshare", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"]
    try:
        subprocess.run([*container, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this host lets nobody make containers")
    command = [*container, sys.executable, HELD_UP, PATIENCE_S, "hung", 0.1]
    since = time.monotonic()
    done = subprocess.run(list(map(str, command)), capture_output=True, timeout=60)
    assert b"was killed" in done.stderr
    # One second of computing time more.
    assert time.monotonic() - since < PATIENCE_S + 1.0 + 2 * SLACK_S


def test_it_leaves_neither_a_process_nor_a_descriptor(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    before = os.listdir("/proc/self/fd")
    with Watchdog() as watchdog:
        pid = watchdog._process.pid
        # It is there when it has turned a deaf ear to signals; its environment is what it got.
        assert b"sk-canary" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert Path(f"/proc/{pid}").exists()
        os.kill(pid, signal.SIGSTOP)
    assert not Path(f"/proc/{pid}").exists()
    assert os.listdir("/proc/self/fd") == before


def test_who_listened_to_signals_before_does_so_again():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        signal.set_wakeup_fd(theirs.fileno())
        try:
            with Watchdog():
                signal.raise_signal(signal.SIGWINCH)
            signal.signal(signal.SIGUSR1, lambda *_: None)
            signal.raise_signal(signal.SIGUSR1)
            assert ours.recv(10) == bytes([signal.SIGUSR1])
        finally:
            signal.signal(signal.SIGUSR1, signal.SIG_DFL)
            assert signal.set_wakeup_fd(-1) == theirs.fileno()


def test_who_has_gone_meanwhile_is_not_minded():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    with Watchdog():
        os.close(writing)
        os.close(reading)
    assert signal.set_wakeup_fd(-1) == -1


IDEA = "TITLE: Go\nDESCRIPTION: A floor.\nSUCCESS: 2 m ahead.\nREWARDS: Speed.\nTERMINATION: None"


@pytest.fixture
def server(model_server, reply, easy_source):
    """Has an idea, writes the code for it, and tells texts apart."""

    def vector(text):
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        return np.random.default_rng(seed).normal(size=8).tolist()

    def embed(texts):
        data = [{"index": n, "embedding": vector(text)} for n, text in enumerate(texts)]
        return reply(body=json.dumps({"data": data}).encode())

    def answer(prompt):
        return f"```python\n{easy_source}```" if "class Env" in prompt else IDEA

    model_server.answer, model_server.embed = answer, embed
    return model_server


def test_a_run_that_stands_still_is_ended_whole_and_goes_on(begin, server, tmp_path):
    """With a worker at a trial, and a sandbox below it; after that the archive is sound."""
    run_dir = tmp_path / "run"
    options = [run_dir, "--model", "m", "--base-url", server.url, "--plain", "--attempts", 2]
    settings = {
        "embedder.name": "small",
        "embedder.base_url": server.url,
        "run.seed_tasks": 0,
        "run.concurrency": 2,
        "run.workers": 1,
        "trainer.max_steps": 200_000,
    }
    for name, value in settings.items():
        options += ["--set", f"{name}={value}"]
    go = tmp_path / "go"
    environment = {**os.environ, "OPENAI_API_KEY": "sk-canary"}

    def stand_still_at_a_trial():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            events = run_dir / "events.jsonl"
            if events.exists() and '"stage": "train"' in events.read_text():
                break
            time.sleep(0.05)
        go.touch()

    threading.Thread(target=stand_still_at_a_trial).start()
    process = begin("run", go, *options, env=environment)
    family = descendants(process.pid)
    names = {Path(f"/proc/{pid}/comm").read_text().strip() for pid in family}
    assert "taskwright-fork" in names
    since = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert_killed(process, since, "SIGTERM")
    assert wait_until_gone(family, SLACK_S)

    with Archive.open(run_dir) as archive:
        assert archive.unfinished() == [1, 2]
    command = [sys.executable, "-m", "taskwright", "run", *map(str, options), "--minutes", "0.001"]
    again = subprocess.run(
        [*command, "--set", "run.grace_minutes=0"],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )
    assert again.returncode == 0, again.stderr
    assert "Time is up." in again.stdout
