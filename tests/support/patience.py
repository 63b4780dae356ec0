"""How long tests wait for what should happen."""

HANG = 900
"""Seconds after which a process or a wait counts as hanging.

Everything that is waited for takes seconds on a free machine; on a loaded one it may take many times as long. No test
judges by the clock: time on the processor is limited where speed is what a test is about.
"""
