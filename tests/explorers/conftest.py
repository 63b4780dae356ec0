"""What all tests of explorers need."""

import threading

import pytest
from patience import HANG


@pytest.fixture(autouse=True)
def _idle_workers():
    """Wait for the threads of explorers: one that draws while the interpreter ends would abort it."""
    yield
    for thread in threading.enumerate():
        if "(_run)" in thread.name:  # as Python names threads by their function
            thread.join(HANG)
