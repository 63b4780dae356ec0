"""The thesis's figures by number, made anew from computations; `gallery` lists and draws them."""
