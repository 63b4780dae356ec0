"""The chapters of a journal, and the tally of a leg, which continues after an interruption."""

import time

import numpy as np
from journals import MemoryJournal
from toys import FIRST, TOY

from decoupling_lib.engine.features import Counted, Passes
from decoupling_lib.engine.journal import NOWHERE, Chapter, Tally, pack, unpack


def test_chapters_share_a_journal_without_mixing_their_names():
    journal = MemoryJournal()
    one, two = Chapter(journal, "step1"), Chapter(journal, "step2")
    one.keep("all", {"x": np.ones(2)})
    assert two.find("all") is None and list(journal) == ["step1.all"]
    np.testing.assert_array_equal(one.find("all")["x"], [1, 1])
    NOWHERE.keep("all", {"x": np.ones(2)}, finished=True)
    assert NOWHERE.find("all") is None


def test_a_packed_record_keeps_all_bits_of_its_numbers():
    numbers = [0.1 + 0.2, 1 / 3, 5e-324, float("inf"), np.float64(np.pi)]
    assert unpack(pack({"a": numbers, "b": "step"})) == {"a": numbers, "b": "step"}


def test_a_tally_continues_that_of_the_state(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    features = Counted(TOY)
    features.values(FIRST)  # before the leg, so not counted in it
    tally = Tally(features)
    features.linearize(FIRST).vjp(np.ones(5))
    tally.note(0.25, 0.5)
    now[0] += 3
    state = tally.arrays()
    other = Counted(TOY, Passes(jvp=7))
    now[0] += 1000
    rest = Tally(other, state)
    other.values(FIRST)
    rest.note(0.5, 0.125)
    now[0] += 2
    assert rest.passes == Passes(forward=2, vjp=1) and other.passes == Passes(forward=2, vjp=1, jvp=7)
    assert rest.curve == [(2, 0.5), (3, 0.125)] and rest.progress == 0.5
    assert rest.seconds == 5
