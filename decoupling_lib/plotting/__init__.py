"""Drawing results: `show_…` functions draw on given axes, `draw_…` functions return a whole figure."""
