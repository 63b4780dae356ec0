# %% [markdown]
# # 2. Moments: change one number and hold the others
#
# The three images below have the same mean brightness and the same contrast, to the last digit. Their pixels even
# have the same order from dark to bright. Still, nobody would mistake one for another.
#
# **Which numbers differ, and how can one change a single one of them without changing the rest?**
#
# About 29 minutes, without the exercises. You need lesson 1.

# %%
import matplotlib.pyplot as plt
import numpy as np

import decoupling_lib as dl

dl.use_kit_settings()  # plots look the same on every computer

# %%
cat = dl.load_picture("chelsea", max_side=192).array.mean(axis=2)
brightness = dl.dequantize(cat.ravel())  # breaks the ties of 8-bit values
own = dl.decouple_moments(brightness, 4)


def change(number, value):
    """Return the image after one of its decoupled moments is changed."""
    wanted = own.values.copy()
    wanted[number - 1] = value
    return dl.impose_moments(own.sample, wanted).reshape(cat.shape)


# %% mystnb={"image": {"alt": "Three images of the same cat: natural, dull with few bright spots, and in two tones."}}
def show_gray(ax, image, title):
    """Show brightness; 0 is black and 1 is white in every image."""
    ax.imshow(np.clip(image, 0, 1), cmap="gray", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[], title=title)


figure, axes = plt.subplots(1, 3, figsize=(11, 2.7), layout="constrained")
images = cat, change(3, 1.8), change(4, 1.35)
for ax, image, title in zip(axes, images, "ABC", strict=True):
    show_gray(ax, image, title)
plt.show()

# %% [markdown]
# Image A is the photograph. In B the **skewness** of its brightness was changed: a few pixels are very bright and
# most are dull. In C the skewness is that of A, and the weight of the tails was changed: nearly every pixel is
# either dark or light.
#
# ## Learning goals
#
# You will be able to
#
# - normalize several features one after another, each with the earlier ones held;
# - write the leg that removes the skewness of a sample, and say when it can arrive;
# - explain what *orthokurtosis* measures that kurtosis does not;
# - read from the gradients where decoupled moments are decoupled, and where they are not;
# - change one moment, or transfer all of them from one image to another, and go back.
#
# ## Notation
#
# | symbol | meaning |
# |---|---|
# | $x$ | a sample: $N$ numbers, for example the brightness of $N$ pixels |
# | $m_k = \frac1N\sum_i x_i^k$ | its raw moment number $k$ |
# | $v_k$ | the reference value of $m_k$: 0, 1, 0, 3, 0, 15, as for a normal distribution |
# | $R_k$ | the reference manifold: all samples whose first $k$ moments are at the reference |
# | leg $k$ | the motion from $R_{k-1}$ to $R_k$ |
# | $c_k$ | decoupled moment number $k$: the value of $m_k$ just before leg $k$ |
# | $z$ | a standardized sample: mean 0 and variance 1 |

# %% [markdown]
# ## Nested normalization
#
# Lesson 1 brought one feature to a reference value by following its gradient. For several features we do this one
# after another:
#
# - Leg 1 follows $\nabla m_1$ until $m_1 = v_1$.
# - Leg $k$ follows the part of $\nabla m_k$ that is orthogonal to $\nabla m_1, \dots, \nabla m_{k-1}$, until
#   $m_k = v_k$. Because of the projection, the earlier moments stay where they are.
#
# So the sample moves through smaller and smaller sets, $R_1 \supset R_2 \supset R_3$: they are *nested*. Samples of
# only three numbers are points in space, and there all of this can be seen.

# %% mystnb={"image": {"alt": "A path from a point to a plane, in it to a circle, and along the circle to a point."}}
sample = np.array([0.0, 3.3, 0.2])
drawn = dl.nested_portrait(sample, reach=2.3)
figure = plt.figure(figsize=(7, 5.6), layout="constrained")
ax = figure.add_subplot(projection="3d")
dl.show_nested(ax, drawn)
ax.view_init(elev=25, azim=20)
ax.set_title("One sample, three legs: onto the plane, the circle, a point")
plt.show()

# %% [markdown]
# $R_1$ is the plane of all samples with mean 0, and leg 1 is the shortest way onto it. In this plane, the samples
# with variance 1 form the circle $R_2$, and leg 2 runs straight toward its center until it meets the circle. On the
# circle only six points have skewness 0, and leg 3 has no choice but to follow the circle to the nearest of them.

# %%
# NBVAL_CHECK_OUTPUT
for leg, path in enumerate(drawn.legs, start=1):
    moments = [np.mean(path[-1] ** k) for k in (1, 2, 3)]
    print(f"after leg {leg}: m1, m2, m3 =", *(f"{m:z7.4f}" for m in moments))
print("the point on R3:", *(f"{value:z.4f}" for value in path[-1]))
assert np.allclose(moments, [0, 1, 0], atol=1e-8)
assert np.allclose(np.sort(path[-1]), [-np.sqrt(1.5), 0, np.sqrt(1.5)], atol=1e-8)

# %% [markdown]
# Each leg sets its own moment and leaves the earlier ones alone. The table also shows the **decoupled moments** of
# the sample: $c_k$ is what $m_k$ is *before* leg $k$, with all earlier moments already at the reference. Here
# $c_2$ is the second number of the first row, and $c_3$ the third number of the second row.
#
# ## Legs 1 and 2 are old friends
#
# The gradient of $m_1$ is the same for all numbers, so leg 1 subtracts the mean. On $R_1$ the gradient of $m_2$ is
# proportional to $x$ itself, so leg 2 divides by the standard deviation. Hence $c_1$ is the mean, $c_2$ the variance,
# and $c_3$ the third moment of the standardized sample, which is what statisticians call the **skewness**:
#
# $$ c_1 = \frac1N\sum_i x_i, \qquad c_2 = \frac1N\sum_i (x_i - c_1)^2, \qquad
# c_3 = \frac1N\sum_i z_i^3, \quad z = \frac{x - c_1}{\sqrt{c_2}}. $$

# %%
# NBVAL_CHECK_OUTPUT
x = dl.load_sample("gamma").values  # a thousand numbers with a long tail to the right
c1 = np.mean(x)
c2 = np.mean((x - c1) ** 2)
z = (x - c1) / np.sqrt(c2)
c3 = np.mean(z**3)
print(f"mean {c1:.4f}, variance {c2:.4f}, skewness {c3:.4f}")
assert np.allclose([c1, c2, c3], dl.decouple_moments(x, 3).values)

# %% [markdown]
# ## Leg 3 removes the skewness
#
# On $R_2$ the three gradients point along $1$, $z$ and $z^2$ (apply the power to each number). To hold mean and
# variance, remove from $z^2$ its components along $1$ and $z$. Both have mean square 1 there, and the means of
# $z^2\cdot 1$ and $z^2\cdot z$ are 1 and $m_3$, so what remains is
#
# $$ z^2 - m_3\, z - 1. $$
#
# Every number moves with this velocity, or with its negative. Where does that lead? Try $u = z/(1 - tz)$, and
# standardize it for each $t$. The derivative of $u$ with respect to $t$ is $u^2$. Standardizing removes from a velocity
# just the components along $1$ and along the standardized numbers themselves. So the curve
#
# $$ y = \mathrm{standardize}\!\left(\frac{z}{1 - t z}\right) $$
#
# always moves along $y^2 - m_3\, y - 1$, the direction of leg 3: it *is* the curve of leg 3, with another clock $t$. A
# quotient of two linear functions is called a **Möbius map**.


# %%
# NBVAL_CHECK_OUTPUT
def moebius(z, t):
    """Return the standardized image of z under z / (1 - t z)."""
    return dl.standardize(z / (1 - t * z))


velocity = (moebius(z, 1e-5) - moebius(z, -1e-5)) / 2e-5  # at t = 0
off = np.max(np.abs(velocity - (z**2 - np.mean(z**3) * z - 1)))
print(f"largest difference from z² - m3 z - 1: {off:.6f}")
skewness = [np.mean(moebius(z, t) ** 3) for t in (0.1, 0.0, -0.1, -0.2, -0.3)]
print("skewness for t = 0.1, 0, -0.1, -0.2, -0.3:", *(f"{s:z.2f}" for s in skewness))
assert off < 1e-5 and np.all(np.diff(skewness) < 0)

# %% [markdown]
# The skewness grows with $t$. How far? At $t = 1/\min z$ and $t = 1/\max z$ a number would be divided by zero, so $t$
# has to stay strictly between. There the map is increasing: the numbers keep their order, as the pixels of the three
# cats do. Near the upper limit the largest number leaves all others behind, and the skewness is positive if fewer
# than half of the numbers are equal to it; near the lower limit the smallest one does, and the skewness is negative
# if the same holds for it. **Then exactly one $t$ makes the skewness 0.** With 0, 0, 0, 0, 1, 1, 1, 2, leg 3 comes as
# near to 0 as you like and never arrives.
#
# Play the animation from $t = 0$ to the end of leg 3. Then move $t$ yourself. (Sliders need a running notebook.)

# %%
bins = np.linspace(-4, 5, 46)


def draw_leg(ax, t):
    y = moebius(z, t)
    ax.hist(z, bins, color="0.8", label="t = 0")
    look = {"histtype": "step", "color": dl.COLORS[3], "linewidth": 2}
    ax.hist(y, bins, **look, label=f"t = {t:z.2f}")
    ax.set(ylim=(0, 160), xlabel="value", ylabel="number of values")
    ax.legend(title=f"skewness {np.mean(y**3):z.2f}")


# %%
text = "A histogram with a long tail to the right loses it as t goes to -0.284."
dl.animate(draw_leg, np.linspace(0, -0.284, 15), text)

# %%
dl.explore("A Möbius map of a sample", draw_leg, t=(-0.6, 0.15, -0.2, 0.01))

# %% [markdown]
# **Exercise 2.1.** Write the function `undo_skewness`, which receives a standardized sample $z$ of shape $(N,)$ and
# returns $y$ of the same shape, in the same order, with mean 0, variance 1 and skewness 0. You may use `moebius`. If
# you are stuck: `dl.hint("2.1")`.


# %% tags=["exercise"]
def undo_skewness(z):
    return ...  # write your function here


dl.check("2.1", undo_skewness)


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 2.1
def undo_skewness(z):
    from scipy.optimize import brentq

    low, high = 1 / z.min() + 1e-9, 1 / z.max() - 1e-9  # just inside the limits
    t = brentq(lambda t: np.mean(moebius(z, t) ** 3), low, high)
    return moebius(z, t)


dl.check("2.1", undo_skewness)

# %% [markdown]
# ## What remains of the kurtosis
#
# After leg 3 the sample $y$ has mean 0, variance 1 and skewness 0. Its fourth moment is the next decoupled feature,
# $c_4 = \frac1N\sum_i y_i^4$, which is called **orthokurtosis**. The usual kurtosis is the same mean *before* leg 3.

# %%
# NBVAL_CHECK_OUTPUT
y = dl.move_skewness(z)  # the Möbius map with the right t
c4 = np.mean(y**4)
print(f"kurtosis {np.mean(z**4):.3f}, orthokurtosis {c4:.3f}; a normal sample has 3")
assert np.isclose(c4, dl.orthokurtosis(x)) and c4 < 3 < np.mean(z**4)

# %% [markdown]
# The kurtosis of 5.3 suggests heavy tails. Nearly all of it comes with the skewness: without it, this sample
# has *lighter* tails than a normal one.
#
# Orthokurtosis does not see an increasing Möbius map, as long as the number at which it divides by zero lies outside
# of the range of the sample. Such a map only moves the standardized sample along its own curve of leg 3, and that
# curve ends at the same point of $R_3$. Take $x \mapsto x/(x+1)$, which divides by zero at $-1$:

# %%
# NBVAL_CHECK_OUTPUT
ten = dl.load_sample("ten").values  # ten numbers from 0 to 13
mapped = ten / (ten + 1)
for name, numbers in (("numbers", ten), ("after the map", mapped)):
    kurtosis, c4 = dl.coupled_moments(numbers, 4)[3], dl.orthokurtosis(numbers)
    print(f"{name:14} kurtosis {kurtosis:.4f}, orthokurtosis {c4:.4f}")
assert abs(dl.orthokurtosis(mapped) - dl.orthokurtosis(ten)) < 1e-10

# %% [markdown]
# Leg 4 brings $m_4$ to 3 before $c_5$ is measured, and leg 5 brings $m_5$ to 0 before $c_6$ is. They have no closed
# form: `dl.decouple_moments` moves all numbers by polynomials of degree 3 and 4. The engine of lesson 1 receives six
# features with their gradients, and lifts. Will the numbers be the same?

# %%
# NBVAL_CHECK_OUTPUT
goal = dl.Reference(dl.MOMENT_REFERENCE, np.ones(6, bool), dl.Damping(0, np.ones(6)))
exact = dl.Settings(rule="adaptive", steps=5000, tolerance=1e-11)
context = dl.Context(dl.Counted(dl.moment_feature_map(6)), goal, exact)
lifted, direct = dl.normalize(context, x).style, dl.decouple_moments(x).values
print("c4, c5, c6 by the lift:     ", np.round(lifted[3:], 6))
print("c4, c5, c6 by polynomials:  ", np.round(direct[3:], 6))
assert np.allclose(lifted, direct, atol=1e-8)

# %% [markdown]
# They are. Later lessons move the features of a neural network with this same engine.
#
# ## Are they decoupled?
#
# Lesson 1 called two features decoupled where their gradients are orthogonal. So we compute all gradients, at the ten
# numbers above: of the usual (*coupled*) moments, by differences, and of the decoupled ones. We also compute
# the latter at another sample on $R_3$: the ten numbers after leg 3. Each table shows the cosines between gradients.


# %%
def differences(x, h=1e-5):
    """Return the gradients of the coupled moments, one per row."""
    steps = [(x + h * e, x - h * e) for e in np.eye(x.size)]
    columns = [dl.coupled_moments(up) - dl.coupled_moments(down) for up, down in steps]
    return np.transpose(columns) / (2 * h)


gradients = {"coupled moments": differences(ten)}
gradients["decoupled moments"] = dl.decoupled_gradients(ten)
after_leg_3 = dl.decouple_moments(ten, 4).sample
gradients["decoupled moments, on $R_3$"] = dl.decoupled_gradients(after_leg_3)

# %% mystnb={"image": {"alt": "Three tables of cosines; the more the moments are decoupled, the more entries are 0."}}
names = ["mean", "variance", "skewness", "kurtosis", "fifth", "sixth"]
cosines, labels = {}, [names, *[[f"$c_{k}$" for k in range(1, 7)]] * 2]
figure, axes = plt.subplots(1, 3, figsize=(12, 4.6), layout="constrained")
for ax, (title, rows), own_names in zip(axes, gradients.items(), labels, strict=True):
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines[title] = unit @ unit.T
    dl.show_cosines(ax, cosines[title], own_names, title)
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
coupled, anywhere, on = cosines.values()
print(f"skewness and kurtosis: {coupled[2, 3]:.2f}")
print(f"c3 and c4: {anywhere[2, 3]:z.2f}")
print(f"c4 and c5: {anywhere[3, 4]:z.2f}, but {on[3, 4]:z.2f} on R3")
assert coupled[2, 3] > 0.5 and np.allclose(anywhere[:4, :4], np.eye(4), atol=1e-8)
assert abs(anywhere[3, 4]) > 0.5 and np.allclose(on[:5, :5], np.eye(5), atol=1e-7)
on_r4 = dl.decoupled_gradients(dl.decouple_moments(ten, 5).sample)
assert abs(on_r4[4] @ on_r4[5]) < 1e-7

# %% [markdown]
# Skewness and kurtosis have a cosine of 0.90: at this sample one can hardly be moved without the other. The first
# four decoupled moments are orthogonal **everywhere**. From the fifth on this is lost: $c_4$ and $c_5$ are orthogonal
# on $R_3$, where $c_4$ is measured, but not elsewhere. In the same way $c_5$ and $c_6$ are orthogonal on $R_4$, where
# $c_5$ is measured. The third table is for a sample on $R_3$ only, so their 0.21 may remain.
#
# <details><summary>Optional: why the first four?</summary>
#
# The legs before $c_4$ move along $1$, $x$ and $x^2$. Together these make Möbius maps, and $c_4$ is blind to them. A
# feature that is blind to moves along $x^3$ as well would be blind to combinations of moves, which lead along $x^4$ and
# every higher power. It would be constant.
#
# </details>
#
# Nested normalization promises no more than this, for moments as for neural networks: features that are decoupled *on*
# the reference manifold, and in general not away from it.
#
# <details><summary>In the thesis</summary>
#
# Section 2.2 (*normalización*) decouples the first three moments as we did. Its figure 2.2 of nested reference
# manifolds (*variedades de referencia*) is a drawing. Leg 3 and what comes after it are from arXiv 2207.02132.
#
# </details>
#
# ## Imposing: the way back
#
# To **impose** decoupled moments, run the legs backwards and in reverse order. Start at the end of leg 3; move $m_4$
# to the wanted $c_4$ with $m_1$ to $m_3$ at their references; then leave $R_3$ by moving $m_3$ to $c_3$; then scale
# by $\sqrt{c_2}$, and add $c_1$. The function `change` at the beginning does this with the cat's own moments, except
# for one. Now measure the results again:

# %%
# NBVAL_CHECK_OUTPUT
for title, image in zip("ABC", (brightness, *images[1:]), strict=True):
    measured = dl.decouple_moments(image.ravel(), 4).values
    kurtosis = dl.coupled_moments(image.ravel(), 4)[3]
    numbers = [f"c{k} = {c:z.4f} " for k, c in enumerate(measured, start=1)]
    print(f"{title}:", *numbers, f"usual kurtosis {kurtosis:.2f}")
    assert np.sum(np.abs(measured - own.values) > 1e-8) == (title != "A")
    assert np.array_equal(np.argsort(image.ravel()), np.argsort(brightness))

# %% [markdown]
# In B and C exactly one decoupled moment differs from the photograph's. The usual kurtosis is no such number: it
# changes in B as well, although only the skewness was asked for. Try both at once:


# %%
def draw_cat(ax, skewness, orthokurtosis):
    values = [*own.values[:2], skewness, orthokurtosis]
    image = dl.impose_moments(own.sample, values).reshape(cat.shape)
    show_gray(ax, image, f"skewness {skewness:.1f}, orthokurtosis {orthokurtosis:.1f}")
    outside = np.mean((image < 0) | (image > 1))
    return f"mean and variance are the photograph's; clipped pixels: {outside:.1%}"


sliders = {"skewness": (-1.0, 2.0, 1.0, 0.1), "orthokurtosis": (1.3, 3.5, 1.5, 0.1)}
dl.explore("The cat with other moments", draw_cat, **sliders)

# %% [markdown]
# ## A transfer in miniature
#
# Style transfer in its smallest form: measure the decoupled moments of an *origin*, bring a *target* to the reference,
# and impose the origin's moments on it. Here the samples are the red, green and blue values of two photographs, four
# moments each.

# %%
origin = dl.dequantize(dl.load_picture("coffee", max_side=192).array)
target = dl.dequantize(dl.load_picture("chelsea", max_side=192).array)


def transfer(origin, target):
    """Give each color channel of the target the origin's decoupled moments."""
    colors = [np.moveaxis(image, -1, 0) for image in (origin, target)]
    pairs = zip(*colors, strict=True)
    result = [dl.transfer_moments(a.ravel(), b.ravel(), 4) for a, b in pairs]
    return np.stack(result, axis=-1).reshape(target.shape)


# %% mystnb={"image": {"alt": "A coffee cup, a cat, the cat in warm colors of strong contrast, and the cat again."}}
result = transfer(origin, target)
back = transfer(target, result)
names = "origin", "target", "result", "its own moments again"
shown = dict(zip(names, (origin, target, result, back), strict=True))
figure, axes = plt.subplots(1, 4, figsize=(12, 2.4), layout="constrained")
for ax, (title, image) in zip(axes, shown.items(), strict=True):
    dl.show_picture(ax, image, title)
plt.show()


# %%
# NBVAL_CHECK_OUTPUT
def measure(image):
    return [dl.decouple_moments(color.ravel(), 4).values for color in image.T]


print("red of the origin:", np.round(measure(origin)[0], 3))
print("red of the result:", np.round(measure(result)[0], 3))
error = dl.max_error(back, target)
print(f"largest error after the way back: {error:.6f}")
assert np.allclose(measure(result), measure(origin)) and error < 1e-6

# %% [markdown]
# Twelve numbers have crossed over, and the result has the warm cast and the strong contrast of the coffee table. And
# nothing is lost: imposing the target's own moments on the result gives the target again.
#
# But no wood and no cup has crossed over, because moments do not know where a pixel is. For textures we need
# features that look at neighborhoods. They are the subject of lesson 3.
#
# Are decoupled moments also better features for *recognizing* things? Measured answers are mixed (see the project's
# page of findings). What decoupling surely buys: one number can be changed while others stand still, and there is a
# way back. That is what a transfer of style needs.
#
# ## Exercises
#
# **Exercise 2.2.** A sample $x$ has the decoupled moments $c = (2, 4, 1, 2.5)$. What are the four decoupled moments
# of $7 - 10x$? Think before you compute.

# %% tags=["exercise"]
moments = ...  # replace the dots by four numbers in a list
dl.check("2.2", moments)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 2.2
moments = [7 - 10 * 2, 10**2 * 4, -1, 2.5]  # z changes its sign, and so does its cube
dl.check("2.2", moments)

# %% [markdown]
# **Exercise 2.3.** At the sample 0, 1, 2, 4: what is the cosine between the gradients of skewness and kurtosis? And
# between those of $c_3$ and $c_4$? (Four numbers cannot run all legs, so ask for four moments:
# `dl.decoupled_gradients(four, 4)`.)

# %% tags=["exercise"]
four = np.array([0.0, 1.0, 2.0, 4.0])
usual = ...  # replace the dots
decoupled = ...
dl.check("2.3", usual, decoupled)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 2.3
skewness, kurtosis = differences(four)[2:4]
usual = skewness @ kurtosis / np.linalg.norm(skewness) / np.linalg.norm(kurtosis)
third, fourth = dl.decoupled_gradients(four, 4)[2:]
decoupled = third @ fourth / np.linalg.norm(third) / np.linalg.norm(fourth)
dl.check("2.3", usual, decoupled)

# %% [markdown]
# **Exercise 2.4.** Not every sample can reach every reference. Find eight numbers, at least three of them different,
# for which legs 1 to 3 succeed and leg 4 cannot bring $m_4$ to 3. The call `dl.decouple_moments(eight, 5)` runs these
# four legs.

# %% tags=["exercise"]
eight = ...  # replace the dots by eight numbers in a list
dl.check("2.4", eight)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 2.4
eight = [-2, -2, -1, -0.5, 0.5, 1, 2, 2]  # tied ends stay tied: 2 of 8 at each end
dl.check("2.4", eight)

# %% [markdown]
# **Exercise 2.5.** The cat with the coffee table's moments shows neither wood nor a cup. Explain why no transfer of
# moments can ever move a texture, however many moments it uses.

# %% tags=["exercise"]
why = """
"""
dl.check("2.5", why)

# %% [markdown] tags=["model-answer"]
# <details><summary>Model answer</summary>
#
# A moment is an average over all pixels, and each pixel counts by its own value alone. Shuffle the pixels of an image
# and every moment stays the same, while every texture is gone. So moments cannot know textures, which are relations
# between neighboring pixels. Besides, every leg maps equal values to equal values in increasing order: the result is
# the target with another gray scale, and what was flat stays flat.
#
# </details>

# %%
dl.progress()

# %% [markdown]
# To hand in your answers, run `dl.export_answers("answers_02.json", student="Your Name")`.
#
# ## Quiz
#
# **1.** Why does imposing start with the last moment and not with the first?
#
# <details><summary>Answer</summary>
#
# $c_4$ was measured with $m_1$, $m_2$ and $m_3$ at the reference, so it has to be imposed there. Once $m_3$ has left
# its reference value, moving $m_4$ would set another number.
#
# </details>
#
# **2.** A sample has kurtosis 9 and orthokurtosis 3. What do you know about it?
#
# <details><summary>Answer</summary>
#
# It is skewed, and a Möbius map explains its heavy tail: after leg 3 its tails are as heavy as those of a normal
# sample.
#
# </details>
#
# **3.** On $R_3$, $c_4$ and $c_5$ have orthogonal gradients. May we call them decoupled?
#
# <details><summary>Answer</summary>
#
# On $R_3$, yes; everywhere, no. At the ten numbers of this lesson their cosine is $-0.71$. Always say on which set.
#
# </details>
#
# ## Take-aways
#
# - Nested normalization brings features to their references one after another; the projection holds the earlier ones.
# - The decoupled moment $c_k$ is $m_k$ just before leg $k$. Imposing runs the legs backwards, from the last to the
#   first.
# - Leg 3 is a Möbius map. Orthokurtosis is the kurtosis that remains after it.
# - Decoupled moments are orthogonal where they are measured. The first four are so everywhere.
#
# ## Further reading
#
# - Martínez-Enríquez, González & Portilla (2022), arXiv 2207.02132: decoupled moments, and features of filters.
# - Canham et al. (2022), arXiv 2212.02953: decoupled features, applied to images.
#
# Next: lesson 3 looks for features that know textures, in a neural network.
