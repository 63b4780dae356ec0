# %% [markdown]
# # 5. Step 1: the style of the origin, measured on the way to noise
#
# Lesson 4 fixed where to go: the channel means of noise. Now a photograph goes there, one layer at a time. The thesis's
# idea is that the way itself is the measurement. What the second layer shows *after* the first has been brought to the
# reference is what that way has left of it. Written down in order, these values are the picture's **decoupled style**.
#
# ## What you'll do
#
# Take *coffee* to the reference, block by block, and write its style down; look at the pictures on the way; watch what
# moves and what is held; run the thesis's own descent beside it; find out why the kit's network is smoothed.
#
# ## What you'll learn
#
# - the algorithm of Step 1, and what a *leg* is;
# - that the decoupled second layer is another vector than the coupled one;
# - that a leg of the lift leaves the held layer where it is, and a descent of summed losses does not;
# - that a ReLU has no way back.
#
# ## What you'll need
#
# Lessons 1, 2 and 4. About 35 minutes. It covers section 3.3 of the thesis (*paso 1*).

# %%
import matplotlib.pyplot as plt
import numpy as np

import decoupling_lib as dl

dl.use_kit_settings()  # plots look the same on every computer, whatever your own settings of Matplotlib are

# %% [markdown]
# ## Step 0, in one line
#
# `prepare` loads two pictures, origin and target, and the network, and does what lesson 4 did by hand. This lesson
# needs the origin alone, so it is given twice.

# %%
# NBVAL_CHECK_OUTPUT
prepared = dl.prepare("coffee", "coffee", dl.Options(size=(64, 64)))
features, reference, origin = prepared.features, prepared.reference, prepared.origin.array
means, v = features.map, reference.values
first, second = dl.block_slices(means.blocks).values()
print("features:", v.size, "of", [block.name for block in means.blocks])
for layer, found in prepared.fidelity.items():
    print(f"{layer}: within {found['relative_difference']:.0%} of the thesis's network")
assert max(found["relative_difference"] for found in prepared.fidelity.values()) < 0.15

# %% [markdown]
# ## The algorithm
#
# 1. $c_1 = f_1(x)$: measure the first layer.
# 2. **Leg 1**: move $x$ until $f_1$ is $v_1$. Call where it arrives $\check x_1$.
# 3. $c_2 = f_2(\check x_1)$: measure the second layer *there*.
# 4. **Leg 2**: move on until $f_2$ is $v_2$, with $f_1$ held at $v_1$. And so on, as far as there are layers.
#
# Drawn for the thesis's five layers, a row a leg:

# %%
figure, ax = plt.subplots(figsize=(9, 3.2), layout="constrained")
dl.show_legs(ax, 1, [f"block{depth}_conv1" for depth in range(1, 6)])

# %% [markdown]
# The style is $c = (c_1, c_2, \dots)$. A leg is the differential equation of lesson 1,
#
# $$\dot x = A^\top (A A^\top + \Delta)^{-1}\, r,$$
#
# $A$ the gradients of all channels in play, $r$ the rate that is asked of each: $v_k - c_k$ for the layer that
# moves, **zero** for the layers that are held. A descent has no way of asking for zero. The thesis calls this way
# to noise *ruidificar*.

# %%
way = []
step1 = dl.measure_style(
    dl.Context(
        features, reference, prepared.settings, listen=lambda step, layer, done, x: way.append((layer, done, x))
    ),
    origin,
)
style = step1.style
assert step1.status == "done"

# %%
moving = {name: [x for layer, _, x in way if layer == name] for name in prepared.network.layers}
figure, axes = plt.subplots(2, 5, figsize=(11, 4.8), layout="constrained")
for row, (name, pictures) in zip(axes, moving.items(), strict=True):
    for ax, place in zip(row, np.linspace(0, len(pictures) - 1, 5).astype(int), strict=True):
        dl.show_picture(ax, pictures[place], f"{name}\n{place / (len(pictures) - 1):.0%} of the steps")

# %% [markdown]
# Above, the first leg, below, the second. The first layer knows edges and colors: what it takes for noise has edges
# everywhere. The cup is still there. Nobody asked for it to go: of all the ways to $v$ the equation takes the shortest
# at every moment, and moves nothing that no feature asks for.
#
# ## What moves, and what is held

# %%
errors = {
    name: [dl.relative_error(means.values(x)[at], v[at], reference.live[at]) for _, _, x in way]
    for name, at in dl.block_slices(means.blocks).items()
}
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
dl.show_leg_errors(ax, errors, [layer for layer, _, _ in way])
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
for leg in step1.legs:
    print(f"{leg.layer}: ends within {leg.relative_error:.0%}, held within {leg.held_relative_error:.0%}, {leg.status}")
assert max(max(leg.relative_error, leg.held_relative_error) for leg in step1.legs) < 0.03

# %% [markdown]
# In the first leg the second layer drifts, for nobody holds it. In the second leg it goes to its reference while the
# first stays where it is. `damped_end` says that the leg went all its way and damping left a small gap (lesson 4).
#
# ## The style
#
# Is $c_2$, measured at $\check x_1$, another vector than $f_2$ of the photograph?

# %%
# NBVAL_CHECK_OUTPUT
coupled = means.values(origin)
apart = dl.relative_error(style[second], coupled[second])
from_noise = dl.relative_error(style[second], v[second], reference.live[second])
print(f"first layer: c is f: {np.allclose(style[first], coupled[first], rtol=1e-4)}")
print(f"second layer: c is {apart:.0%} away from f")
print(f"from the reference: f {dl.relative_error(coupled[second], v[second], reference.live[second]):.0%}", end="")
print(f", c {from_noise:.0%}")
assert np.allclose(style[first], coupled[first], rtol=1e-4) and apart > 0.2

# %%
figure, ax = plt.subplots(figsize=(10, 3.2), layout="constrained")
order = np.argsort(coupled[second])
ax.plot(coupled[second][order], color="0.6", label="f: measured on the photograph (coupled)")
ax.plot(style[second][order], "k.", markersize=4, label="c: measured with the first layer at the reference")
ax.plot(v[second][order], color="#2b8fd0", linewidth=0.8, linestyle="--", label="v: noise")
ax.set(xlabel="channel of the second layer, weakest on the photograph first", ylabel="mean activation")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(fontsize=8, frameon=False)
plt.show()

# %% [markdown]
# Once the first layer shows noise, most of what the second layer showed is noise already: it followed from the
# first. What is left, $c_2 - v_2$, is what the second layer alone has to say about this picture.
#
# How *decoupled* is it? For a single feature the normalized one is decoupled everywhere (lesson 1). For a layer of 64,
# $c_2$ does not change along the leg that has just been gone, and at the reference its gradients are orthogonal to all
# of the first layer's. At the photograph itself they are so only nearly, as $c_5$ of lesson 2.
#
# ## The thesis's descent, beside it
#
# Annex A of the thesis minimizes $\sum_{j \le k} \|f_j - v_j\|^2$ (mean squares) in leg $k$, by SGD at a learning rate
# of $5\cdot10^{-4}$. The same network, the same picture, the same legs, for as many passes as the lift took:

# %%
annex, x = {}, origin
for depth, leg in enumerate(step1.legs, start=1):
    budget = leg.passes.total // 2  # an iteration is a forward pass and a VJP
    counted, aim = dl.Counted(means.prefix(depth)), v[: [first, second][depth - 1].stop]
    live, curve = reference.live[: aim.size], []
    flow = dl.descend(
        counted, x, aim, live=live, learning_rate=5e-4, iterations=budget, threshold=0.01,
        on_step=lambda count, error, x, curve=curve: curve.append((count, error)),
    )  # fmt: skip
    annex[leg.layer], x = np.array(curve) * (2, 1), flow.x
annexed = means.values(x)

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained", sharey=True)
for ax, leg, (name, curve) in zip(axes, step1.legs, annex.items(), strict=True):
    dl.show_curve(ax, [leg])
    (line,) = ax.plot(*curve.T, color="0.55", linestyle="--", label="the annex's descent")
    ax.legend(handles=[ax.lines[0], line], labels=["the lift", "the annex's descent"], fontsize=8, frameon=False)
    ax.set_title(name, fontsize=10)

# %%
# NBVAL_CHECK_OUTPUT
held = dl.relative_error(annexed[first], v[first], reference.live[first])
for leg, curve in zip(step1.legs, annex.values(), strict=True):
    print(f"{leg.layer}: lift {leg.relative_error:.2f}, annex about {curve[-1, 1]:.1f} after as many passes")
    assert abs(curve[-1, 0] - leg.passes.total) < 2
    assert curve[-1, 1] > 3 * leg.relative_error
print(f"the first layer, at the end of the annex's second leg: about {held:.1f}")
assert held > 3 * step1.legs[1].held_relative_error

# %% [markdown]
# At first the descent is ahead: the lift spends its first passes on a Gram matrix, and its straight way is slow to show
# on this scale. Then the descent slows down. Run on, its curves become the *elbows* of figures 4.3 and 4.4 of the
# thesis, whose log ends a stage of 50,000 iterations with a mean squared error above 1. It follows the easy directions
# of lesson 4 and hardly moves along the hard ones; the lift divides by the Gram matrix and so treats all alike, up to
# the damping.
#
# Two remarks, to be fair. The annex's learning rate is small; lesson 9 gives SGD its best one. And nothing of this says
# that a descent cannot *arrive*. What it has not got is a *held* layer, and a way back.
#
# ## Why the network is smoothed
#
# The thesis's features must be differentiable (its Definition 1). ReLU and maximum pooling are not: gradients jump. Two
# pictures can run into the same kink and go on as one; going back, nobody can tell which it was. Leg 1 and its way
# back, in 24 steps of RK4 each, at 32 pixels:

# %%
returned = {}
for name, chosen in (
    ("smooth", dl.Options(size=(32, 32), layers=1, rule="rk4", steps=24)),
    ("ReLU", dl.Options(size=(32, 32), layers=1, rule="rk4", steps=24, activation="relu", pooling="max")),
):
    small = dl.prepare("coffee", "coffee", chosen)
    there = dl.normalize(dl.Context(small.features, small.reference, small.settings), small.origin.array)
    back = dl.impose(dl.Context(small.features, small.reference, small.settings), there.x, there.style)
    returned[name] = (back.x, dl.psnr(back.x, small.origin.array))
figure, axes = plt.subplots(1, 3, figsize=(8, 3), layout="constrained")
dl.show_picture(axes[0], small.origin.array, "coffee, 32 x 32")
for ax, (name, (picture, decibels)) in zip(axes[1:], returned.items(), strict=True):
    dl.show_picture(ax, picture, f"there and back, {name}\nPSNR {decibels:.0f} dB")

# %%
# NBVAL_CHECK_OUTPUT
gain = returned["smooth"][1] - returned["ReLU"][1]
print("smooth comes back better by more than 10 dB:", bool(gain > 10))
assert gain > 10

# %% [markdown]
# The kit puts $T \log(1 + e^{y/T})$ for $\max(y, 0)$, and $T \log \operatorname{mean} e^{y/T}$ for the maximum of a
# window. $T$ is $\tau\gamma^k$ times the mean activation of convolution $k = 0, 1, \dots$: $\tau$ is the **softness**,
# and $\gamma$ its **growth** from one convolution to the next.
#
# Smoothing costs fidelity: these are not quite the thesis's features any more. How far off they are was printed at the
# top of this lesson, and stands in the report of every run. Lesson 9 maps what can be had for it.
#
# ## Exercises
#
# **1.** The order of the layers is a choice. Show that $c_2$ depends on it: the second layer's *coupled* means are what
# it would show if it came first. By how much of $\|f_2 - v_2\|$ does leg 1, which never asks anything of the second
# layer, bring it nearer to noise?

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("compare the distance from v of coupled[second] and of style[second], over live channels")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
live = reference.live[second]
before = np.linalg.norm((coupled[second] - v[second])[live])
after = np.linalg.norm((style[second] - v[second])[live])

# %% tags=["check"]
own = dl.relative_error(coupled[second], v[second], reference.live[second])
assert np.isclose(after / before, from_noise / own)
assert after < before  # part of the second layer's style was the first layer's

# %% [markdown]
# **2.** Is the end of Step 1 its own normalization? Noisify the picture that Step 1 arrived at once more. Its style
# should be the reference, nearly: nothing is left to say.

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("dl.measure_style of step1.x, then the relative error of its style against v")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
again = dl.measure_style(dl.Context(features, reference, prepared.settings), step1.x)
left = [dl.relative_error(again.style[at], v[at], reference.live[at]) for at in (first, second)]

# %% tags=["check"]
assert len(left) == 2 and min(left) > 0 and max(left) < 0.05

# %% [markdown]
# **3.** What does it cost to hold a layer? At the picture where leg 2 begins, compare the shortest velocity that moves
# the second layer as asked and holds the first, with the one that moves the second and lets the first drift: how much
# longer is the first, and how fast does the first layer drift with the second? (`dl.dense_velocity` takes the
# gradients $A$, the rates, which channels take part, and the damping.)

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("dl.dense_velocity of the rows of means.linearize(x).jacobian()")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
turn = next(x for layer, done, x in way if layer == prepared.network.layers[1] and done == 0.0)
jacobian = dl.ChannelMeans(prepared.network, "float64").linearize(turn).jacobian()
rate = np.where(np.arange(v.size) >= second.start, v - style, 0.0)
rows, asked = jacobian.reshape(v.size, -1), np.arange(v.size) >= second.start
holding = dl.dense_velocity(rows, rate, reference.live, reference.damping)
free = dl.dense_velocity(rows, rate, reference.live & asked, reference.damping)
drifts = [np.linalg.norm(rows[first] @ velocity) / np.linalg.norm(v[first]) for velocity in (holding, free)]

# %% tags=["check"]
assert np.linalg.norm(free) < np.linalg.norm(holding)  # the fewer wishes, the shorter the way
assert drifts[0] < 0.2 * drifts[1]  # over the whole leg, at this rate

# %% [markdown]
# ## Further reading
#
# - Martínez-Enríquez, González & Portilla (2022), *Deterministic decoupling of global features*: the theory behind.
# - Hairer, Lubich & Wanner, *Geometric Numerical Integration*: flows on manifolds, and ways back.
#
# Next: lesson 6 undresses the picture that is to receive the style.
