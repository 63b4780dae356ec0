# %% [markdown]
# # 1. Gradient systems: how to move one feature and leave another alone
#
# An image, a sound, a list of numbers: each is a point $x$ of $\mathbb{R}^N$. A **feature** (Spanish: *característica*)
# is a number measured on it. This lesson shows when two features disturb each other, and how following a gradient
# turns a disturbed feature into one that stays put.
#
# ## What you'll do
#
# Measure the angle between gradients; follow gradient curves to a reference; watch a feature become decoupled; compare
# integrators; and go there and back, once by descent and once by the lift.
#
# ## What you'll learn
#
# - what *coupled* and *decoupled* mean, and that mean and variance are decoupled everywhere;
# - what a reference manifold and an invariance manifold are, and why normalizing along gradients decouples;
# - what the order of an integrator is, measured;
# - when the order of two features does not matter, and when it does;
# - why the way back needs the lift, not the descent of a loss.
#
# ## What you'll need
#
# Partial derivatives, a little linear algebra, some NumPy. About 25 minutes. It covers sections 2.1 and 2.2 of the
# thesis.

# %%
import matplotlib.pyplot as plt
import numpy as np

import decoupling_lib as dl
from decoupling_lib.figures.theory import STARTS

dl.use_kit_settings()  # plots look the same on every computer, whatever your own settings of Matplotlib are

# %% [markdown]
# ## Coupled or decoupled?
#
# Move $x$ a little along $\nabla f$: that is the direction in which $f$ grows fastest. Another feature $g$ changes by
# $\nabla g\cdot\nabla f$. If this is zero on a set $D$, then $f$ and $g$ are **decoupled** (*desacopladas*) on $D$
# (Definition 2). The cosine between the gradients tells how far they are from it.
#
# Take three features of a list of numbers: mean, mean square, variance.

# %%
# NBVAL_CHECK_OUTPUT
rng = np.random.default_rng(0)
x = rng.normal(2, 1, 50)
mean, square = dl.moment_feature_map(2).linearize(x).jacobian()
variance = square - 2 * np.mean(x) * mean  # of mean(x²) - mean(x)²
gradients = np.stack([mean, square, variance])
unit = gradients / np.linalg.norm(gradients, axis=1, keepdims=True)
cosines = unit @ unit.T
print("mean and mean square:", round(cosines[0, 1], 3))
print("mean and variance:   ", round(abs(cosines[0, 2]), 3))
assert cosines[0, 1] > 0.8
assert abs(cosines[0, 2]) < 1e-12

# %% [markdown]
# Mean and **variance** are decoupled, and not just here: $\nabla\,\mathrm{var}\cdot\nabla\,\mathrm{mean}$ is
# $\frac{2}{N^2}\sum_i (x_i - \bar x) = 0$ at every $x$. The thesis (section 2.1) gives these two as its example of
# *coupled* features; by its own definition they are not. Mean and **mean square** are: adding a constant to
# all numbers changes both.
#
# The variance *is* the mean square, made independent of the mean. The rest of this lesson is how to do that with any
# features.

# %% [markdown]
# ## A gradient system
#
# $\dot x = -\nabla f(x)$ is a gradient system (Definition 3). Its curves cross the level sets of $f$ at right
# angles. Divide the speed by $|\nabla f|^2$ and $f$ itself becomes the clock: along $\dot x = \nabla f/|\nabla
# f|^2$ the feature grows by exactly 1 in unit time.
#
# Choose a **reference value** $v$. The *reference manifold* $R(v)$ is where $f = v$. The *invariance manifold*
# $I(x)$ is the gradient curve through $x$. Where they meet is the **normalized** point $\check x$.
#
# In the plane, with $f = (x^2 + 3y^2)/2$, everything is known: $R(1)$ is an ellipse, and the gradient curves are the
# cubics $y = c\,x^3$. The picture below does not use that. It is computed by following the flow.

# %%
feature = dl.bowl(3.0)
starts = [np.array(point) for point in STARTS]
drawn = dl.portrait(feature, starts, value=1.0, extent=(-3, 3, -2, 2))
figure, ax = plt.subplots(figsize=(7.5, 5), layout="constrained")
dl.show_portrait(ax, drawn)
ax.set_title("Every point runs along its gradient curve to the reference")
plt.show()

# %% [markdown]
# *(Figure 2.1 of the thesis, from a real flow.)* Points outside the ellipse come in, the one inside goes out. The
# curves bend: the short way to the reference is not the gradient's way. Do they end where theory says?

# %%
# NBVAL_CHECK_OUTPUT
ends = np.stack([curve[-1] for curve in drawn.curves])
cubics = np.array([start[1] / start[0] ** 3 for start in starts])
on_reference = np.max(np.abs(ends[:, 0] ** 2 / 2 + 3 * ends[:, 1] ** 2 / 2 - 1))
on_curve = np.max(np.abs(ends[:, 1] - cubics * ends[:, 0] ** 3))
print("on the ellipse to 1e-8:", bool(on_reference < 1e-8))
print("on the cubic to 1e-8:  ", bool(on_curve < 1e-8))
assert on_reference < 1e-8 and on_curve < 1e-8

# %% [markdown]
# ## Normalizing decouples
#
# Let $g$ be any other feature, and measure it **after** normalizing: $\check g(x) = g(\check x(x))$. All points of a
# gradient curve share one $\check x$, so $\check g$ is constant along it: its gradient has nothing left in the
# direction of $\nabla f$.
#
# Said, now computed. Take $g(x, y) = y$ and differentiate $\check g$ numerically.

# %%
# NBVAL_CHECK_OUTPUT
point, h = np.array([2.4, 1.6]), 1e-4
around = [point + step for step in (np.array([h, 0]), np.array([-h, 0]), np.array([0, h]), np.array([0, -h]))]
heights = [curve[-1, 1] for curve in dl.portrait(feature, around, 1.0, (-3, 3, -2, 2)).curves]
gradient_after = np.array([heights[0] - heights[1], heights[2] - heights[3]]) / (2 * h)
gradient_f = feature.linearize(point).jacobian()[0]
before = gradient_f[1] / np.linalg.norm(gradient_f)
after = gradient_after @ gradient_f / np.linalg.norm(gradient_after) / np.linalg.norm(gradient_f)
print(f"cosine of the gradients: {before:.3f} before, {abs(after):.3f} after")
assert abs(before) > 0.8 and abs(after) < 1e-5

# %% [markdown]
# ## Step rules and their order
#
# A computer follows a curve in steps. A rule is of **order** $p$ if halving the step divides the error by $2^p$. The
# thesis descends by Euler's rule and hopes for Runge–Kutta in its outlook; the kit has both, a symmetric rule that we
# shall need for the way back, and a rule that chooses its own step.
#
# Here the exact end is known, so the order can be measured.

# %%
start = np.array([1.8, 1.7])
field = dl.unit_speed(feature, 1.0 - feature.values(start)[0])
exact = dl.integrate(field, start, "adaptive", 400, 1e-13).x
counts = 2 ** np.arange(3, 8)
figure, ax = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
slopes = {}
for name, marker in zip(["euler", "midpoint", "symmetric", "rk4"], "os^D", strict=True):
    errors = [np.linalg.norm(dl.integrate(field, start, name, int(n), 1e-13).x - exact) for n in counts]
    slopes[name] = -np.polyfit(np.log(counts[1:4]), np.log(errors[1:4]), 1)[0]
    ax.loglog(counts, errors, marker=marker, label=f"{name}: order {dl.RULES[name].order}, measured {slopes[name]:.2f}")
chosen = dl.integrate(field, start, "adaptive", 400, 1e-8)
ax.loglog(chosen.steps, np.linalg.norm(chosen.x - exact), "k*", markersize=12, label="adaptive, tolerance 1e-8")
ax.set(xlabel="steps", ylabel="distance to the exact end", title="The error falls by the order of the rule")
ax.legend(fontsize=8)
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
for name, slope in slopes.items():
    assert abs(slope - dl.RULES[name].order) < 0.3, name
    print(f"{name:10} order {dl.RULES[name].order}")
print("adaptive   within 1e-6 in under 30 steps:", chosen.steps < 30 and bool(np.linalg.norm(chosen.x - exact) < 1e-6))

# %% [markdown]
# ## Several features, and when their order matters
#
# With two features, first run along $\nabla f_1$ to $R_1$; then bring $f_2$ to its reference **within** $R_1$,
# along the part of $\nabla f_2$ at right angles to $\nabla f_1$. That is the *nested* normalization of lesson 2.
# Would the other order of the features end at the same point?
#
# Only if the two gradient directions fit together into surfaces (Frobenius). A test anyone can do: walk a small
# square, $h$ along $a$, $h$ along $b$, back along $a$, back along $b$. You miss the start by about $h^2[a, b]$. If
# the miss stays within the plane of $a$ and $b$, at every point, the field **closes**.
#
# On samples of numbers the gradient of $m_k$ is along $x^{k-1}$. So mean and mean square have the fields $1$ and $x$,
# mean and mean cube $1$ and $x^2$.

# %%
# NBVAL_CHECK_OUTPUT
y, h = np.array([-1.0, 0.3, 0.8, 2.0]), 1e-3
ones = np.ones(4)
misses = {}
for name, power in (("mean and mean square", 1), ("mean and mean cube", 2)):
    z = y
    for sign in (1, -1):
        z = dl.integrate(lambda p, s=sign: s * h * ones, z, "rk4", 4).x
        z = dl.integrate(lambda p, s=sign, k=power: s * h * p**k, z, "rk4", 4).x
    miss = z - y
    outside = dl.to_tangent(np.stack([ones, y**power]), miss)
    misses[name] = np.linalg.norm(outside) / np.linalg.norm(miss)
    print(f"{name}: {misses[name]:.2f} of the miss is outside of the plane")
assert misses["mean and mean square"] < 0.01 < 0.2 < misses["mean and mean cube"]

# %% [markdown]
# The first pair closes, the second does not. So the order of mean and mean square should not matter, that of mean
# and mean cube should. Both normalizations, by the engine that later moves VGG's features:

# %%
# NBVAL_CHECK_OUTPUT
exactly = dl.Settings(rule="adaptive", steps=2000, tolerance=1e-11, solver_tolerance=1e-12, threshold=1e-9)
apart = {}
for name, power, value in (("mean and mean square", 2, 1.0), ("mean and mean cube", 3, 0.5)):
    ends = []
    for order in ((1, power), (power, 1)):
        powers = np.array(order)
        pair = dl.ClosedForm(
            tuple(dl.Block(f"m{k}", 1) for k in order),
            lambda p, k=powers: np.array([np.mean(p**j) for j in k]),
            lambda p, k=powers: np.stack([j * p ** (j - 1) / p.size for j in k]),
        )
        values = np.array([0.0 if k == 1 else value for k in order])
        goal = dl.Reference(values, np.ones(2, bool), dl.Damping(0.0, np.ones(2)))
        ends.append(dl.normalize(dl.Context(dl.Counted(pair), goal, exactly), y).x)
    apart[name] = np.linalg.norm(ends[0] - ends[1])
    print(f"{name}: the two orders end {apart[name]:.3f} apart")
assert apart["mean and mean square"] < 1e-8 and apart["mean and mean cube"] > 0.01

# %% [markdown]
# ## There and back
#
# A style transfer needs the way **back**: from the normalized point to given feature values. The thesis descends the
# loss $\|f - v\|^2$. Its path depends on the target; reversed, it is another path. The **lift** follows
#
# $$\dot x = A^{+}(x)\,(v - c), \qquad A \text{ the Jacobian},$$
#
# the shortest velocity that moves $f$ on a straight line from $c$ to $v$. With $c$ and $v$ exchanged it is the same
# field with its sign changed: it retraces the curve.

# %%
mix = rng.random((3, 12)) + 0.1
filters = rng.standard_normal((12, 16))
softplus = dl.ClosedForm(
    (dl.Block("all", 3),),
    lambda p: mix @ np.logaddexp(0, filters @ p),
    lambda p: (mix / (1 + np.exp(-filters @ p))) @ filters,
)
here = rng.standard_normal(16)
c, v = softplus.values(here), softplus.values(0.3 * rng.standard_normal(16))
goal = dl.Reference(v, np.ones(3, bool), dl.Damping(0.0, np.ones(3)))
path = dl.normalize(dl.Context(dl.Counted(softplus), goal, exactly), here)
lifted = dl.impose(dl.Context(dl.Counted(softplus), goal, exactly), path.x, path.style).x
there = dl.integrate(lambda p: 40 * softplus.linearize(p).vjp(v - softplus.values(p)), here, "adaptive", 20000, 1e-9).x
back = dl.integrate(lambda p: 40 * softplus.linearize(p).vjp(c - softplus.values(p)), there, "adaptive", 20000, 1e-9).x

# %%
# NBVAL_CHECK_OUTPUT
size = np.linalg.norm(here)
by_lift, by_descent = np.linalg.norm(lifted - here) / size, np.linalg.norm(back - here) / size
print("both arrive, descent within 1e-6:", bool(np.max(np.abs(softplus.values(there) - v)) < 1e-6))
print(f"there and back by descent: {by_descent:.1%} off")
print("there and back by the lift: below 1e-8:", bool(by_lift < 1e-8))
assert by_descent > 0.01 and by_lift < 1e-8

# %% [markdown]
# Both have the right feature values. Only one is the point we left.
#
# ## Exercises
#
# **1.** For $f = (x^2 + a y^2)/2$ show by the flow that the gradient curve through $(1, 1)$ is $y = x^a$, for $a = 2$.
# Fill in `exponent`, the slope of $\log y$ against $\log x$ along the curve down to $f = 0.1$.

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("follow the curve with dl.portrait(dl.bowl(2.0), ...), then fit a line to its logarithms")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
(curve,) = dl.portrait(dl.bowl(2.0), [np.array([1.0, 1.0])], 0.1, (0, 1, 0, 1)).curves
exponent = np.polyfit(*np.log(curve.T), 1)[0]

# %% tags=["check"]
assert abs(exponent - 2) < 1e-6

# %% [markdown]
# **2.** The variance is decoupled from the mean everywhere. Is the third *central* moment $\mathrm{mean}((x-\bar x)^3)$
# decoupled from the mean? From the variance? Compute both cosines at `x`.

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("its gradient is 3/N ((x - mean)² - variance)")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
centered = x - np.mean(x)
third = 3 / x.size * (centered**2 - np.var(x))
with_mean = third @ mean / np.linalg.norm(third) / np.linalg.norm(mean)
with_variance = third @ variance / np.linalg.norm(third) / np.linalg.norm(variance)

# %% tags=["check"]
assert abs(with_mean) < 1e-12  # shifting all numbers leaves every central moment alone
c = x - x.mean()
assert np.isclose(with_variance, np.sum(c**3) / np.linalg.norm(c**2 - np.mean(c**2)) / np.linalg.norm(c))
assert abs(with_variance) > 0.01  # stretching them changes it: hence the skewness, of the standardized sample

# %% [markdown]
# ## Further reading
#
# - Martínez-Enríquez, González & Portilla (2022), arXiv 2207.02132: the theory that the thesis builds on.
# - Hirsch, Smale & Devaney, *Differential Equations, Dynamical Systems, and an Introduction to Chaos*, chapter 9:
#   gradient systems.
# - Hairer, Nørsett & Wanner, *Solving Ordinary Differential Equations I*, chapter II: Runge–Kutta rules and their
#   order.
#
# Next: lesson 2 nests these normalizations, on the moments of a sample.
