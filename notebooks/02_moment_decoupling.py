# %% [markdown]
# # 2. Moment decoupling: mean, variance, skewness and on
#
# Lesson 1 normalized by one feature. Here the features are the moments of a list of numbers, and they are normalized
# one after the other, each with the earlier ones held. Everything can be checked by hand, and the engine that runs it
# is the one that later moves the features of VGG.
#
# ## What you'll do
#
# Nest reference manifolds in space; undo the skewness of a sample; compare the gradients of coupled and decoupled
# moments; change one moment while the others stand still; give one signal, and one photograph, the moments of
# another; and ask what it is good for.
#
# ## What you'll learn
#
# - nested normalization: leg $k$ brings moment $k$ to its reference with moments $1..k-1$ held;
# - why skewness can be undone by a Möbius map, and what *orthokurtosis* is;
# - where decoupled moments have orthogonal gradients, and where not;
# - how imposing runs the legs backwards.
#
# ## What you'll need
#
# Lesson 1. About 30 minutes. It covers section 2.2 of the thesis (*normalización*, *características desacopladas*),
# with the moments of arXiv 2207.02132.

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import decoupling_lib as dl
from decoupling_lib.figures.theory import SAMPLE

dl.use_kit_settings()  # plots look the same on every computer, whatever your own settings of Matplotlib are

# %% [markdown]
# ## Nested manifolds
#
# Three numbers are a point in space. Those with mean 0 fill a plane, the first reference manifold (*variedad de
# referencia*), $R_1$. In it, those with variance 1 are a
# circle, $R_2$. On the circle, those with skewness 0 are six points, $R_3$. A sample goes to the plane, then within
# the plane to the circle, then along the circle to a point. What it shows just before each leg is its **decoupled**
# moment.

# %%
sample = np.array(SAMPLE)
drawn = dl.nested_portrait(sample)
figure = plt.figure(figsize=(7, 6), layout="constrained")
ax = figure.add_subplot(projection="3d")
dl.show_nested(ax, drawn)
ax.view_init(elev=22, azim=8)
ax.set_title("One sample, three legs: onto the plane, onto the circle, onto a point")
plt.show()

# %% [markdown]
# *(Figure 2.2 of the thesis, its manifolds computed.)* The plane is $x_1 + x_2 + x_3 = 0$; the first leg is the
# shortest way onto it. The second runs away from or toward the middle of the circle. The third has no choice but the
# circle.

# %%
# NBVAL_CHECK_OUTPUT
foot, ring, end = (leg[-1] for leg in drawn.legs)
print("after leg 1: mean", round(abs(np.mean(foot)), 9))
print("after leg 2: mean, variance", round(abs(np.mean(ring)), 9), round(np.var(ring), 9))
print("after leg 3: one of the six points:", bool(np.min(np.linalg.norm(drawn.points - end, axis=1)) < 1e-8))
assert np.min(np.linalg.norm(drawn.points - end, axis=1)) < 1e-8

# %% [markdown]
# ## Decoupled moments of a sample
#
# Legs 1 and 2 are no news: subtract the mean, divide by the standard deviation. So $c_1$ is the mean, $c_2$ the
# variance, $c_3$ the skewness of the standardized sample $z$. News begins with leg 3, which undoes the skewness.
# What is left of the kurtosis then is $c_4$, the **orthokurtosis**.

# %%
# NBVAL_CHECK_OUTPUT
for name in ("ten", "gamma"):
    x = dl.load_sample(name).values
    decoupled = dl.decouple_moments(x)
    print(f"{name:14}{'coupled':>10}{'decoupled':>11}")
    for label, a, b in zip(dl.MOMENT_NAMES, dl.coupled_moments(x), decoupled.values, strict=True):
        print(f"{label:14}{a:10.4f}{b:11.4f}")

# %% [markdown]
# A gamma sample has kurtosis 5.3, but nearly all of that comes with its skewness: once that is undone, 2.3 is left,
# less than a normal sample has.
#
# The library computes these by closed forms and one-dimensional flows. The engine of lesson 1 knows nothing of that. It
# gets six features and their gradients, and must come to the same numbers.

# %%
# NBVAL_CHECK_OUTPUT
x = dl.load_sample("gamma").values
goal = dl.Reference(dl.MOMENT_REFERENCE, np.ones(6, bool), dl.Damping(0.0, np.ones(6)))
exactly = dl.Settings(rule="adaptive", steps=5000, tolerance=1e-12, solver_tolerance=1e-13, threshold=1e-12)
path = dl.normalize(dl.Context(dl.Counted(dl.moment_feature_map(6)), goal, exactly), x, measure_only=True)
gap = np.max(np.abs(path.style - dl.decouple_moments(x).values))
print("engine and closed forms agree to 1e-8:", bool(gap < 1e-8))
assert gap < 1e-8

# %% [markdown]
# ## The skewness leg is a Möbius map
#
# On $R_2$ the part of $\nabla m_3$ that holds mean and variance is along $z^2 - m_3 z - 1$. Every number moves by
# the same quadratic, $\dot z = z^2 - m_3 z - 1$: a Riccati equation, whose solutions are Möbius maps. So leg 3 is
#
# $$ y = \mathrm{standardize}\left(\frac{z}{1 - t z}\right) $$
#
# with the one $t$ that makes the skewness zero. The map is monotone, so the order of the numbers stays.

# %%
z = dl.standardize(x)
y = dl.move_skewness(z)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
order = np.argsort(z)
left.plot(z[order], y[order], linewidth=2)
left.plot(z[order], z[order], "--", color="0.6", label="no change")
left.set(xlabel="standardized value", ylabel="after the skewness leg", title="A monotone Möbius map")
left.legend(fontsize=8)
bins = np.linspace(-3, 5, 41)
right.hist(z, bins, alpha=0.5, label=f"standardized, skewness {np.mean(z**3):.2f}")
right.hist(y, bins, histtype="step", linewidth=2, color="k", label="skewness undone")
right.set(xlabel="value", ylabel="how many", title="A thousand gamma numbers")
right.legend(fontsize=8)
plt.show()

# %% [markdown]
# Any Möbius map whose pole lies outside of the sample is undone by the same leg, so orthokurtosis cannot see it. One
# over the numbers, say:

# %%
# NBVAL_CHECK_OUTPUT
plain, mapped = dl.load_sample("ten").values + 1, 1 / (dl.load_sample("ten").values + 1)
print(f"kurtosis       {dl.coupled_moments(plain, 4)[3]:.6f} {dl.coupled_moments(mapped, 4)[3]:.6f}")
print(f"orthokurtosis  {dl.orthokurtosis(plain):.6f} {dl.orthokurtosis(mapped):.6f}")
assert abs(dl.orthokurtosis(plain) - dl.orthokurtosis(mapped)) < 1e-10

# %% [markdown]
# ## Are they decoupled?
#
# The test is the angle between gradients. Coupled moments first, then decoupled ones, both at the sample `ten`; on the
# right the decoupled ones again, at that sample with its skewness undone, a point of $R_3$.

# %%
ten = dl.load_sample("ten").values
names = ["mean", "variance", "c3", "c4", "c5", "c6"]
step, eye = 1e-5, np.eye(ten.size)
raw = np.stack(
    [(dl.coupled_moments(ten + step * e) - dl.coupled_moments(ten - step * e)) / (2 * step) for e in eye], axis=1
)
tables = {
    "coupled": raw,
    "decoupled, at the sample": dl.decoupled_gradients(ten),
    "decoupled, on $R_3$": dl.decoupled_gradients(dl.decouple_moments(ten, 4).sample),
}
figure, axes = plt.subplots(1, 3, figsize=(12, 4.4), layout="constrained")
cosines = {}
for ax, (title, rows) in zip(axes, tables.items(), strict=True):
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines[title] = unit @ unit.T
    labels = names if title != "coupled" else [*names[:2], "skewness", "kurtosis", "fifth", "sixth"]
    dl.show_cosines(ax, cosines[title], labels, title)

# %%
# NBVAL_CHECK_OUTPUT
coupled, off, on = cosines.values()
print(f"skewness and kurtosis, coupled: {coupled[2, 3]:.2f}")
print("c1 to c4 orthogonal at the sample:", bool(np.max(np.abs(off[:4, :4] - np.eye(4))) < 1e-8))
print(f"c4 and c5: {off[3, 4]:.2f} at the sample, {abs(on[3, 4]):.2f} on R3")
print(f"c5 and c6: {on[4, 5]:.2f} on R3")
assert np.max(np.abs(off[:4, :4] - np.eye(4))) < 1e-8 and abs(on[3, 4]) < 1e-8
assert abs(coupled[2, 3]) > 0.5 and abs(off[3, 4]) > 0.05

# %% [markdown]
# Mean, variance, skewness and orthokurtosis are decoupled **everywhere**: the fields $1, x, x^2$ close (lesson 1),
# so the legs before them lie in true surfaces. From the fifth on, $[x^2, x^3] = x^4$ leads out of them, and $c_4$
# and $c_5$ are orthogonal only on $R_3$, where $c_4$ is measured. Nested normalization does not promise more, for
# moments or for VGG.

# %% [markdown]
# ## One moment moves, the others stand still
#
# **Imposing** runs the legs backwards, from the last to the first. Take a normal sample, and ask for another value of
# one decoupled moment at a time.

# %%
normal = np.random.default_rng(1).standard_normal(4000)
own = dl.decouple_moments(normal, 4)
wanted = {"as it is": own.values}
for k, value in ((2, 1.2), (3, 2.0), (3, 4.5)):
    changed = own.values.copy()
    changed[k] = value
    wanted[f"{names[k]} = {value}"] = changed
figure, axes = plt.subplots(1, 4, figsize=(12, 2.8), sharey=True, layout="constrained")
remeasured = {}
for ax, (title, values) in zip(axes, wanted.items(), strict=True):
    made = dl.impose_moments(own.sample, values)
    remeasured[title] = np.max(np.abs(dl.decouple_moments(made, 4).values - values))
    ax.hist(made, np.linspace(-4, 6, 61))
    ax.set_title(title, fontsize=10)
figure.supxlabel("value")
axes[0].set_ylabel("how many")
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
print("every imposed value measured again, to 1e-10:", bool(max(remeasured.values()) < 1e-10))
assert max(remeasured.values()) < 1e-10

# %% [markdown]
# ## Transfer
#
# *Style transfer* (*transferencia de estilo*) in small: measure the decoupled moments of an origin, normalize a
# target, impose. The target keeps the order of its values, its content; the origin's shape of distribution is its
# style. First two signals.

# %%
time = np.linspace(0, 1, 800)
chirp = np.sin(40 * time**2)
bursts = np.random.default_rng(2).gamma(0.8, 1, 800)
dressed = dl.transfer_moments(bursts, chirp, order=4)
figure, axes = plt.subplots(1, 3, figsize=(12, 2.8), layout="constrained")
for ax, signal, title in zip(axes, (bursts, chirp, dressed), ("origin", "target", "result"), strict=True):
    ax.plot(time, signal, linewidth=0.9)
    ax.set(title=title, xlabel="time")

# %% [markdown]
# Then two photographs, channel by channel. Only three times four numbers cross over, so what crosses is the cast and
# contrast of the colors, no texture: that is what the channels of VGG are for.

# %%
origin, target = (dl.load_picture(name, max_side=96).array for name in ("coffee", "chelsea"))
channels = [
    dl.transfer_moments(dl.dequantize(origin[..., k].ravel(), k), dl.dequantize(target[..., k].ravel(), k), 4)
    for k in range(3)
]
result = np.stack([channel.reshape(target.shape[:2]) for channel in channels], axis=-1)
figure, axes = plt.subplots(1, 3, figsize=(12, 3.2), layout="constrained")
for ax, picture, title in zip(axes, (origin, target, result), ("origin", "target", "result"), strict=True):
    ax.imshow(np.clip(picture, 0, 1))
    ax.set(xticks=[], yticks=[], title=title)

# %%
# NBVAL_CHECK_OUTPUT
there = dl.decouple_moments(bursts, 4).values
gap = np.max(np.abs(dl.decouple_moments(dressed, 4).values - there))
back = np.max(np.abs(dl.transfer_moments(chirp, chirp) - chirp)) / np.std(chirp)
print("the result has the origin's decoupled moments to 1e-10:", bool(gap < 1e-10))
print("the target keeps the order of its values:", bool(np.all(np.argsort(dressed) == np.argsort(chirp))))
print("self-transfer comes back to 1e-10 standard deviations:", bool(back < 1e-10))
assert gap < 1e-10 and back < 1e-10

# %% [markdown]
# ## What is it good for?
#
# Decoupled moments say each thing once. Does that make them better *features* for a classifier or a regression? Two
# small experiments, made by `benchmarks/moment_features.py` and loaded here: which of three textures a patch comes
# from, by skewness and kurtosis of its pixels and of two bands; and how heavy the tails of a sample are. The points
# are gains of the decoupled pair, with 95 % intervals. On the left it is compared with the coupled pair. On the right
# is the counter-evidence: compared with the coupled pair after taking the **logarithm** of the kurtosis, which costs
# nothing.

# %%
report = json.loads(Path("../benchmarks/results/moment_features.json").read_text("utf-8"))
gains = [row for row in report["rows"] if row["quantity"] == "gain" and row["features"] == "decoupled"]
figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), sharey=True, sharex=True, layout="constrained")
for ax, against in zip(axes, ("coupled", "coupled log"), strict=True):
    chosen = [row for row in gains if row["against"] == against]
    for height, row in enumerate(chosen):
        ax.plot([row["low"], row["high"]], [height, height], linewidth=3, color="C0")
        ax.plot(row["mean"], height, "o", color="k")
    ax.axvline(0, color="0.6", linewidth=1)
    ax.set(xlabel="gain: lower error rate, or higher R²", title=f"decoupled against {against}")
axes[0].set_yticks(range(len(chosen)))
axes[0].set_yticklabels([f"{row['case']}, {row['model']}" for row in chosen], fontsize=8)
axes[0].invert_yaxis()

# %%
# NBVAL_CHECK_OUTPUT
gain = {(row["case"], row["model"], row["against"]): row for row in gains}
texture = gain["texture, fine bands", "knn", "coupled"]
mild, strong = (gain[f"tail, {strength} skewness", "linear", "coupled"] for strength in ("mild", "strong"))
mild_log = gain["tail, mild skewness", "linear", "coupled log"]
for name, row in (("textures, fine bands", texture), ("tails, mild skewness", mild), ("strong skewness", strong)):
    print(f"{name:21} {row['mean']:+.3f}, from {row['low']:+.3f} to {row['high']:+.3f}")
print(f"mild, against the log {mild_log['mean']:+.3f}, from {mild_log['low']:+.3f} to {mild_log['high']:+.3f}")
assert texture["low"] > 0 and mild["low"] > 0
neighbours = gain["tail, strong skewness", "knn", "coupled"]
print(f"strong, by neighbours {neighbours['mean']:+.3f}, from {neighbours['low']:+.3f} to {neighbours['high']:+.3f}")
assert strong["high"] < 0 and mild_log["high"] < 0 < neighbours["low"]

# %% [markdown]
# Read it honestly. Decoupling helps with textures if the bands are fine, and hardly if they are coarse; the fine ones
# were chosen afterwards. It helps a linear model to tell tails apart if samples are a little skewed, but a logarithm of
# the kurtosis does more. With strong skewness $c_4$ alone no longer follows the tails and the linear model loses; the
# nearest neighbours, which may use $c_3$ and $c_4$ together, gain. (Intervals over folds do not cover new patches;
# those of the "halves" do, and are wider.)
#
# What decoupling surely buys is something that no feature table shows: **one number can be changed while the others
# stand still, and the way back exists.** That is what a transfer of style needs.
#
# A small case, live: sixty samples with mild skewness, and how much of the tails each single number explains.

# %%
# NBVAL_CHECK_OUTPUT
rng = np.random.default_rng(0)
tails = rng.uniform(0.5, 1.5, 60)
drawn_samples = [np.sinh((np.arcsinh(rng.standard_normal(300)) + rng.uniform(-0.3, 0.3)) / tail) for tail in tails]
kurtosis = np.array([dl.coupled_moments(x, 4)[3] for x in drawn_samples])
ortho = np.array([dl.orthokurtosis(x) for x in drawn_samples])
for name, number in (("kurtosis", kurtosis), ("orthokurtosis", ortho), ("log kurtosis", np.log(kurtosis))):
    print(f"{name:14} R² = {np.corrcoef(number, tails)[0, 1] ** 2:.2f}")

# %% [markdown]
# ## Exercises
#
# **1.** Three numbers, each equally often, have orthokurtosis 1.5, whatever they are. Check it for `[0, 1, 100]`,
# then say why.

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("dl.orthokurtosis")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
smallest = dl.orthokurtosis([0, 1, 100])

# %% tags=["check"]
# Some Möbius map takes any three numbers to -a, 0, a. Variance 1 makes a² = 3/2, so mean(y⁴) = 2/3 (3/2)² = 3/2.
assert abs(smallest - 1.5) < 1e-12

# %% [markdown]
# **2.** Find a sample of eight numbers that leg 4 cannot bring to kurtosis 3, and read what the library says.

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("think of ties at both ends, then dl.decouple_moments(..., 5)")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
message = ""
try:
    dl.decouple_moments([-2, -2, -1, -0.5, 0.5, 1, 2, 2], 5)
except ValueError as error:
    message = str(error)

# %% tags=["check"]
assert "leg 4" in message  # two of eight at each end: the kurtosis ends at 8/4 = 2

# %% [markdown]
# ## Further reading
#
# - Martínez-Enríquez, González & Portilla (2022), arXiv 2207.02132: decoupled moments, and features of filters.
# - Canham et al. (2022), arXiv 2212.02953: the other paper that the thesis builds its theory on.
# - Gautschi, *Orthogonal Polynomials: Computation and Approximation*: the recurrence behind the legs.
#
# Next: the features of a network.
