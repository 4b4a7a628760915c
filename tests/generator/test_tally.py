"""Counts that are kept along equal those that are made anew."""

from hypothesis import given, settings
from hypothesis import strategies as st

from taskwright.generator.tally import Tally

STATUS = st.sampled_from(["learned", "too_hard"])


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.integers(1, 8), STATUS), st.data())
def test_counts_are_those_of_all_that_have_ended(before, data):
    """Also with gaps, and where some have not been settled for long."""
    tally, ended, settled = Tally(before), dict(before), set(before)
    for number in data.draw(st.permutations([n for n in range(1, 15) if n not in before])):
        ended[number] = data.draw(STATUS)
        tally.add(number, ended[number])
        assert (tally.count, tally.last) == (len(ended), max(ended))
        assert tally.kept == list(ended.values()).count("learned")
        for other in sorted(ended.keys() - settled):
            earlier = {n: status for n, status in ended.items() if n < other}
            kept = list(earlier.values()).count("learned")
            assert tally.before(other) == (len(earlier), kept)
            if data.draw(st.booleans()):
                tally.settle(other)
                settled.add(other)
