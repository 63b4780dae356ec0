# %% [markdown]
# # 0. Explorers: the course in four sets of sliders
#
# Move something and see what happens: one page for the whole course, to open a lesson with or to come back to.
# `decoupling classroom` shows it without the code. Readers without a kernel see a still picture of each explorer; the
# transfer's is of a small run, which takes up to half a minute.
#
# ## What you'll do
#
# Follow gradients, move single moments of a sample, watch noise in a network, and transfer a style with your own
# settings.
#
# ## What you'll learn
#
# What lessons 1, 2, 7 and 8 are about, before or after you read them: each explorer says which.
#
# ## What you'll need
#
# A running kernel. Sliders take the arrow keys too: Tab goes from one to the next.

# %%
from IPython.display import display

import decoupling_lib as dl
from decoupling_lib.explorers import gradient_flow

# %% [markdown]
# ## Following a gradient (lesson 1)
#
# A point moves along the gradient of one feature until the feature has its reference value, the thick curve. How
# many steps does each rule need to end within 0.01 of the exact curve? Where is there no way?

# %%
flow = dl.gradient_explorer()
display(flow)

# %%
# NBVAL_CHECK_OUTPUT
print(gradient_flow.draw({name: control.value for name, control in flow.controls.items()}).status)

# %% [markdown]
# ## Moving one moment (lesson 2)
#
# Each slider moves one *decoupled* moment of the sample; the black bars of the others stand still. The gray bars are
# the usual, coupled ones: which of them moves although nobody asked it to?

# %%
sample = dl.moment_explorer()
display(sample)

# %% [markdown]
# ## Noise in a network (lesson 8)
#
# The channel means of one layer for noise. Marks below the axis are dead channels: zero at every place. Is it the same
# ones for every seed?

# %%
zeros = dl.noise_explorer()
display(zeros)

# %% [markdown]
# ## A transfer (lessons 4 to 7 and 9)
#
# Choose, read what it will take, press Run. Stop keeps what is done. Try the same picture twice: by which method
# does it come back? Then the annex's descent at several learning rates.

# %%
styled = dl.transfer_explorer()
styled.controls["size"].value = 32
styled.buttons["Run"].click()
display(styled)  # waits for the end of the run

# %% [markdown]
# ## Exercises
#
# **1.** For each of the rules in `gradient_flow.RULES`: how many steps, up to the slider's 40, does it take from the
# first explorer's starting point to end within 0.01 of where the exact curve ends? `enough` is a dictionary by rule;
# `None` where 40 are too few. `gradient_flow.draw` takes the sliders' values by name and says in its `status`.

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("for each rule the least n that is near enough, from gradient_flow.draw(...).status")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
values = {name: control.value for name, control in dl.gradient_explorer().controls.items()}  # as they were at first
off = {}
for rule in gradient_flow.RULES:
    said = [gradient_flow.draw({**values, "rule": rule, "steps": n}).status for n in range(1, 41)]
    off[rule] = [float(line.partition("; ")[2].split()[0]) for line in said]
enough = {rule: next((n + 1 for n, each in enumerate(found) if each < 0.01), None) for rule, found in off.items()}

# %% tags=["check"]
assert enough["rk4"] < enough["midpoint"] < 40 and enough["euler"] is None
assert enough["rk4"] * enough["midpoint"] == 36  # the product, so as not to tell which

# %% [markdown]
# ## Further reading
#
# - The ipywidgets documentation, for sliders of your own: a function of this library behind `ipywidgets.interact`.
#
# Next: lesson 1.
