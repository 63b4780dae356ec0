"""Explorers for the classroom: sliders that drive the library, built from the core ipywidgets alone."""
