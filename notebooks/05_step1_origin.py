# %% [markdown]
# # 5. Step 1: the style that is recorded on the way to noise
#
# From left to right, a photograph turns into an image to which the first two layers of a network respond, on average,
# almost as to noise. To your eye, it is still a cup of coffee, and it is not the noise on the far right. **What has the
# photograph lost on the way? And if we want to give it to another picture later, what do we have to write down, and
# when?**
#
# What is written down is the *decoupled style* of the photograph. This lesson computes it, leg by leg.
#
# About 24 minutes, without the exercises.

# %%
import matplotlib.pyplot as plt
import numpy as np

import decoupling_lib as dl

dl.use_kit_settings()  # pictures look the same on every computer

# %%
size, way = (128, 128), []


def record(step, layer, progress, image):
    way.append((layer, progress, image))


# Step 0, as in lesson 4; then Step 1, which takes about half a minute.
prepared = dl.prepare("coffee", "coffee", dl.Options(size=size, reference="noise"))
photo = prepared.origin.array
step1 = dl.measure_style(prepared.context(record), photo)

# %% mystnb={"image": {"alt": "A cup of coffee loses its colors and gains a grain in four pictures; then noise."}}
# Leg 2 begins with the image with which leg 1 ends.
turn = next(k for k, (layer, *_) in enumerate(way) if layer == "block2_conv1")
places = {"the photograph": 0, "half of leg 1": turn // 2, "end of leg 1": turn}
places["end of leg 2"] = len(way) - 1
figure, axes = plt.subplots(1, 5, figsize=(13, 3), layout="constrained")
for ax, (name, k) in zip(axes, places.items(), strict=False):
    dl.show_picture(ax, way[k][2], name)
dl.show_picture(axes[4], dl.uniform_noise(size, 0), "noise, to compare")
plt.show()

# %% [markdown]
# ## Learning goals
#
# After this lesson you can
#
# - say for each leg which layer moves, which layers are held, and which are not asked;
# - write down the rates $r$ of a leg, and say what a rate of 0 does;
# - say when each part of the style is recorded, and why just then;
# - explain why the recorded value $c_2$ is not the value $f_2$ of the photograph;
# - test on a picture what $c_2$ does not depend on.
#
# You need lesson 1, for the lift, and lesson 4, for reference values, live channels and damping.
#
# ## Notation
#
# | symbol | meaning |
# |---|---|
# | $x$ | the origin: the image whose style is measured |
# | $f_1, f_2$ | the channel means of the first and of the second style layer: 64 and 128 numbers |
# | $v_1, v_2$ | their reference values: the channel means of noise |
# | $\check x_1, \check x_2$ | the image at the end of leg 1, and at the end of leg 2 |
# | $c = (c_1, c_2)$ | the decoupled style |
# | $A$ | the Jacobian of all layers that move or are held: one gradient per row |
# | $r$ | the rates at which their channel means are asked to change |
# | $\Delta$ | the damping: $\delta$ times `scales`, both of lesson 4, for each channel on the diagonal |
# | $s$ | how much of a leg is done, from 0 to 1 |

# %% [markdown]
# ## Leg by leg
#
# The way to noise has one **leg** (*tramo*) for each layer. We use two layers. This is the whole algorithm:
#
# 1. **Record** $c_1 = f_1(x)$, the channel means of the first layer.
# 2. **Leg 1.** The first layer moves, from $c_1$ to $v_1$. No layer is held. The second layer is not asked: it may do
#    what it likes. The image arrives at $\check x_1$.
# 3. **Record** $c_2 = f_2(\check x_1)$, the channel means of the second layer *now*.
# 4. **Leg 2.** The second layer moves, from $c_2$ to $v_2$. The first layer is held at $v_1$. The image arrives at
#    $\check x_2$.
#
# With more layers it goes on in the same way: record a layer, then move it, with all layers before it held. A row of
# the table is a leg, and a column is a layer. Darkest is what moves.

# %%
figure, ax = plt.subplots(figsize=(8, 2.2), layout="constrained")
dl.show_legs(ax, 1, ["first layer", "second layer", "third layer"])
plt.show()

# %% [markdown]
# So $c$ is neither the end of the way nor its beginning. It is what is **recorded on the way**: each layer is
# recorded once, at the moment before it moves, when all layers before it already look like noise.
#
# A leg follows the damped lift, with the rates that this leg asks for:
#
# $$\frac{dx}{ds} = A^\top (A A^\top + \Delta)^{-1}\, r .$$
#
# In lesson 4 we divided the gradients by the roots of `scales` and added $\delta I$. This is the same; only channels
# that are held get four times as much.
#
# | | rows of $A$ | $r$ |
# |---|---|---|
# | leg 1 | gradients of the first layer | $v_1 - c_1$ |
# | leg 2 | gradients of both layers | 0 for the first layer, $v_2 - c_2$ for the second |
#
# Look at the 0. It does not mean that the first layer does not matter. It means that the first layer must not change.
# Layers that are not asked do not occur in $A$ at all.
#
# **Exercise 5.1.** Write the function `rates(leg, c, v)` that returns $r$ as one list of numbers. `leg` is 1, 2, or
# 3; `c` and `v` are lists with one array per layer, such as `c[0]` for $c_1$. `np.concatenate` joins arrays. If you
# are stuck: `dl.hint("5.1")`.


# %% tags=["exercise"]
def rates(leg, c, v):
    return ...  # write your function here


dl.check("5.1", rates)


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 5.1
def rates(leg, c, v):
    held = [np.zeros(len(v[k])) for k in range(leg - 1)]
    return np.concatenate([*held, v[leg - 1] - c[leg - 1]])


dl.check("5.1", rates)

# %% [markdown]
# <details><summary>In the thesis</summary>
#
# Step 1 is section 3.3 of the thesis (*paso 1*), which uses five layers. It calls the way to noise *ruidificar*, to
# noisify. Its annex A does not solve an equation. In leg $k$ it descends the sum $\sum_{j \le k} \|f_j - v_j\|^2$
# with SGD. Such a sum cannot ask for a rate of 0: a layer that should be held is only pulled back after it has
# drifted away. The annex's own log ends a leg of 50,000 iterations with a mean squared error above 1; figures 4.3 and
# 4.4 of the thesis show its curves.
#
# </details>

# %% [markdown]
# ## Leg 1: straight lines
#
# At each accepted point of the way we measure all channel means. The rates of leg 1 are constant, so every channel of
# the first layer should move in a straight line from its value $c_1$ to its value $v_1$. Here are three of them, and
# one channel of the second layer, which is not asked.

# %%
features, reference = prepared.features.map, prepared.reference
first, second = dl.block_slices(features.blocks).values()
f = np.stack([features.values(image) for _, _, image in way])
v, live, c = reference.values, reference.live, step1.style
s = np.array([progress for _, progress, _ in way])

# %% mystnb={"image": {"alt": "Three straight lines with dots, and a dashed one that is nearly straight."}}
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
far = np.argsort(-np.abs(f[0] - v)[first])[[0, 3, 8]]  # channels that have far to go
for color, channel in zip(dl.COLORS, far, strict=False):
    ax.plot(s[:turn], f[:turn, channel], "o-", color=color, markersize=4)
drifting = second.start + np.argmax(np.abs(f[turn] - f[0])[second])
ax.plot(s[:turn], f[:turn, drifting] / 2, "--", color=dl.COLORS[3])
ax.set(xlabel="s, the share of leg 1 that is done", ylabel="channel mean")
title = "Three channels of the first layer, and half of one of the second (dashed)"
ax.set_title(title, fontsize=10)
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
line = c[first] + s[:turn, None] * (v - c)[first]
off = np.linalg.norm(f[:turn, first] - line, axis=1).max()
share = off / np.linalg.norm((v - c)[first])
print(f"the first layer is at most {share:.1%} of its way off the straight line")
assert share < 0.02

# %% [markdown]
# The small remainder comes from the damping. The dashed channel goes where it likes.
#
# ## What moves, and what is held
#
# Now all live channels of both layers, on the whole way. Each dot is a channel, and the gray line is noise. Press
# Play: in leg 1 the left dots settle on the line. Watch the right ones meanwhile. Then, in leg 2, watch the left
# ones.


# %%
order = [first.start + np.argsort(v[first]), second.start + np.argsort(v[second])]
order = [k for k in np.concatenate(order) if live[k]]


def draw(ax, k):
    for part, label in ((slice(0, 64), "noise"), (slice(64, None), "")):
        ax.plot(range(len(order))[part], v[order][part], color="0.6", label=label)
    ax.plot(f[k, order], ".", color=dl.COLORS[1 if k < turn else 3], label="image")
    ax.axvline(63.5, color="k", linewidth=0.8)
    ax.set(yscale="log", ylim=(0.01, 300), xlabel="live channel", ylabel="channel mean")
    ax.set_title(f"Leg {1 if k < turn else 2}, s = {s[k]:.2f}")
    ax.legend(loc="lower left")


# %%
text = "Channel means of the first (left) and second layer (right) on the way to noise."
dl.animate(draw, range(len(way)), text, size=(7, 4))

# %% mystnb={"image": {"alt": "At the turn, left dots lie on the line of noise, right dots scatter around it."}}
dl.explore("The way to noise", draw, size=(7, 4), k=(0, len(way) - 1, turn))

# %% [markdown]
# The same in numbers: the distance of each layer from noise, as a share of the length of its reference, at the
# beginning and at the end of each leg.

# %%
# NBVAL_CHECK_OUTPUT
distance = {}
for name, k in {"start": 0, "end of leg 1": turn, "end of leg 2": -1}.items():
    pair = [dl.relative_error(f[k][b], v[b], live[b]) for b in (first, second)]
    distance[name] = pair
    print(f"{name:12}: first layer {pair[0]:.1%}, second layer {pair[1]:.1%}")
late = live[second] & (np.abs(f[-1] / v - 1) > 0.2)[second]
weight = np.linalg.norm(v[second][late]) / np.linalg.norm(v[second])
print(f"{late.sum()} of its channels are over 20 % off: {weight:.1%} of its length")

# %%
assert max(distance["end of leg 2"]) < 0.015 and distance["end of leg 1"][0] < 0.015
assert distance["end of leg 1"][1] < 0.4 * distance["start"][1]
assert late.any() and weight < 0.05

# %% mystnb={"image": {"alt": "Both curves fall in leg 1, to 0.01 and 0.26. In leg 2 one falls, the other is flat."}}
errors = {"first layer": [], "second layer": []}
for values in f:
    for name, b in zip(errors, (first, second), strict=True):
        errors[name].append(dl.relative_error(values[b], v[b], live[b]))
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
moving = ["first layer" if k < turn else "second layer" for k in range(len(way))]
dl.show_leg_errors(ax, errors, moving)
plt.show()

# %% [markdown]
# There are three things to see here.
#
# - In leg 1 the first layer goes to noise. The small gap that is left is the price of damping.
# - In leg 1 the second layer, which nobody asked, comes **much closer** to noise as well.
# - In leg 2 the second layer goes to noise, and the first one stays where it is. It is held. Some weak channels of the
#   second layer do not arrive, because of damping; they hardly count in the length.
#
# Is holding expensive? At the beginning of leg 2 we compute two velocities that move the second layer: one that holds
# the first, and one that does not ask it. How long is each? And if it stayed the same for the whole leg, how far
# would the first layer drift, as a share of the length of $v_1$?

# %%
# NBVAL_CHECK_OUTPUT
A = features.linearize(way[turn][2]).jacobian(live).astype(float)
r = np.where(np.arange(v.size) < second.start, 0, v - c)
drift, length = {}, {}
for name, asked in (("held", live), ("not asked", live & (r != 0))):
    u = dl.dense_velocity(A, r, asked, reference.damping)
    length[name] = np.linalg.norm(u)
    drift[name] = np.linalg.norm(A[first] @ u) / np.linalg.norm(v[first])
    print(f"first layer {name:9}: drift {drift[name]:.1%}, length {length[name]:.1f}")
assert length["not asked"] < length["held"] and drift["held"] < drift["not asked"] / 10

# %% [markdown]
# Holding makes the velocity longer by a tenth, and the first layer drifts about twenty times less. (It drifts at all
# because of the damping.)
#
# ## Why $c_2$ is not $f_2$
#
# On the photograph, the second layer shows $f_2(x)$. We did not record this but $c_2 = f_2(\check x_1)$, after the
# first layer had been brought to noise. With the slider above, compare the right dots at k = 0 and at the end of leg 1.

# %%
# NBVAL_CHECK_OUTPUT
before, after = distance["start"][1], distance["end of leg 1"][1]
print(f"from noise: f₂ {before:.0%}, c₂ {after:.0%} of the length of v₂")
print(f"leg 1 took {1 - after / before:.0%} of the second layer's distance away")
assert np.allclose(c[second], f[turn][second], rtol=1e-3) and 1 - after / before > 0.6

# %% [markdown]
# Seven tenths of what the second layer said about the photograph were gone when the first layer had become noise.
# They **went with the first layer**: the second layer sees the image through the first, and strong edges there make
# strong corners here. Recording $f_2$ beside $f_1$ would have recorded much of the same twice. What is left,
# $c_2 - v_2$, is what leg 1 did not take along.
#
# This is the same idea as variance and mean square in lesson 1. The mean square repeats what the mean has said
# already; the variance is measured after the mean has been brought to 0.
#
# **Exercise 5.2.** Try it on four numbers, $x = (2, 4, 6, 12)$. The first feature is the mean, with $v_1 = 0$. The
# second is the mean square, with $v_2 = 1$. Give the decoupled style $c = (c_1, c_2)$. Leg 1 adds the same number to
# all four.

# %% tags=["exercise"]
style = ...  # replace the dots
dl.check("5.2", style)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 5.2
numbers = np.array([2.0, 4.0, 6.0, 12.0])
moved = numbers - np.mean(numbers)  # leg 1
style = [np.mean(numbers), np.mean(moved**2)]
dl.check("5.2", style)

# %% [markdown]
# ## What $c_2$ does not depend on
#
# If $c_2$ is decoupled from the first layer, then it should not matter how far the first layer is from noise. Take two
# images with another first layer: the one in the middle of leg 1, and the photograph with half its contrast. Their
# second layers differ from that of the photograph, too. Now measure the style of both:

# %%
# NBVAL_CHECK_OUTPUT
middle, pale = way[turn // 2][2], 0.5 + (photo - 0.5) / 2
change = {}
for name, x in {"the middle of leg 1": middle, "half the contrast": pale}.items():
    here = features.values(x)
    again = dl.normalize(prepared.context(), x, measure_only=True).style  # leg 1 only
    pairs = ((here, f[0], first), (here, f[0], second), (again, c, second))
    change[name] = [dl.relative_error(a[b], own[b], live[b]) for a, own, b in pairs]
    one, two, three = change[name]
    print(f"{name}: f₁ differs by {one:.0%}, f₂ by {two:.0%}, c₂ by {three:.0%}")

# %%
on, beside = change.values()
assert on[1] > 0.25 and on[2] < 0.1 * on[1]
assert beside[1] > 0.1 and 1.5 * on[2] < beside[2] < 0.5 * beside[1]

# %% [markdown]
# The middle has nearly the same $c_2$. This has to be so, and checks only the computation: both images lie on one
# curve, which ends at one $\check x_1$. (The rest comes from the damping: the second way stops a little elsewhere.)
#
# Half the contrast is the test. This image lies beside the curve, since contrast is another way to change 64 channel
# means. Here $c_2$ does change, but much less than $f_2$. At an image whose first layer is at $v_1$, the gradients of
# $c_2$ are at right angles to those of all 64 channels, up to the damping. Elsewhere, in general, they are not.
#
# ## Exercises
#
# **Exercise 5.3.** A transfer uses five layers, and leg 3 is under way. What does layer 2 do, what does layer 4 do,
# and when was $c_3$ recorded? Choose `layer_2` and `layer_4` from "moves", "held", "not asked"; and `when` from "on
# the photograph", "after leg 1", "after leg 2", "after leg 3".

# %% tags=["exercise"]
layer_2 = ...  # replace the dots
layer_4 = ...
when = ...
dl.check("5.3", layer_2, layer_4, when)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 5.3
layer_2 = "held"
layer_4 = "not asked"
when = "after leg 2"
dl.check("5.3", layer_2, layer_4, when)

# %% [markdown]
# **Exercise 5.4.** What share of the second layer's distance from noise does leg 1 take away for *china*, in the size
# $32 \times 32$? Use `dl.prepare` and `dl.measure_style` as above, and measure distances over live channels.

# %% tags=["exercise"]
taken = ...  # replace the dots
dl.check("5.4", taken)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 5.4
small = dl.prepare("china", "china", dl.Options(size=(32, 32)))
to, on = small.reference.values[second], small.reference.live[second]
coupled = small.features.map.values(small.origin.array)[second]
decoupled = dl.measure_style(small.context(), small.origin.array).style[second]
taken = 1 - np.linalg.norm((decoupled - to)[on]) / np.linalg.norm((coupled - to)[on])
dl.check("5.4", taken)

# %% [markdown]
# **Exercise 5.5.** A friend wants to save time: "Record $f_1$ and $f_2$ on the photograph, in one pass of the
# network. The legs are not needed to know the style." What would be wrong with that style? Write two or three
# sentences.

# %% tags=["exercise"]
why = """
"""
dl.check("5.5", why)

# %% [markdown] tags=["model-answer"]
# <details><summary>Model answer</summary>
#
# $f_2$ of the photograph depends on its first layer: most of its distance from noise went with it. So $f_1$
# and $f_2$ say the same thing twice, and they cannot be chosen independently: to ask another image for a certain
# $f_2$ is to ask it for something about its first layer as well. $c_2$ is measured when the first layer is at noise,
# the same for every image, so it says only what the second layer adds.
#
# A good answer says that $f_2$ repeats what $f_1$ says (or is coupled to it), and that $c_2$ is measured at a common
# first layer. "$c_2$ is more exact" is not enough.
#
# </details>

# %%
dl.progress()

# %% [markdown]
# To hand in your answers, run `dl.export_answers("answers_05.json", student="Your Name")`.
#
# ## Quiz
#
# **1.** Which layer is held in leg 1?
#
# <details><summary>Answer</summary>
#
# None. Leg 1 moves the first layer, and there is no layer before it. The second layer is not held but not asked,
# which is the opposite: it may change as it likes, and it does.
#
# </details>
#
# **2.** Why is $c_1 = f_1(x)$, when $c_2 \ne f_2(x)$?
#
# <details><summary>Answer</summary>
#
# Every layer is recorded when all layers before it are at noise. Before the first layer there is none, so it is
# recorded on the photograph itself.
#
# </details>
#
# **3.** At the end of the way the network's channel means are those of noise. Is the image noise?
#
# <details><summary>Answer</summary>
#
# No. Look at the fourth picture at the top, and at the fifth. Only the channel means were brought to those of noise,
# and there are few of them. Everything else stayed: the cup is where it was. Lesson 6 is about this.
#
# </details>
#
# ## Take-aways
#
# - The way to noise has one leg per layer: that layer moves, all layers before it are held, those after it are not
#   asked.
# - The style $c$ is recorded on the way: each layer just before it moves, with all layers before it at noise.
# - A rate of 0 holds a layer. The lift keeps it, at a small price in length.
# - Most of what the second layer shows of a photograph goes with the first layer. $c_2$ is what is left.
# - All images on one curve of leg 1 have the same $c_2$. Beside the curve it changes, but less than $f_2$.
#
# ## Further reading
#
# - Martínez-Enríquez, González & Portilla (2022), arXiv 2207.02132: nested normalization, and the theory behind it.
# - Canham et al. (2022), arXiv 2212.02953: the other paper that this course builds on.
# - Hairer, Lubich & Wanner, *Geometric Numerical Integration*: flows that keep something fixed.
#
# Next: lesson 6 takes the picture that is to receive the style to noise, and asks what is left of it.
