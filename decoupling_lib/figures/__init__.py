"""The figures of the thesis by number, drawn from computations; `gallery` lists and draws them."""
