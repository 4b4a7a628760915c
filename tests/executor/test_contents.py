"""Files that are remembered by their hash, as many as there is room for."""

from __future__ import annotations

import hashlib

from taskwright.executor.contents import Contents, digest_of


def test_a_file_is_found_by_the_hash_of_its_content():
    contents = Contents()
    digest = contents.add(b"a policy")
    assert digest == digest_of(b"a policy") == hashlib.sha256(b"a policy").hexdigest()
    assert contents.get(digest) == b"a policy"
    assert contents.get(digest_of(b"another")) is None


def test_what_was_not_wanted_for_longest_is_forgotten_first():
    contents = Contents(room_bytes=30)
    first, second, third = (contents.add(bytes([n]) * 10) for n in range(3))
    assert contents.get(first)
    contents.add(b"x" * 10)
    assert contents.get(second) is None
    assert contents.get(first)
    assert contents.get(third)


def test_the_same_content_takes_its_room_once():
    contents = Contents(room_bytes=30)
    kept = contents.add(b"a" * 10)
    for _ in range(5):
        contents.add(b"b" * 10)
    assert contents.get(kept)


def test_a_file_larger_than_the_room_is_not_kept():
    contents = Contents(room_bytes=30)
    assert contents.get(contents.add(b"x" * 31)) is None
    assert contents.get(contents.add(b"x" * 30))
