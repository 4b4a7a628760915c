"""Names of exported tasks are unique, readable, and leave others theirs."""

from __future__ import annotations

import pytest

from taskwright.archive.export.names import (
    environment_names,
    package_name,
    require_package_name,
    suite_name,
    task_names,
)
from taskwright.errors import UsageError


def test_tasks_of_the_same_title_are_told_apart_by_their_id():
    tasks = [("Drive ahead", "aaaaaaaaaaaa"), ("Drive: ahead!", "bbbbbbbbbbbb")]
    assert environment_names(tasks, "my_tasks") == ["DriveAhead", "DriveAheadBbbbbb"]


def test_tasks_of_the_same_title_without_an_id_are_told_apart_by_a_number():
    names = environment_names([("Drive", ""), ("Drive", ""), ("drive", "")], "my_tasks")
    assert names == ["Drive", "Drive2", "Drive3"]


def test_a_name_that_another_task_has_by_itself_is_not_given_twice():
    titles = [("Drive", "a" * 12), ("Drive aaaaaa", "b" * 12), ("Drive", "a" * 12)]
    names = task_names(titles, "my_tasks")
    assert len({task.name.lower() for task in names}) == 3
    assert len({task.file for task in names}) == 3


def test_the_name_of_the_suite_is_not_given_to_a_task():
    assert suite_name("my_tasks") == "MyTasks"
    assert environment_names([("My tasks", "c" * 12)], "my_tasks") == ["MyTasksCccccc"]


@pytest.mark.parametrize("title", ["", "你好", "3 gems", "!!!"])
def test_any_title_gives_a_python_name(title):
    (task,) = task_names([(title, "d" * 12)], "my_tasks")
    assert task.name.isidentifier()
    assert task.file.removesuffix(".py").isidentifier()


def test_a_long_title_is_cut_where_it_still_makes_sense():
    title = "Reach the beacon beyond a wall with an opening and a door"
    assert environment_names([(title, "")], "my_tasks") == ["ReachTheBeaconBeyondAWall"]


def test_a_folder_gives_the_package_its_name():
    assert package_name("My Tasks-2") == "my_tasks_2"
    require_package_name("my_tasks_2")


@pytest.mark.parametrize("name", ["My-Tasks", "1tasks", "class", "", "numpy", "a__b", "../up"])
def test_a_name_that_cannot_be_a_package_is_refused(name):
    with pytest.raises(UsageError, match="my_tasks"):
        require_package_name(name)
