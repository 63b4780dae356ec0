"""What the legs of a step share: the context of a single leg."""

from toys import EXACT, NOISE, TOY, reference

from decoupling_lib.engine.context import Context, Step
from decoupling_lib.engine.features import Counted


def test_the_context_of_a_leg_sees_no_deeper_block_and_shares_the_rest():
    context = Context(Counted(TOY), reference(TOY, TOY.values(NOISE)), EXACT, step=Step.TARGET, listen=print)
    shallow = context.prefix(1)
    assert shallow.features.blocks == TOY.blocks[:1] and shallow.features.passes is context.features.passes
    assert (shallow.step, shallow.listen, shallow.settings) == (Step.TARGET, print, EXACT)
    assert shallow.reference is context.reference and shallow.journal is context.journal
