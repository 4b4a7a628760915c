"""Names of exported tasks are unique, readable, and leave others theirs."""

from __future__ import annotations

import pytest
from gymnasium.envs.registration import parse_env_id

from taskwright.errors import UsageError
from taskwright.presentation.names import (
    environment_names,
    package_name,
    require_package_name,
    suite_name,
    task_names,
)


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


HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202e../../etc/passwd\0\n; rm -rf ~ \ud800"


@pytest.mark.parametrize(
    "title",
    ["", "你好", "Φθάσε στον στόχο", "3 gems", "42", "2.5", "!!!", "...", ".", HOSTILE,
     "x" * 10_000, "9" * 10_000, "word " * 5_000, "e\u0301" * 3_000],
)  # fmt: skip
def test_any_title_gives_a_name_for_gymnasium_python_and_file_systems(title):
    (task,) = task_names([(title, "d" * 12)], "my_tasks")
    assert task.name.isascii()
    assert task.name.isidentifier()
    assert task.file.removesuffix(".py").isidentifier()
    assert len(task.file) < 200
    assert parse_env_id(f"my_tasks/{task.name}-v0") == ("my_tasks", task.name, 0)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Hide from the lamp for 2.5 s", "HideFromTheLampFor2p5S"),
        ("Wait .5 s", "Wait0p5S"),
        ("Reach 0.25 m in 12.5 s", "Reach0p25MIn12p5S"),
        ("2.5", "Task2p5"),
        ("Climb level 1.2.3", "ClimbLevel1p2p3"),
        # Where no number has a point, names are as they always were.
        ("Collect 3 gems.", "Collect3Gems"),
        ("Go on... 5 times.", "GoOn5Times"),
        ("Stop at 5.Then turn", "StopAt5ThenTurn"),
        ("Push 2 boxes, 10,000 g each", "Push2Boxes10000GEach"),
        ("Turn by -2", "TurnBy2"),
    ],
)
def test_a_number_keeps_its_point(title, name):
    assert environment_names([(title, "")], "my_tasks") == [name]


def test_numbers_that_differ_in_their_point_alone_have_names_and_files_of_their_own():
    titles = ["Hide for 2.5 s", "Hide for 25 s", "Hide for 2 5 s", "Hide for 2p5 s"]
    named = task_names([(title, f"{n}" * 12) for n, title in enumerate(titles)], "my_tasks")
    assert [task.name for task in named] == [
        "HideFor2p5S", "HideFor25S", "HideFor25S222222", "HideFor2p5S333333"
    ]  # fmt: skip
    assert named[0].file == "hide_for_2p5_s.py"
    assert len({task.file for task in named}) == len(named)


def test_accents_are_taken_off_their_letters():
    titles = [("Überquere die Brücke", ""), ("Où est le café", ""), ("Große Kiste", "")]
    names = environment_names(titles, "my_tasks")
    assert names == ["UberquereDieBrucke", "OuEstLeCafe", "GrosseKiste"]


def test_titles_without_a_latin_letter_are_told_apart():
    tasks = [("你好", "a" * 12), ("Φθάσε", "b" * 12), ("Στόχος 3", "c" * 12)]
    assert environment_names(tasks, "my_tasks") == ["Task", "TaskBbbbbb", "Task3"]


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
