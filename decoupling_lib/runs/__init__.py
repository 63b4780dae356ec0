"""Whole runs: execution and outputs, checkpoints, progress, reports and reruns, and sweeps of many runs."""
