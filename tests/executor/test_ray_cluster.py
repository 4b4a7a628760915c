"""Which nodes may be used, from what was found there."""

from __future__ import annotations

import copy

import pytest

from taskwright.errors import UsageError
from taskwright.executor.ray_cluster import Node, judged, require_usable
from taskwright.executor.ray_node import examine


@pytest.fixture(scope="module")
def found_here():
    """What a node of the same kind as this machine says, had its Ray been started with a token."""
    return {**examine(), "asks_for_token": True}


@pytest.fixture
def found(found_here):
    return copy.deepcopy(found_here)


def verdict(found, *, needs_token=True, required="none"):
    node = Node("1", "rack-7 (10.0.0.7)", 4, found)
    return judged(node, needs_token=needs_token, required=required)


def test_a_node_like_this_machine_may_be_used(found):
    assert verdict(found, required="full").fault == ""
    require_usable(verdict(found))


def test_another_version_of_a_package_is_refused_with_both(found):
    found["versions"]["torch"] = "1.0"
    with pytest.raises(UsageError, match=r"node rack-7 .* has torch 1\.0, and this machine has"):
        require_usable(verdict(found))


def test_a_package_that_is_missing_is_refused(found):
    del found["versions"]["pybullet"]
    assert verdict(found).fault.startswith("lacks pybullet")


def test_packages_that_no_job_needs_may_differ(found):
    found["versions"]["openai"] = "0.1"
    assert verdict(found).fault == ""


def test_other_code_of_the_same_version_is_refused(found):
    found["code"] = "0" * 64
    assert "another Taskwright" in verdict(found).fault


def test_a_node_that_asks_for_no_token_is_refused_unless_it_is_said_to_be_trusted(found):
    found["asks_for_token"] = False
    assert "asks for no token" in verdict(found).fault
    assert "--ray-authentication none" in verdict(found).remedy
    assert verdict(found, needs_token=False).fault == ""


def test_a_node_without_landlock_is_refused_where_full_isolation_is_required(found):
    found["isolation"] |= {"landlock": 0, "bubblewrap": False}
    assert verdict(found).fault == ""
    assert verdict(found, required="partial").fault == ""
    with pytest.raises(UsageError, match=r"rack-7 .* has partial isolation, but full is required"):
        require_usable(verdict(found, required="full"))


def test_a_node_on_which_nothing_runs_keeps_its_fault():
    node = Node("1", "rack-7", 4, None, "cannot run Taskwright", "Install it.")
    assert judged(node, needs_token=True, required="none") is node
