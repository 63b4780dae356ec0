"""Whole transfers: options, setup, the steps of the thesis, and what a run costs and imposes."""
