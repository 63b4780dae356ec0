# %% [markdown]
# # 1. Gradient systems: how to move one feature and leave another alone
#
# A photograph was changed twice below. Both changes lower the *mean square* of its gray values to the same number.
# **Why did the first make the picture darker, while the second left its brightness alone and took its contrast?**
#
# At the end of this lesson you will be able to compute both, and to go back the way you came. About 30 minutes,
# without the exercises.

# %%
import matplotlib.pyplot as plt
import numpy as np

import decoupling_lib as dl

dl.use_kit_settings()  # pictures look the same on every computer

# %%
photo = dl.load_picture("china", (192, 288)).array.mean(axis=2)  # gray values
mean, square = np.mean(photo), np.mean(photo**2)
wanted = square - 0.85 * np.var(photo)  # a lower mean square
darker = np.sqrt(wanted / square) * photo
paler = mean + np.sqrt((wanted - mean**2) / np.var(photo)) * (photo - mean)
assert np.allclose([np.mean(darker**2), np.mean(paler**2)], wanted)
assert np.mean(darker) < 0.9 * mean and np.isclose(np.mean(paler), mean)

# %% mystnb={"image": {"alt": "A pagoda; darker; gray in gray. Its values move toward 0, or toward their mean."}}
shapes = {"figsize": (11, 4.4), "height_ratios": (3, 1), "layout": "constrained"}
figure, axes = plt.subplots(2, 3, sharex="row", sharey="row", **shapes)
titles = ("The photograph", "First change", "Second change")
for ax, below, image, title in zip(*axes, (photo, darker, paler), titles, strict=True):
    dl.show_picture(ax, np.stack([image] * 3, axis=-1), title)
    below.hist(image.ravel(), np.linspace(0, 1, 51), color="0.7")
    below.axvline(np.mean(image), color=dl.COLORS[3])
    numbers = f"mean {np.mean(image):.3f}, mean square {np.mean(image**2):.3f}"
    below.set(xlabel=numbers, yticks=[])
plt.show()

# %% [markdown]
# Below each image is the histogram of its gray values, from black on the left to white on the right. The line is their
# mean.
#
# ## Learning goals
#
# After this lesson you can
#
# - tell from two gradients whether two features disturb each other;
# - follow a gradient until a feature has the value that you want, and say what has not changed on the way;
# - turn a disturbed feature into one that stays put, and draw its level sets;
# - write the *lift* in NumPy: the shortest step that moves some features and holds others;
# - explain why the lift finds its way back, and why the descent of a loss does not.
#
# You need partial derivatives, matrices, and some NumPy.
#
# ## Notation
#
# | symbol | meaning |
# |---|---|
# | $x$ | a point of $\mathbb{R}^N$: all $N$ numbers of an image |
# | $f, g$ | features: smooth functions that give one number for each $x$ |
# | $\nabla f$ | the gradient of $f$: the direction in which $f$ grows fastest |
# | $c, v$ | the value that $f$ has at the start, and the value that we want |
# | $s$ | how much of the way is done, from 0 to 1 |
# | $R(v)$ | the reference manifold: all points at which $f = v$ |
# | $\check x$ | the normalized point: where the gradient curve through $x$ meets $R(v)$ |
# | $\check g(x) = g(\check x)$ | the feature $g$, decoupled from $f$ |
# | $A$ | the Jacobian of several features: one gradient in each row |
# | $A^{+}$ | $A^\top (A A^\top)^{-1}$, the pseudoinverse of $A$ |

# %% [markdown]
# ## Two features can disturb each other
#
# An image is a list of numbers, and a **feature** (Spanish: *característica*) is a number that is measured on it. Take
# two simple ones, the mean and the mean square. Now change the image a little along $\nabla f$, by
# $\varepsilon \nabla f$. Another feature $g$ changes too, by about
#
# $$\varepsilon \, \nabla g \cdot \nabla f .$$
#
# If this product is 0, $g$ does not notice, and $f$ and $g$ are **decoupled** (*desacopladas*) at $x$. Otherwise they
# are **coupled**. What counts is the angle between the gradients, and its cosine says how strongly they are coupled:
# 0 is decoupled, 1 or −1 is as coupled as can be.
#
# | feature | formula | gradient |
# |---|---|---|
# | mean | $m = \frac1N \sum_i x_i$ | $\frac1N (1, \dots, 1)$ |
# | mean square | $\frac1N \sum_i x_i^2$ | $\frac2N \, x$ |
# | variance | $\frac1N \sum_i (x_i - m)^2$ | $\frac2N \, (x - m)$ |


# %%
# NBVAL_CHECK_OUTPUT
def cosine(a, b):
    return np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b)


ones = np.ones_like(photo)
coupled, decoupled = cosine(ones, photo), cosine(ones, photo - mean)
print(f"mean and mean square: {coupled:.3f}")
print(f"mean and variance:    {abs(decoupled):.3f}")
assert np.isclose(coupled, mean / np.sqrt(square)) and abs(decoupled) < 1e-12

# %% [markdown]
# So the mean square is coupled to the mean, and the variance is not: $\sum_i (x_i - m) = 0$, whatever the image is.
#
# This answers the question of the beginning. The first change goes against the gradient of the mean square, that is
# along $-x$: it pulls all values toward 0, and the picture becomes darker. The second change goes along $-(x - m)$,
# which is what is left of that gradient when its part along the gradient of the mean has been taken away. It pulls all
# values toward their mean, and the picture becomes paler.
#
# For two features one can guess such directions. The rest of this lesson shows how to find them for any features, and
# how to follow them all the way.
#
# <details><summary>In the thesis</summary>
#
# Section 2.1 of the thesis gives mean and variance as its example of two coupled features. By its own definition of
# decoupling (Definition 2: the product of the gradients is 0) they are decoupled everywhere. Mean and mean square are
# the coupled pair.
#
# </details>

# %% [markdown]
# ## Following a gradient
#
# Let us leave photographs for a while, and look at points of the plane. There, everything can be drawn. Our feature is
#
# $$f(x_1, x_2) = \tfrac12 (x_1^2 + 3 x_2^2), \qquad \nabla f = (x_1, \; 3 x_2).$$


# %%
def f(x):
    return (x[0] ** 2 + 3 * x[1] ** 2) / 2


def gradient(x):
    return np.array([x[0], 3 * x[1]])


# %% [markdown]
# We start at a point where $f = c$ and want to arrive where $f = v$, following the gradient all the way. A curve that
# follows a gradient is the solution of a differential equation, which is called a **gradient system**. Which speed is
# right? Let us try
#
# $$\frac{dx}{ds} = (v - c)\, \frac{\nabla f}{\|\nabla f\|^2} .$$
#
# By the chain rule, $f$ then changes at the rate $\nabla f \cdot \frac{dx}{ds} = v - c$, which is constant. So $f$
# grows in a straight line, from $c$ at $s = 0$ to $v$ at $s = 1$. We never have to ask when to stop. This is the only
# speed that the course uses.
#
# A computer takes small steps, $x + \frac{dx}{ds}\, \Delta s$. This is Euler's rule.


# %%
def follow(x, v, steps):
    points, c = [x], f(x)
    for _ in range(steps):
        slope = gradient(x)
        x = x + (v - c) * slope / np.sum(slope**2, axis=0) / steps
        points.append(x)
    return np.stack(points)


# %% [markdown]
# `points` has one row for each step, and `x` may hold several points at once, one per column. Does $f$ grow in a
# straight line?

# %%
# NBVAL_CHECK_OUTPUT
starts = np.array([[2.4, 2.7, -2.5, 0.7], [1.6, 0.6, 1.2, 0.25]])
paths = follow(starts, 1.0, 100)
values = f(paths[:, :, 0].T)
for k in (0, 25, 50, 75, 100):
    print(f"s = {k / 100:.2f}: f = {values[k]:.2f}")
straight = np.linspace(values[0], 1.0, 101)
assert np.max(np.abs(values - straight)) < 0.05

# %% [markdown]
# Nearly. A step is straight where the curve bends, so the end is a little off.
#
# Here are four points on their way. Press Play, or move the slider. The gray curves are *level sets* of $f$: all points
# of one curve have the same value of $f$. The blue one is the level set $f = 1$, our **reference manifold** $R(1)$.

# %%
across, up = np.meshgrid(np.linspace(-3, 3, 120), np.linspace(-2, 2, 80))
grid = np.stack([across, up])


def background(ax):
    ax.contour(across, up, f(grid), levels=8, colors="0.8", linewidths=0.8)
    ax.contour(across, up, f(grid), levels=[1], colors=dl.COLORS[1], linewidths=2.5)
    ax.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$")


# %%
def draw(ax, k):
    background(ax)
    ax.plot(paths[: k + 1, 0], paths[: k + 1, 1], color=dl.COLORS[3])
    ax.plot(*paths[k], "o", color=dl.COLORS[3])
    ax.set_title(f"s = {k / 100:.2f}")


text = "Four points run along gradient curves of f to the ellipse f = 1."
dl.animate(draw, range(0, 101, 5), text)

# %% [markdown]
# Points outside of the ellipse come in, and the one inside goes out. Where a curve meets $R(v)$ is the **normalized
# point** $\check x$. The whole gradient curve is called the *invariance manifold* of its points, because they share
# everything that is measured at $\check x$.
#
# In the plane we can check where the curves end. Along the gradient, $x_2$ changes three times as fast as $x_1$ in
# proportion, so every curve is a cubic, $x_2 = a\, x_1^3$. How far from the cubic through its start is each end?

# %%
# NBVAL_CHECK_OUTPUT
cubic = starts[1] / starts[0] ** 3
misses = {}
for steps in (100, 200, 400):
    end = follow(starts, 1.0, steps)[-1]
    misses[steps] = np.max(np.abs(end[1] - cubic * end[0] ** 3))
    print(f"{steps} steps: at most {misses[steps]:.4f} away")
assert np.isclose(misses[100] / misses[200], 2, rtol=0.1)
assert np.isclose(misses[200] / misses[400], 2, rtol=0.1)

# %% [markdown]
# Twice as many steps halve the error: Euler's rule is of *order* 1. Better rules are the subject of lesson 10. Try it
# out: how many steps does it take until $f$ ends within 0.1 of 1? (Sliders need a running notebook.)
#
# <details><summary>Answer</summary>
#
# 34. It never is exactly 1: with 40 steps $f$ ends at 1.08, with 100 at 1.03.
#
# </details>


# %% mystnb={"image": {"alt": "A curve ends on the blue ellipse; four long steps beside it end outside."}}
def draw_steps(ax, steps):
    background(ax)
    rough = follow(starts[:, 0], 1.0, steps)
    ax.plot(*paths[:, :, 0].T, color=dl.COLORS[3], label="100 steps")
    ax.plot(*rough.T, "k.--", label=f"{steps} steps")
    ax.legend(loc="lower right")
    return f"{steps} steps end at f = {f(rough[-1]):.3f}; wanted is 1."


dl.explore("Euler's rule", draw_steps, steps=(1, 40, 4))

# %% [markdown]
# <details><summary>In the thesis</summary>
#
# The thesis writes a gradient system as $\dot x = -\nabla f$ (Definition 3). It has the same curves with another clock:
# points slow down as the gradient fades, and one has to decide when to stop.
#
# </details>

# %% [markdown]
# **Exercise 1.1.** The feature $f = \frac12 (x_1^2 + a\, x_2^2)$ has gradient curves $x_2 = x_1^p$ through the point
# $(1, 1)$. What is the exponent $p$ for $a = 2$? Find it by following the curve down to $f = 0.1$. The library does
# that: `dl.bowl(2.0)` is the feature with $a = 2$, then come the list of starts, the value at which to end, and the
# window of a drawing (left, right, bottom, top), which does not matter here. The points of a curve are its rows. If you
# are stuck: `dl.hint("1.1")`.

# %% tags=["exercise"]
start = np.array([1.0, 1.0])
(curve,) = dl.portrait(dl.bowl(2.0), [start], 0.1, (0, 1, 0, 1)).curves
exponent = ...  # replace the dots
dl.check("1.1", exponent)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 1.1
exponent = np.polyfit(*np.log(curve.T), 1)[0]
dl.check("1.1", exponent)

# %% [markdown]
# ## Normalizing decouples
#
# Let $g$ be any other feature. We do not measure it at $x$, but at the normalized point:
#
# $$\check g(x) = g(\check x(x)) .$$
#
# All points of a gradient curve of $f$ have the same $\check x$. So $\check g$ does not change along such a curve, and
# its gradient has no part along $\nabla f$: **$\check g$ and $f$ are decoupled**, at every point from which a gradient
# curve leads to $R(v)$.
#
# Let us see this for $g(x) = x_2$, the height of a point. Level sets of $g$ are horizontal lines. What are those of
# $\check g$? We normalize every point of the grid, and measure the height there. Only near the center nothing is drawn:
# at the center itself the gradient is 0, so there is no way out.

# %% mystnb={"image": {"alt": "Left, lines cross the ellipses at all angles; right, at right angles."}}
heights = follow(grid, 1.0, 200)[-1, 1]
heights[f(grid) < 0.05] = np.nan
levels = np.linspace(-0.75, 0.75, 11)
figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
for ax, height, name in zip(axes, (up, heights), ("g", "ǧ"), strict=True):
    background(ax)
    ax.contour(across, up, height, levels, colors=dl.COLORS[3], linestyles="solid")
    ax.set_title(f"Level sets of {name}")
plt.show()

# %% [markdown]
# On the left, brown and gray lines cross at all angles. On the right, they cross at right angles everywhere: the level
# sets of $\check g$ are made of gradient curves of $f$. On the blue curve itself nothing has changed, because there
# $\check x = x$ and so $\check g = g$.
#
# And the numbers? The gradient of $\check g$ comes from differences, at a point $p$:

# %%
# NBVAL_CHECK_OUTPUT
p, h = np.array([2.4, 1.6]), 1e-3
around = p[:, None] + h * np.array([[1, -1, 0, 0], [0, 0, 1, -1]])
left, right, above, below = follow(around, 1.0, 4000)[-1, 1]
gradient_after = np.array([left - right, above - below]) / (2 * h)
before, after = cosine([0, 1], gradient(p)), cosine(gradient_after, gradient(p))
print(f"cosine with the gradient of f: {before:.2f} for g, {abs(after):.2f} for ǧ")
assert before > 0.8 and abs(after) < 0.005

# %% [markdown]
# ## The lift: several features at once
#
# A style has many features. Write their values as a list $f = (f_1, \dots, f_n)$, and their gradients as the rows of
# the **Jacobian** $A$, which has $n$ rows and $N$ columns. If $x$ moves with the velocity $u$, the features change at
# the rates $A u$. We want certain rates $r$:
#
# $$A\, u = r .$$
#
# These are $n$ equations for $N$ unknowns. Later, $n = 192$ features of an image of $N = 67{,}500$ numbers have to
# obey: almost all directions stay free, and this is why the content of a picture survives. Which $u$ should we take?
# The shortest. It has no part that changes no feature, so it is a combination of the gradients, $u = A^\top \lambda$.
# Put this into the equation, and
#
# $$(A A^\top)\, \lambda = r, \qquad u = A^\top \lambda = A^{+} r .$$
#
# This velocity is called the **lift**: it lifts a straight line between values of features to a curve of images. For
# one feature and $r = v - c$ it is the formula that we already know. And to **hold** a feature while others move, we
# ask for the rate 0. The second change of the photograph has $r = (0, \; v - c)$ for mean and mean square.
#
# **Exercise 1.2.** Write the function `lift`, which receives $A$ of shape $(n, N)$ and $r$ of shape $(n,)$ and returns
# $u$ of shape $(N,)$. Two lines of NumPy are enough.


# %% tags=["exercise"]
def lift(A, r):
    return ...  # write your function here


dl.check("1.2", lift)


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 1.2
def lift(A, r):
    multipliers = np.linalg.solve(A @ A.T, r)
    return A.T @ multipliers


dl.check("1.2", lift)

# %% [markdown]
# The library has this function too. Its last two arguments are for later: `live` leaves features out (lesson 4), and
# damping makes the velocity gentler (lesson 9). Here both features take part, with the damping 0. (The two ones in
# `Damping` are scales, which matter only if the damping is not 0.)

# %%
# NBVAL_CHECK_OUTPUT
x = photo.ravel()
A = np.stack([np.ones(x.size), 2 * x]) / x.size  # gradients of mean and mean square
r = np.array([0, wanted - square])
u = dl.dense_velocity(A, r, live=np.ones(2, bool), damping=dl.Damping(0, np.ones(2)))
print(f"rate of the mean:        {abs(A[0] @ u):.3f}")
print(f"rate of the mean square: {A[1] @ u:.3f}, wanted {wanted - square:.3f}")
print(f"cosine with -(x - mean): {cosine(u, mean - x):.3f}")
assert np.allclose(A @ u, r) and np.isclose(cosine(u, mean - x), 1)

# %% [markdown]
# The lift found the direction that we had guessed. Now the library follows it all the way. `dl.normalize` moves one
# feature after the other to its reference value, and holds those that have theirs. First comes the mean, whose
# reference is the value that it has, so nothing moves; then the mean square, in 100 steps. The `Context` is what all
# steps share: features, reference and settings. The rest of the course does the same with a neural network.

# %%
# NBVAL_CHECK_OUTPUT
features = dl.Counted(dl.moment_feature_map(2))  # it counts what is computed
damping = dl.Damping(0, np.ones(2))
reference = dl.Reference(np.array([mean, wanted]), np.ones(2, bool), damping)
result = dl.normalize(dl.Context(features, reference, dl.Settings(steps=100)), x).x
print(f"mean {np.mean(result):.3f}, mean square {np.mean(result**2):.3f}")
difference = np.max(np.abs(result - paler.ravel()))
print(f"largest difference from the second change: {difference:.4f}")
assert difference < 1e-4

# %% [markdown]
# ## There and back
#
# A transfer of style needs the way **back**, from the reference to given values of the features. Exchange $c$ and
# $v$: the lift's velocity $A^{+} (v - c)$ only changes its sign, at every point. So the way back is the way there,
# backwards.
#
# The usual method goes downhill on a *loss*, the squared distance $\|f - v\|^2$. Its velocity is $A^\top (v - f)$, up
# to a factor. It arrives as well. But it pulls toward its target, and on the way back the target is another one.
#
# We try both on a network in miniature. It takes 12 weighted sums of 16 numbers (by *filters*), bends each by the
# smooth kink $\log(1 + e^t)$, which is called *softplus*, and adds the results up in three ways: 3 features.

# %%
rng = np.random.default_rng(0)
mix, filters = rng.random((3, 12)) + 0.1, rng.standard_normal((12, 16))


def network(x):
    return mix @ np.log(1 + np.exp(filters @ x))


def jacobian(x):
    return (mix / (1 + np.exp(-filters @ x))) @ filters


# %% [markdown]
# `travel` follows a velocity from $s = 0$ to $s = 1$ and keeps the points on the way. `there_and_back` goes from $x$ to
# the features $v$, and from there back to the features of $x$.


# %%
def travel(x, velocity):
    points = [x]

    def keep(step, point):
        points.append(point)

    dl.integrate(velocity, x, "adaptive", 20000, 1e-9, keep)  # steps of the right size
    return np.stack(points)


def there_and_back(x, go_to):
    there = go_to(x, v)
    return there, go_to(there[-1], network(x))


# %%
def by_lift(x, goal):
    r = goal - network(x)
    return travel(x, lambda p: np.linalg.pinv(jacobian(p)) @ r)


def by_descent(x, goal):
    time = 40  # enough to arrive
    return travel(x, lambda p: time * jacobian(p).T @ (goal - network(p)))


here, v = rng.standard_normal(16), network(0.3 * rng.standard_normal(16))
trips = {"the lift": there_and_back(here, by_lift)}
trips["descent"] = there_and_back(here, by_descent)

# %% [markdown]
# Sixteen dimensions cannot be drawn. We project both trips on the two directions in which they extend most, which the
# singular value decomposition finds (`np.linalg.svd`).

# %%
points = np.concatenate([*trips["the lift"], *trips["descent"]])
side = np.linalg.svd(points - here, full_matrices=False)[2][:2]

# %% mystnb={"image": {"alt": "The lift: both ways on one curve. Descent: the way back misses the start widely."}}
figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharex=True, sharey=True)
for ax, (name, (there, back)) in zip(axes, trips.items(), strict=True):
    ax.plot(*(side @ (there - here).T), color=dl.COLORS[1], linewidth=4, label="there")
    ax.plot(*(side @ (back - here).T), "--", color=dl.COLORS[3], label="back")
    ax.plot(0, 0, "ko", label="start")
    ax.set(title=f"There and back by {name}", xlabel="along the main direction")
axes[0].set_ylabel("along the second one")
axes[0].legend()
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
off = {}
for name, (there, back) in trips.items():
    arrived = np.max(np.abs(network(there[-1]) - v))
    off[name] = np.linalg.norm(back[-1] - here) / np.linalg.norm(here)
    print(f"{name}: arrives within {arrived:.5f}, returns {off[name]:.4%} off")
    assert arrived < 1e-5 and np.allclose(network(back[-1]), network(here), atol=1e-5)
assert off["the lift"] < 1e-6 and off["descent"] > 0.01

# %% [markdown]
# Both ended with the right features, there and back. Only the lift ended at the image that it had started from.
#
# ## Exercises
#
# **Exercise 1.3.** Take the four numbers 0, 1, 2, 4. The variance is decoupled from the mean. Is the third *central*
# moment, $\frac1N \sum_i (x_i - m)^3$, decoupled from the mean? And from the variance? Give both cosines, that with the
# mean first.

# %% tags=["exercise"]
numbers = np.array([0.0, 1.0, 2.0, 4.0])
with_mean = ...  # replace the dots
with_variance = ...
dl.check("1.3", with_mean, with_variance)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 1.3
centered = numbers - np.mean(numbers)
third = 3 * (centered**2 - np.var(numbers)) / numbers.size
with_mean = cosine(third, np.ones(4))
with_variance = cosine(third, centered)
dl.check("1.3", with_mean, with_variance)

# %% [markdown]
# **Exercise 1.4.** Holding a feature has a price. Take the same four numbers, and raise their mean square at the rate
# 1: once with the mean held, once with the mean free. How many times as long is the first velocity as the second?

# %% tags=["exercise"]
ratio = ...  # replace the dots
dl.check("1.4", ratio)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 1.4
rows = np.stack([np.ones(4), 2 * np.array([0.0, 1.0, 2.0, 4.0])]) / 4
held, free = lift(rows, np.array([0.0, 1.0])), lift(rows[1:], np.array([1.0]))
ratio = np.linalg.norm(held) / np.linalg.norm(free)
dl.check("1.4", ratio)

# %% [markdown]
# **Exercise 1.5.** Why does the lift come back to where it started, and why does descent not? Write two or three
# sentences between the quotes.

# %% tags=["exercise"]
why = """
"""
dl.check("1.5", why)

# %% [markdown] tags=["model-answer"]
# <details><summary>Model answer</summary>
#
# The lift's velocity at a point depends on the point and on $v - c$ alone. With $c$ and $v$ exchanged it is the same
# field with the opposite sign, so the curve is followed backwards. The velocity of descent, $A^\top (v - f)$, depends
# on the target. On the way back the target is $c$: the field is $A^\top (c - f)$, which is not $-A^\top (v - f)$, and
# another field has other curves.
#
# A good answer says that the field of the lift is reversed, and that the field of descent is replaced by another one.
# "The lift is more exact" is not enough: both arrive at the right features.
#
# </details>

# %%
dl.progress()

# %% [markdown]
# To hand in your answers, run `dl.export_answers("answers_01.json", student="Your Name")`.
#
# ## Quiz
#
# **1.** Two features of an image have parallel gradients. Can you move one of them and hold the other?
#
# <details><summary>Answer</summary>
#
# No. Every change that moves one also moves the other, at least to first order. The matrix $A A^\top$ has no inverse,
# and the lift does not exist. If the gradients are nearly parallel, it exists and is very long.
#
# </details>
#
# **2.** What is $\check f$, the feature $f$ measured after its own normalization?
#
# <details><summary>Answer</summary>
#
# It is $v$, for every $x$: all normalized points lie on $R(v)$. Normalizing forgets $f$, and keeps what is decoupled
# from it.
#
# </details>
#
# **3.** A friend says: "Mean and mean square are coupled, so one cannot choose them independently." Is that right?
#
# <details><summary>Answer</summary>
#
# No. The second change of the photograph lowered the mean square and left the mean as it was. Coupled means that the
# gradient of one is not the direction to take: its part at right angles to the other gradient is.
#
# </details>
#
# ## Take-aways
#
# - Two features are decoupled where their gradients are at right angles.
# - The velocity $(v - c)\, \nabla f / \|\nabla f\|^2$ moves $f$ from $c$ to $v$ along a gradient curve, in unit time.
# - Measured after normalization, any feature is decoupled from $f$: its level sets are made of gradient curves of $f$.
# - The lift $A^{+} r$ is the shortest velocity that moves features at the rates $r$. A rate of 0 holds a feature.
# - The lift can be run backwards. The descent of a loss arrives, but does not come back.
#
# ## Further reading
#
# - Martínez-Enríquez, González & Portilla (2022), arXiv 2207.02132: the theory that this course builds on.
# - Hirsch, Smale & Devaney, *Differential Equations, Dynamical Systems, and an Introduction to Chaos*, chapter 9:
#   gradient systems.
# - Strang, *Introduction to Linear Algebra*, on the pseudoinverse: why the shortest solution lies in the row space.
#
# Next: lesson 2 normalizes several features one after the other, on the moments of a sample.
