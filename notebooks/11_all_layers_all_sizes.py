# %% [markdown]
# # 11. All layers, all sizes: a style as a filter
#
# The picture on the right has 98,304 pixels, that is 294,912 values. It was made from a transfer between two thumbnails
# of 43 by 64 pixels: eight thousand numbers were solved for on them, and the large picture was sent through these. How
# can a style that was found on a thumbnail be applied to an image of any size, and how well does it fit there? (Only in
# part, as you will see.) And the network has five layers, of which we have used two. What do the others add, and what
# do they cost?
#
# About 26 minutes.

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import decoupling_lib as dl

dl.use_kit_settings()

# %%
flow = dl.make_flow("coffee", "chelsea", dl.Options(max_side=64))
names = "coffee", "chelsea"
thumbnails = [dl.load_picture(name, max_side=64).array for name in names]
large = dl.load_picture("chelsea", size=(256, 384)).array
styled = dl.apply_flow(flow, large)

# %%
shape = {"figsize": (12, 4.8), "width_ratios": (1, 1, 3), "layout": "constrained"}
figure, axes = plt.subplots(1, 3, **shape)
for ax, x, name in zip(axes, thumbnails, ("the style", "the content"), strict=False):
    dl.show_picture(ax, x, f"{name}: {x.shape[0]} × {x.shape[1]} pixels")
dl.show_picture(axes[2], styled.x, "the flow applied to chelsea at 256 × 384 pixels")
plt.show()

# %% [markdown]
# ## Learning goals
#
# After this lesson you can
#
# - say what the deeper layers see that the first ones do not;
# - say what each further layer costs, and how fast the number of Jacobian rows grows;
# - explain why the multipliers of a leg do not depend on the size of the image;
# - send an image through a solved leg in ten lines, and through a flow at any strength;
# - name what a flow loses against a transfer.
#
# ## Notation
#
# | symbol | meaning |
# |---|---|
# | $P$ | the number of pixels |
# | $J(x)$ | the Jacobian of the channel means at the image $x$ (in lessons 1 to 9, $A$) |
# | $\lambda$ | multipliers: one number per feature and step; the velocity is $V = J^\top\lambda$ |
# | style flow | the multipliers of all legs of a transfer, with the network and the settings that belong to them |
# | strength | 0: the target's own style; 1: that of the origin |
#
# You need lesson 7 for the transfer, lesson 8 for the midpoint as reference, and lesson 9 for the symmetric step.
#
# ## What a layer sees
#
# Lesson 3 computed how wide a square of pixels a response depends on, its **receptive field**: 3 pixels for the first
# layer, and 10, 24, 60 and 132 for the others. The first layer sees colors and edges, the second one strokes, and the
# fifth one more than the whole of a thumbnail.
#
# Each leg needs a gradient Gram matrix $AA^\top$ of *all* layers up to its own, and each row takes a pass (lessons 9
# and 10). So the rows of Step 1 grow fast:

# %%
# NBVAL_CHECK_OUTPUT
channels = (64, 128, 256, 512, 512)
rows = np.cumsum(np.cumsum(channels))
print(f"rows of Step 1, with one to five layers: {rows}")
assert rows[1] == 64 + (64 + 128)

# %% [markdown]
# What do layers add to a transfer? The same thumbnails, now at 48 pixels, with one, two and three layers:

# %%
content = dl.load_picture("chelsea", size=(128, 192)).array
by_layers = {}
for count in (1, 2, 3):
    small = dl.make_flow("coffee", "chelsea", dl.Options(max_side=48, layers=count))
    by_layers[count] = dl.apply_flow(small, content).x

# %%
figure, axes = plt.subplots(2, 4, figsize=(12, 5.8), layout="constrained")
shown = {"chelsea": content, "1 layer": by_layers[1]}
shown |= {f"{count} layers": by_layers[count] for count in (2, 3)}
for (name, x), whole, detail in zip(shown.items(), *axes, strict=True):
    dl.show_picture(whole, x, name)
    dl.show_picture(detail, x[62:, 128:], "its lower right corner")
plt.show()

# %% [markdown]
# The first layer brings the colors and the contrast of the coffee table. The second one adds a few fine lines to smooth
# areas; look at the corner below. The third one sees 24 pixels, half a thumbnail of this size. It turns the background
# gray, leaves some pink spots, and adds little else. A layer needs an image that is large enough for it.
#
# ## What a layer costs
#
# `growth.json` has self-transfers of *china* at 64 pixels, with noise as reference, by one to five layers.

# %%
results = Path("../benchmarks/results")
stored = json.loads((results / "growth.json").read_text("utf-8"))["rows"]
layers = [row for row in stored if row["case"] == "layers"]
depth = [row["layers"] for row in layers]
decibels = [row["psnr_db"] for row in layers]
total = [row["passes"]["total"] for row in layers]
of_rows = [row["passes"]["jacobian_rows"] for row in layers]
first_step = [[leg for leg in row["legs"] if leg["step"] == 1] for row in layers]
last_step = [[leg for leg in row["legs"] if leg["step"] == 3] for row in layers]
ends = [max(leg["relative_error"] for leg in legs) for legs in first_step]

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
axes[0].plot(depth, decibels, "o-", color=dl.COLORS[0])
axes[1].plot(depth, total, "o-", color=dl.COLORS[0], label="all passes")
axes[1].plot(depth, of_rows, "s--", color=dl.COLORS[1], label="of these, rows")
titles = "way back, PSNR in dB", "network passes"
for ax, title in zip(axes, titles, strict=True):
    ax.set(title=title, xlabel="layers", xticks=depth, ylim=(0, None))
axes[1].legend()
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
for k, worst in enumerate(ends):
    print(f"layers {depth[k]}: {decibels[k]:4.0f} dB, {total[k]:6} passes", end=", ")
    print(f"{of_rows[k] / total[k]:.0%} of them rows; legs end within {worst:.1%}")
assert total == sorted(total) and total[-1] > 8 * total[0]
assert of_rows[-1] > 0.2 * total[-1] and of_rows[0] < 0.1 * total[0]
assert min(decibels[:4]) > 90 > 60 > decibels[4]

# %% [markdown]
# From one to two layers the way back loses 25 dB, from two to four 5 more, and then 43 at once, although more layers
# are damped more strongly, which helps (lesson 9). So it is not the number of legs that counts. Where is the path lost?
# Step 3 begins with the deepest layer. This is how far its legs end from their aims:

# %%
# NBVAL_CHECK_OUTPUT
error = {}
for row, legs in zip(layers, last_step, strict=True):
    legs = [leg for leg in legs if "+" not in leg["layer"]]
    own = {leg["layer"][5]: leg["relative_error"] for leg in legs}
    error[row["layers"]] = own
    print(f"layers {row['layers']}:", end="")
    print("".join(f"   block{block} {off:.0e}" for block, off in own.items()))
assert error[4]["3"] < error[5]["4"] < 1e-5 < error[5]["3"] / 10

# %% [markdown]
# With five layers, the legs of blocks 5 and 4 arrive nearly exactly; the error shows from the leg of block 3 on. What a
# leg contracts, its way back expands (lesson 8), and sharp bends of the network expand most. That is why networks of
# three and more layers replace softplus: a ReLU is averaged over a wider neighborhood, with weights for which what it
# gains near the kink and what it loses cancel. It bends less sharply and is about as faithful. With softplus, this
# photograph returns at 33 dB from three layers (`error_growth.json`). But it is one photograph, and softness, growth
# and damping differ from depth to depth.
#
# ## What a larger image costs
#
# `sizes.json` has transfers of the style of *coffee* to *china* by two layers, at 64 to 512 pixels.

# %%
stored = json.loads((results / "sizes.json").read_text("utf-8"))["rows"]
sizes = [row for row in stored if row["method"] == "transfer"]
sizes = [row for row in sizes if row["status"] == "done"]
pixels = [row["size"] for row in sizes]
passes = [row["passes"]["total"] for row in sizes]
work = [row["convolution_operations"] for row in sizes]

# %%
# NBVAL_CHECK_OUTPUT
for row in sizes:
    print(f"{row['size']:3} px: {row['passes']['total']} passes,", end="")
    print(f" {row['seconds']:4.0f} seconds, {row['peak_memory_mib']} MiB")
print(f"the work of a pass grows {work[-1] / work[0]:.1f} times, passes do not")
assert max(passes) < 1.15 * min(passes)
assert sizes[-1]["seconds"] > 20 * sizes[0]["seconds"]
assert np.isclose(work[-1] / work[0], (pixels[-1] / pixels[0]) ** 2)

# %% [markdown]
# The number of passes hardly depends on the size; the work per pass grows with the number of pixels. On these two cores
# a transfer takes a quarter of an hour at 512 pixels, and would take half a day and 60 gigabytes at 12 megapixels.
# There is a better way.
#
# ## Multipliers do not know the size
#
# The velocity of a leg is $V = J(x)^\top\lambda$. The image enters through $J(x)$ alone. All that the leg *solves
# for* are the multipliers $\lambda$, one number per feature and step. What would they be for a larger image?
#
# A channel mean is an average over $P$ positions, so a pixel's part in it, and with it the gradient at that pixel, is
# proportional to $1/P$. Let us check: lay four copies of an image side by side, and compare the gradient in the
# middle of one copy.

# %%
# NBVAL_CHECK_OUTPUT
about = flow.network
network = dl.build_network(softness=about["softness"], growth=about["growth"])
means, weights = dl.ChannelMeans(network), np.linspace(-1, 1, 192)
tile = dl.load_picture("coffee", size=(64, 64)).array
gradient = means.linearize(tile).vjp(weights)[16:48, 16:48]
of_four = means.linearize(np.tile(tile, (2, 2, 1))).vjp(weights)[16:48, 16:48]
ratio = np.sum(gradient * of_four) / np.sum(of_four**2)
print(f"the gradient with four copies is 1/{ratio:.3f} of the gradient with one")
assert np.allclose(gradient, 4 * of_four, atol=1e-4 * np.abs(gradient).max())

# %% [markdown]
# So if each pixel is to move as before, $\lambda$ has to grow in proportion to $P$:
#
# $$\lambda_{\text{large}} = \lambda_{\text{small}}\,\frac{P_{\text{large}}}{P_{\text{small}}}.$$
#
# A **style flow** stores $\lambda/P$ for each step, which does not depend on the size. How many numbers is that?

# %%
# NBVAL_CHECK_OUTPUT
shapes = [leg.there.multipliers.shape for leg in flow.legs]
numbers = 2 * sum(steps * features for steps, features in shapes)
print(f"steps and multipliers of each leg: {shapes}")
print(f"{numbers} numbers, there and back; the picture above has {large.size} values")
assert numbers == 2 * 16 * (64 + 192) < large.size / 30

# %% [markdown]
# ## A flow in ten lines
#
# With known multipliers a step is the symmetric one of lesson 9, where the equation is solved by inserting it into
# itself three times. It looks like a layer of a network: filters of VGG, fixed weights, and the image added to the
# result. A leg is such a network of 16 layers.


# %%
def carry(x, curve, depth):
    """Send an image through one leg: x' = x + h J((x + x')/2)ᵀ λ."""
    own = means.prefix(depth)
    for h, multipliers in zip(np.diff(curve.grid), curve.multipliers, strict=True):
        V = np.zeros_like(x)
        for _ in range(3):
            at = own.linearize(x + h / 2 * V)
            V = at.vjp(multipliers * x.shape[0] * x.shape[1])
        x = x + h * V
    return x


# %%
# NBVAL_CHECK_OUTPUT
x = content
for depth, leg in enumerate(flow.legs, start=1):
    x = carry(x, leg.there, depth)
for depth, leg in reversed(list(enumerate(flow.legs, start=1))):
    x = carry(x, leg.back, depth)
by_library = dl.apply_flow(flow, content)
difference = np.sqrt(np.mean((x - by_library.x) ** 2))
print(f"{4 * 16 * 3} VJPs; rms difference from the library's result: {difference:.4f}")
assert difference < 0.01

# %% [markdown]
# The library iterates until a step is solved, two to four times: some two hundred gradients for an image of any size,
# against the 3,000 passes of a full transfer.
#
# Gradients are local: what a pixel receives depends on its neighborhood only. So a large image can be cut into tiles
# that overlap by a few pixels, and the tiles give the same result as the whole:

# %%
# NBVAL_CHECK_OUTPUT
tiled = dl.apply_flow(flow, content, dl.FlowSettings(tile=64))
apart = np.abs(tiled.x - by_library.x).max()
used = sum(leg.passes.total for leg in by_library.legs)
print(f"{used} passes; tiles and whole are less than {max(apart, 1e-4):.4f} apart")
assert apart < 1e-4 and 100 < used < 400

# %% [markdown]
# So a picture of 12 megapixels fits into a laptop.
#
# ## Strength
#
# The way there, walked backwards, leads to the target's own style, and the way of the transfer leads to the origin's.
# Multipliers between the two lead to styles between the two. Move the strength:

# %%
settings = [dl.FlowSettings(strength=k / 4) for k in range(5)]
frames = [dl.apply_flow(flow, content, each).x for each in settings]


def draw_strength(ax, strength):
    """Show the image that was made with the nearest strength."""
    dl.show_picture(ax, frames[round(4 * strength)], f"strength {strength:g}")


# %%
said = "The style of coffee grows on chelsea"
dl.animate(draw_strength, np.linspace(0, 1, 5), said, seconds=0.7)

# %%
dl.explore("Strength of a flow", draw_strength, strength=(0.0, 1.0, 0.5, 0.25))

# %% [markdown]
# ## What a flow loses
#
# A transfer solves for the multipliers of its own image, so each step leads where it should. A flow takes those of
# another image, and nothing brings it back if they lead elsewhere. So flows are milder than transfers: with noise as
# reference and a damping of 1, thirty times that of lesson 9. Otherwise this happens at strength 0, where the image
# should return:

# %%
as_transfer = dl.Options(max_side=64, reference="midpoint", damping=0.032)
steep = dl.make_flow("coffee", "chelsea", as_transfer)
steep_return = dl.apply_flow(steep, content, settings[0]).x
returned = {"the original": content, "this flow": frames[0]}
returned["a steep flow"] = steep_return

# %%
figure, axes = plt.subplots(1, 3, figsize=(12, 3.2), layout="constrained")
for ax, (name, x) in zip(axes, returned.items(), strict=True):
    dl.show_picture(ax, x, name)
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
mild, hard = (dl.psnr(x, content) for x in (frames[0], steep_return))
print(f"this flow: about {mild / 10:.0f}0 dB, a steep one: {hard / 10:.0f}0 dB")
assert mild > 70 > 40 > hard

# %% [markdown]
# The stripes are small errors: where the way there pulls pixels together, the way back pushes them apart, and errors
# with them.
#
# How far is the first layer from the aim of its leg in Step 2, before and after?

# %%
# NBVAL_CHECK_OUTPUT
own, errors = dl.apply_flow(flow, thumbnails[1]), {}
for run in (own, by_library, styled):
    shape, first = run.x.shape, run.legs[0]
    errors[shape] = first.relative_error
    print(f"{shape[0]} × {shape[1]} pixels: from {first.start_error:.0%}", end=" ")
    print(f"to {first.relative_error:.0%}")
small, middle, big = errors.values()
assert small < 0.1 < 0.2 < middle < big

# %% [markdown]
# On its own thumbnail the flow repeats the transfer, which its damping stops at 8 %. On larger images of the same scene
# the channel means end well off their aim. The reason is the thumbnail: shrinking an image sharpens it. Edges that take
# three pixels in the large image take one in the small one, so the two begin with other channel means, and the same
# changes lead elsewhere.
#
# Two more limits. Another picture may receive little of the style, or a step may have no solution. And mildness has its
# price: on their own thumbnails, steep flows end closer to the origin's style.
#
# ## Exercises
#
# **11.1** VGG-16 has two convolutions in each of the blocks 1 and 2, and three in the others; after each block
# follows a pooling of 2 × 2. How many pixels wide is the receptive field of `block3_conv3`, the last convolution of
# block 3?

# %% tags=["exercise"]
wide = ...
dl.check("11.1", wide)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 11.1
wide, apart = 1, 1
for convolutions in (2, 2):
    wide, apart = wide + convolutions * 2 * apart + apart, 2 * apart
wide = wide + 3 * 2 * apart
dl.check("11.1", wide)

# %% [markdown]
# **11.2** Multipliers were solved for at 64 × 96 pixels, and not divided by the number of pixels. By which factor do
# they have to be multiplied for an image of 512 × 768?

# %% tags=["exercise"]
factor = ...
dl.check("11.2", factor)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 11.2
factor = (512 * 768) / (64 * 96)
dl.check("11.2", factor)

# %% [markdown]
# **11.3** The layers have 64, 128, 256, 512 and 512 channels. A flow of three layers has 18 steps per leg. How many
# multipliers does it store, there and back? And how many would they be with all five layers?

# %% tags=["exercise"]
three = ...
five = ...
dl.check("11.3", three, five)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 11.3
features_of_legs = np.cumsum(channels)
three, five = (2 * 18 * features_of_legs[:count].sum() for count in (3, 5))
dl.check("11.3", three, five)

# %% [markdown]
# **11.4** `there` and `back` are arrays of shape (steps, n): the multipliers of Step 2 and of Step 3, each in the
# order in which its steps are made. Write a function that returns the multipliers of Step 3 for a strength between 0
# (the way there, walked backwards) and 1.


# %% tags=["exercise"]
def between(there, back, strength):
    return ...


dl.check("11.4", between)


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 11.4
def between(there, back, strength):
    return (1 - strength) * -there[::-1] + strength * back


dl.check("11.4", between)

# %% [markdown]
# **11.5** Someone cuts thumbnails of 64 pixels out of the large picture instead of shrinking it, and makes the flow
# from these. What gets better, and what may get worse?

# %% tags=["exercise"]
why = """
"""
dl.check("11.5", why)

# %% [markdown] tags=["model-answer"]
# <details><summary>Model answer</summary>
#
# A cut has the same edges as the large picture, so the channel means of both agree better, and so do the multipliers.
# But a cut shows only a part of the scene: its colors and textures may not be those of the whole, and a flow that was
# made for fur does not suit a background.
#
# </details>

# %% [markdown]
# ## Quiz
#
# **1.** Why does the number of passes of a transfer not depend on the size of the image?
#
# <details><summary>Answer</summary>
#
# What is solved for are the multipliers, as many as there are channels. The image is only what the network is applied
# to; it makes each pass longer, not the number of passes larger.
#
# </details>
#
# **2.** Can a flow be applied to a picture by tiles without seams? Why?
#
# <details><summary>Answer</summary>
#
# Yes. With fixed multipliers the velocity at a pixel depends on its neighborhood only, so tiles that overlap by that
# neighborhood give the same values. In a transfer it also depends on the multipliers, which depend on the whole
# image.
#
# </details>
#
# **3.** Why does the fifth layer make little sense on an image of 64 pixels?
#
# <details><summary>Answer</summary>
#
# Its channels see squares of 132 pixels. On 64 pixels they see mostly the border, and there are only 4 × 4 positions
# to average over.
#
# </details>
#
# ## Take-aways
#
# - Each layer sees more of the image and costs more, rows above all. With five layers the way back is much worse.
# - Passes do not depend on the size of the image; the work per pass does.
# - A leg is a curve of multipliers $\lambda$, and $\lambda/P$ does not depend on the size. A flow is that curve: a
#   filter for any image.
# - A flow is fast and local, and it is only as right as the thumbnail is like the picture.
#
# ## Further reading
#
# - He et al. (2016), *Deep residual learning for image recognition*: networks whose layers add to their input, as the
#   steps of a flow do.
# - Chen et al. (2018), *Neural ordinary differential equations*: the same thought, the other way around.
# - Luo et al. (2016), *Understanding the effective receptive field*: what a layer sees, and what it looks at.
#
# This was the last lesson. What is left to find out is on the project's page of findings: whether decoupled style is
# the better style, on which images, and for whom.
