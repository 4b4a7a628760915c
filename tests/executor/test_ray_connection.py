"""What is wrong with the call, told in a sentence before anything is started."""

from __future__ import annotations

import importlib
import socket
import sys

import pytest

from taskwright.errors import UsageError
from taskwright.executor import ray_connection
from taskwright.executor.ray_connection import connect


@pytest.fixture(autouse=True)
def with_a_token(monkeypatch):
    for name in ("RAY_ADDRESS", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "some-token")


def test_without_ray_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r'pip install "taskwright\[ray\]"'):
        connect("auto", needs_token=True)


class TestWithRay:
    @pytest.mark.parametrize(
        "address", ["here", "10.0.0.5", "10.0.0.5:0", "10.0.0.5:99999", "ray://10.0.0.5:10001", ""]
    )
    def test_an_address_that_is_none_is_refused(self, address):
        with pytest.raises(UsageError, match="no address of a Ray cluster"):
            connect(address, needs_token=True)

    def test_an_address_at_which_nothing_is_is_refused_at_once(self, unused_url):
        address = unused_url.removeprefix("http://").removesuffix("/v1")
        with pytest.raises(UsageError, match=f"no Ray cluster at {address}: Connection refused"):
            connect(address, needs_token=True)

    def test_an_address_at_which_something_else_is_is_refused_in_time(self, monkeypatch):
        monkeypatch.setattr(ray_connection, "HEALTH_TIMEOUT_S", 3.0)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"127.0.0.1:{listener.getsockname()[1]}"
            with pytest.raises(UsageError, match="cannot be joined: it does not answer within 3 s"):
                connect(address, needs_token=True)

    def test_a_token_that_comes_too_late_for_ray_is_told(self, monkeypatch):
        importlib.import_module("ray")
        monkeypatch.delenv("RAY_AUTH_MODE")
        with pytest.raises(UsageError, match="imported before it was told to use its token"):
            connect("127.0.0.1:1", needs_token=True)

    @pytest.mark.parametrize("mode", ["disabled", "token"])
    def test_without_a_token_it_says_how_to_make_one(self, monkeypatch, tmp_path, mode):
        monkeypatch.setenv("RAY_AUTH_MODE", mode)
        if mode == "token":
            monkeypatch.delenv("RAY_AUTH_TOKEN")
            monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
        with pytest.raises(UsageError, match="ray get-auth-token --generate"):
            connect("127.0.0.1:1", needs_token=True)
