"""Explorers for the classroom: sliders over the calls of the library, in core ipywidgets alone."""
