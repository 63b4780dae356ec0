"""Network passes that are counted while a run lasts, and end it."""

import math

import pytest

from decoupling_lib.engine.features import Counted


def count_passes(patch: pytest.MonkeyPatch, most: float = math.inf) -> list:
    """Return a list that grows with each network pass of legs, and interrupt the run after so many."""
    passes: list = []

    def count(real):
        def call(*arguments, **options):
            passes.append(real)
            if len(passes) > most:
                raise KeyboardInterrupt
            return real(*arguments, **options)

        return call

    for kind in ("values", "linearize"):
        patch.setattr(Counted, kind, count(getattr(Counted, kind)))
    return passes
