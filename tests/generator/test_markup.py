"""What is around the words of a model is told from the words, and they are left as they are."""

from __future__ import annotations

import pytest

from taskwright.generator.markup import (
    code_blocks,
    dedented,
    indented,
    json_objects,
    labels,
    plain,
    without_reasoning,
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>a</think>b", "b"),
        ("a<think>b</think>c", "ac"),
        ("<think>a<think>b</think>c</think>d", "d"),
        ("a</think>b<THINK>c</Reasoning>d", "bd"),
        ("<think>a</think> <think>b", ""),
        ("a <think> b", "a <think> b"),
        ("[THINK]a<think>b[/THINK]c", "c"),
        ("İ<think>ß</think>x", "İx"),
        ("<|channel|>analysis<|message|>a<|end|><|channel|> final<|message|>b<|return|>", "b"),
        ("<|channel|>final <|constrain|>json<|message|>{}", "{}"),
        ("<|channel|>final<|message|>a<|channel|>final<|message|>b", "b"),
        ("<|start|>a<|message|>b", "ab"),
    ],
)
def test_thoughts_are_left_out(text, left):
    assert without_reasoning(text) == left


@pytest.mark.parametrize(
    ("line", "content"),
    [
        ("SUCCESS: a", "a"),
        ("**success:** a", "a"),
        ("- 3) __Success__ : a", "a"),
        ("> `SUCCESS`: a", "a"),
        ("## (4) Success", ""),
        ("**Success**", ""),
        ("Success", None),
        ("Success story: a", None),
        ("A success: a", None),
        ("Succeß: a", None),
        ("`SUCCESS`", None),
        ("1. 2. Success: a", None),
    ],
)
def test_a_label_stands_at_the_beginning_of_a_line_and_is_marked_as_one(line, content):
    found = labels(f"before\n{line}\nand so on", ("SUCCESS",))
    assert found == ([] if content is None else [("SUCCESS", f"{content}\nand so on")]) or (
        content == "" and found == [("SUCCESS", "and so on")]
    )


def test_words_in_blocks_are_labels_only_if_wanted():
    text = "A: 1\n```\nB: 2\n```\nB: 3\n~~~\nA: 4"
    assert [name for name, _ in labels(text, ("A", "B"))] == ["A", "B", "B", "A"]
    outside = labels(text, ("A", "B"), outside_blocks=True)
    assert outside == [("A", "1\n```\nB: 2\n```\n"), ("B", "3\n~~~\nA: 4")]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("```\na\n```", [("a\n", True)]),
        ("```py title=`a`\nb\n```", []),
        ("````\n```\na\n```\n````", [("```\na\n```\n", True)]),
        ("~~~ `\n```\na\n```", [("a\n", True)]),
        ("```\na\n```py\nb\n```", [("a\n", False), ("b\n", True)]),
        ("```\n\n```\n```\na", [("a\n", False)]),
        ("  ```\n    a\n\n      b\n  ```", [("a\n\n  b\n", True)]),
        ("```" + " " * 9000 + "\na\n```", [("a\n", True)]),
    ],
)
def test_blocks_are_found_by_their_fences(text, blocks):
    assert [(block.code, block.closed) for block in code_blocks(text)] == blocks


def test_lines_of_code_end_at_line_feeds_alone():
    code = "x = 'a\u2028b\x1cc'\n\n  \f  y"
    assert dedented(indented(code, "    ")) == code
    assert dedented("\ta\n\t\tb\n \n\tc") == "a\n\tb\n\nc"
    assert dedented("\ta\n    b") == "\ta\n    b"


def test_objects_are_found_amid_braces_that_are_none():
    text = 'a {b} {"c": {"d": [1, {"e": {}}]}} {"f": {"g": 1} {"h": 2'
    first, second, third, fourth, fifth = json_objects(text)
    assert (first["c"], second["d"][0], third, fourth) == (second, 1, {"e": {}}, {})
    assert fifth == {"g": 1}


@pytest.mark.parametrize(
    "obstacle",
    [
        "{" * 10_000,
        "{x} " * 10_000,
        '{"a":' * 10,
        '{"a": 1' + "1" * 5000 + "}",
        '{"a": "' + "b{" * 1000 + "\n",
        "f'{x}' {1, 2} {'a': 1} " * 500,
    ],
    ids="braces words nested digits text Python".split(),
)
def test_an_object_is_found_behind_much_that_only_begins_like_one(obstacle):
    assert list(json_objects(obstacle + ' {"x": [1e999, NaN]}'))[-1].keys() == {"x"}


def test_halves_of_pairs_that_belong_together_become_one_character():
    assert plain("\ud83d\ude00\ud83d\r\n\r\0") == "😀\ufffd\n\n\ufffd"
