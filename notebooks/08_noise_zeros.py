# %% [markdown]
# # 8. Zeros: the channels that noise leaves silent
#
# The thesis ends with an observation that it could not explain away: of the 512 channel means of the fifth layer many
# are **zero** for noise. It calls it a singularity that *kills* the gradient. This lesson counts the zeros, shows
# what they do to a gradient, and what the kit does about them.
#
# ## What you'll do
#
# Count dead channels in all five layers; vary the draw, the size and the kind of noise; look at the gradient of a dead
# channel in a network with ReLU and in a smoothed one; run a leg with and without dead channels.
#
# ## What you'll learn
#
# - that zeros are no accident of one draw: in the fifth layer most dead channels are dead for every draw, size and
#   kind of noise;
# - that deep filters look for structure, and noise has none;
# - why a zero under ReLU has a zero gradient, and why smoothing is no cure;
# - what is given up by leaving them out.
#
# ## What you'll need
#
# Lesson 4. About 25 minutes. It covers section 4.4 of the thesis.

# %%
import matplotlib.pyplot as plt
import numpy as np

import decoupling_lib as dl
from decoupling_lib.networks import digit_images, digits_classifier

dl.use_kit_settings()  # plots look the same on every computer, whatever your own settings of Matplotlib are

# %% [markdown]
# ## The fifth layer
#
# The network of the thesis: ReLU, maximum pooling, no smoothing.

# %%
architecture, source = dl.default_source()
layers = dl.style_layers(architecture, "thesis", 5)
smooth = dl.build_network(architecture, source, layers, softness=dl.TUNING[5].softness, growth=dl.TUNING[5].growth)
thesis = smooth.as_thesis()
noise = dl.uniform_noise((128, 128), seed=0)
found = dl.channel_means_by_layer(dl.ChannelMeans(thesis), noise)
dead = dl.find_dead_channels(thesis, noise[None])
figure, ax = plt.subplots(figsize=(11, 3), layout="constrained")
dl.show_channel_means(ax, found[layers[-1]], dead[layers[-1]], f"channel means of noise, {layers[-1]}")
plt.show()

# %% [markdown]
# *(Figure 4.5 of the thesis.)* Marks below the axis are channels at zero: not small, zero. No place of the whole
# image wakes that filter. And the other layers?

# %%
# NBVAL_CHECK_OUTPUT
for layer, which in dead.items():
    print(f"{layer}: {which.sum():3} of {which.size} dead ({which.mean():.0%})")
shares = [which.mean() for which in dead.values()]
assert shares[0] == 0 and shares[-1] > 0.5

# %% [markdown]
# None in the first layer, whose filters are edges and colors, of which noise has plenty. More than half in the fifth.
# Between them it is no steady rise.
#
# ## Is it this draw?

# %%
draws = {seed: dl.find_dead_channels(thesis, dl.uniform_noise((128, 128), seed)[None]) for seed in range(8)}
always = {layer: np.all([each[layer] for each in draws.values()], axis=0) for layer in layers}
ever = {layer: np.any([each[layer] for each in draws.values()], axis=0) for layer in layers}
sizes = {side: dl.find_dead_channels(thesis, dl.uniform_noise((side, side), 0)[None]) for side in (64, 128, 192)}

# %%
# NBVAL_CHECK_OUTPUT
print(f"{'':13}{'dead in all of 8 draws':>24}{'in at least one':>18}" + "".join(f"{s:>8} px" for s in sizes))
for layer in layers:
    row = f"{layer:13}{always[layer].sum():24}{ever[layer].sum():18}"
    print(row + "".join(f"{each[layer].sum():11}" for each in sizes.values()))
assert always[layers[-1]].sum() > 0.8 * dead[layers[-1]].sum()
assert always[layers[3]].sum() < 0.7 * dead[layers[3]].sum()

# %% [markdown]
# In the fifth layer about nine in ten of the channels that are dead for the first draw are dead for all eight. This is
# a property of the filters and of noise, not of the seed. In the fourth, where few are dead, the draw decides on half
# of them.
#
# ## Other noises
#
# Uniform noise is one kind. Here are normal values, gray noise (the three colors alike), and *natural* noise, whose
# spectrum is that of photographs: near pixels resemble each other. Do the filters sleep because noise is too rough?

# %%
kinds = {kind: dl.make_noise(kind, (128, 128), seed=0) for kind in dl.NOISE_KINDS}
figure, axes = plt.subplots(1, 4, figsize=(11, 3), layout="constrained")
silent = {}
for ax, (name, image) in zip(axes, kinds.items(), strict=True):
    silent[name] = dl.find_dead_channels(thesis, image[None])
    dl.show_picture(ax, image, f"{name}: {silent[name][layers[-1]].sum()} of {dead[layers[-1]].size} dead")

# %%
# NBVAL_CHECK_OUTPUT
for name, each in silent.items():
    print(f"{name:22}" + "".join(f"{each[layer].sum():6}" for layer in layers))
of_all = {
    "all four kinds": silent.values(),
    "and draws, and sizes": [*silent.values(), *draws.values(), *sizes.values()],
}
lasting = {}
for name, each in of_all.items():
    lasting[name] = [np.all([which[layer] for which in each], axis=0).sum() for layer in layers]
    print(f"{name:22}" + "".join(f"{count:6}" for count in lasting[name]))
counts = [each[layers[-1]].sum() for each in silent.values()]
assert min(counts) > 0.8 * max(counts)
assert lasting["and draws, and sizes"][4] > 0.6 * dead[layers[4]].sum()
assert lasting["and draws, and sizes"][3] < 0.3 * dead[layers[3]].sum()

# %% [markdown]
# Not so. Natural noise looks like clouds, and leaves nearly as many of the fifth layer's asleep; three in four of those
# that are dead for uniform noise are dead for all kinds. What deep filters look for is not a spectrum: it is
# **structure**, edges that go on and parts that fit, and no noise has that, whatever its kind. In the layers before it
# the kind matters more: of the third's dead channels a third, of the fourth's a seventh are dead for all of them.
#
# ## Why the gradient dies
#
# ReLU is flat below zero. If a channel's input is negative at every place, its mean is zero, and so is the mean of
# every image nearby: the gradient is zero, exactly. A descent that starts there has no direction, and a path that ends
# there has none back. (A channel counts as dead when its mean is below a millionth of its layer's, so a few dead ones
# are a trifle above zero.) Softplus, on paper, is nowhere flat. Does smoothing bring the dead back to life?

# %%
rows = {}
for name, network in (("ReLU", thesis), ("softplus", smooth)):
    part = dl.ChannelMeans(network).prefix(2)
    rows[name] = np.linalg.norm(part.linearize(noise).jacobian(), axis=1)[64:]
sleeping = dead[layers[1]]
figure, ax = plt.subplots(figsize=(9, 3.4), layout="constrained")
order = np.argsort(rows["softplus"])
shown = {name: np.where(each[order] > 0, each[order], np.nan) for name, each in rows.items()}
ax.semilogy(shown["ReLU"], "k.", label="ReLU (zeros not shown)")
ax.semilogy(shown["softplus"], "x", color="0.5", markersize=5, label="softplus (zeros not shown)")
ax.set(xlabel=f"channels of {layers[1]}, weakest gradient first", ylabel="length of the gradient")
ax.legend(fontsize=8)
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
zero = dl.channel_means_by_layer(dl.ChannelMeans(thesis), noise)[layers[1]] == 0
print(f"ReLU: of {zero.sum()} channels at zero, {np.sum(rows['ReLU'][zero] == 0)} have no gradient at all")
ratio = np.median(rows["softplus"][sleeping]) / np.median(rows["softplus"][~sleeping])
print(f"softplus: a dead channel's gradient is below a hundredth of a live one's, in the middle: {ratio < 0.01}")
print(f"and some are too small for single precision, and are 0 again: {np.any(rows['softplus'] == 0)}")
assert np.all(rows["ReLU"][zero] == 0) and 0 < ratio < 0.01 and np.all(sleeping[rows["softplus"] == 0])

# %% [markdown]
# Hardly. Smoothing gives every channel *some* gradient, on paper. But to those that sleep deeply it gives almost none,
# since their inputs are far below the knee; to a few so little that the computer has zero again. And what little there
# is belongs to the smoothing, not to the thesis's network.
#
# ## What the mask does to a leg
#
# The kit leaves channels that are dead for noise in the thesis's network out of the legs. A leg of the second layer,
# with all channels and with the live ones only:

# %%
tuned = dl.TUNING[2]
two = dl.build_network(architecture, source, layers[:2], softness=tuned.softness, growth=tuned.growth)
means = dl.ChannelMeans(two)
small, picture = dl.uniform_noise((48, 48), 0), dl.load_picture("china", (48, 48)).array
live = np.concatenate([~each for each in dl.find_dead_channels(two, small[None]).values()])
settings = dl.Settings(steps=tuned.steps, tolerance=tuned.tolerance, grading=tuned.grading)
legs = {}
for name, mask in (("live channels", live), ("all channels", np.ones_like(live))):
    step0 = dl.measure_reference(dl.Counted(means), small[None], mask, tuned.damping, tuned.held)
    legs[name] = dl.normalize(dl.Context(dl.Counted(means), step0, settings), picture)

# %%
# NBVAL_CHECK_OUTPUT
at, v = dl.block_slices(means.blocks)[layers[1]], means.values(small)
off = {}
for name, path in legs.items():
    left = (means.values(path.x) - v)[at] / np.linalg.norm(v[at])
    off[name] = [np.linalg.norm(left[live[at]]), np.linalg.norm(left[~live[at]])]
    print(f"{name:14} second layer off by {off[name][0]:.1%} in live channels, {off[name][1]:.1%} in dead ones")
apart = np.linalg.norm(legs["all channels"].x - legs["live channels"].x) / np.linalg.norm(
    legs["live channels"].x - picture
)
print(f"the two pictures differ by {apart:.0%} of the way that was gone")
assert off["live channels"][0] < 0.03 and off["all channels"][0] < 0.03

# %% [markdown]
# Both arrive, at nearly the same picture. In the second layer the mask changes next to nothing: the damping already
# leaves alone what has next to no gradient (lesson 4). What it saves is work, and a false claim. In the fifth layer,
# where most channels are dead, each would cost a row of the Jacobian and count among the features that "reached" noise.
#
# ## What is given up
#
# A channel that sleeps in noise need not sleep in a photograph. How many of the dead ones answer each of these?

# %%
photographs = ("china", "flower", "coffee", "chelsea", "brick", "grass")
answers = {
    name: dl.channel_means_by_layer(dl.ChannelMeans(thesis), dl.load_picture(name, (128, 128)).array)[layers[-1]]
    for name in photographs
}
sleeping = dead[layers[-1]]
woken = {name: (f > dl.DEAD_FRACTION * f.mean()) & sleeping for name, f in answers.items()}
figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
ax.barh(photographs, [which.sum() for which in woken.values()], color="0.5")
ax.set(xlabel=f"channels of {layers[-1]}, dead for noise, that answer (of {sleeping.sum()})", xlim=(0, sleeping.sum()))
ax.invert_yaxis()
ax.spines[["top", "right"]].set_visible(False)

# %%
# NBVAL_CHECK_OUTPUT
anyone = np.any(list(woken.values()), axis=0)
print(f"dead for noise: {sleeping.sum()}; woken by at least one of six pictures: {anyone.sum()}")
share = {name: f[sleeping].sum() / f.sum() for name, f in answers.items()}
print(f"their share of all activation of {layers[-1]}: {min(share.values()):.0%} to {max(share.values()):.0%}")
assert 0.1 * sleeping.sum() < anyone.sum() and max(share.values()) > 0.05

# %% [markdown]
# So something *is* lost: of what photographs tell the fifth layer, a part is told to channels that noise leaves dead.
# Those answer what noise has not got. But a style is measured by the way to noise, and at its end these
# channels have no slope. The mask is no cure, only honesty about the reference that was chosen: every report lists the
# channels that were left out.
#
# ## A small classifier
#
# The thesis looked at noise in a classifier of photographs, layer by layer, and found nothing in its maps that it could
# understand. The kit has trained one of the same shape on hand-written digits.

# %%
# NBVAL_CHECK_OUTPUT
model = digits_classifier.load()
print(f"it knows {digits_classifier.accuracy(model):.0%} of digits it has not seen")
noise_maps = digits_classifier.activations(model, dl.uniform_noise((32, 32), 0)[None, ..., 0])
digit_maps = digits_classifier.activations(model, digit_images.digits("held-out").images)
for layer in [name for name in digits_classifier.LAYERS if name.startswith("relu")]:
    silent_for_noise, silent_for_digits = (
        digits_classifier.silent_channels(noise_maps[layer]),
        digits_classifier.silent_channels(digit_maps[layer]),
    )
    only = np.sum(silent_for_noise & ~silent_for_digits)
    print(f"{layer}: silent for noise {silent_for_noise.sum()} of 10, of these {only} answer some digit")
assert digits_classifier.accuracy(model) > 0.97

# %%
figure, axes = plt.subplots(2, 10, figsize=(11, 2.8), layout="constrained")
for row, (maps, what) in zip(axes, ((noise_maps, "noise"), (digit_maps, "a digit")), strict=True):
    for channel, ax in enumerate(row):
        shown = maps["relu_2_2"][0]
        dl.show_map(ax, shown[..., channel], shown.max(), "" if shown[..., channel].any() else "silent")
    row[0].set_ylabel(what, fontsize=9)

# %% [markdown]
# *(Part of figure 4.6 of the thesis, which `decoupling figures --only 4.6` draws in full.)* The last convolution, for
# noise above and for a digit below. A filter that has learned strokes finds none in noise: zeros are to be expected.
#
# ## Exercises
#
# **1.** How many draws of noise would wake the rest? Count the channels of the fifth layer that are dead in the *mean*
# of the first 1, 2, 4 and 8 draws, of seeds 0, 1, 2, … (`dl.find_dead_channels` takes several images).

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("np.stack of dl.uniform_noise for several seeds")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
stacked = np.stack([dl.uniform_noise((128, 128), seed) for seed in range(8)])
dead_in_mean = [dl.find_dead_channels(thesis, stacked[:k])[layers[-1]].sum() for k in (1, 2, 4, 8)]

# %% tags=["check"]
assert len(dead_in_mean) == 4 and sorted(dead_in_mean, reverse=True) == list(dead_in_mean)
for count, k in zip(dead_in_mean, (1, 2, 4, 8), strict=True):
    several = np.stack([dl.uniform_noise((128, 128), seed) for seed in range(k)])
    assert count == dl.find_dead_channels(thesis, several)[layers[-1]].sum()

# %% [markdown]
# **2.** Is it a matter of contrast? Make `noise` half as strong around 0.5 and count again: `weak` channels of the
# fifth layer are dead then.

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("0.5 + 0.5 * (noise - 0.5)")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
weak = dl.find_dead_channels(thesis, (0.5 + 0.5 * (noise - 0.5))[None])[layers[-1]].sum()

# %% tags=["check"]
assert abs(weak - dl.find_dead_channels(thesis, (0.25 + 0.5 * noise)[None])[layers[-1]].sum()) <= 1
assert abs(int(weak) - int(dead[layers[-1]].sum())) < 0.5 * dead[layers[-1]].sum()  # fewer or more, not another story

# %% [markdown]
# ## Further reading
#
# - Lu, Shin, Su & Karniadakis (2020), *Dying ReLU and initialization*: zeros that training never leaves.
# - Field (1987), *Relations between the statistics of natural images and the response properties of cortical cells*.
#
# Next: lesson 9 goes on where the thesis stopped.
