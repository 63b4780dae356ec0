"""What the legs of a step share: the budget of Jacobian rows, and the context of a single leg."""

import pytest
from toys import EXACT, NOISE, TOY, reference

from decoupling_lib.engine.context import Context, Settings, Step
from decoupling_lib.engine.features import Counted


@pytest.mark.parametrize(("size", "count"), [(64, 6), (192, 2), (400, 2), (1000, 2), (1, 400)])
def test_a_leg_spends_its_rows_on_gram_matrices_but_may_always_compute_two(size: int, count: int):
    assert Settings(rows=400).max_gram_matrices(size) == count


def test_the_context_of_a_leg_sees_no_deeper_block_and_shares_the_rest():
    context = Context(Counted(TOY), reference(TOY, TOY.values(NOISE)), EXACT, step=Step.TARGET, listen=print)
    shallow = context.prefix(1)
    assert shallow.features.blocks == TOY.blocks[:1] and shallow.features.passes is context.features.passes
    assert (shallow.step, shallow.listen, shallow.settings) == (Step.TARGET, print, EXACT)
    assert shallow.reference is context.reference and shallow.journal is context.journal
