# %% [markdown]
# # 9. Beyond the thesis: what it asked for at its end, and what became of it
#
# The last page of the thesis names three things that it had no time for (*trabajo futuro*): Gram–Schmidt, so that
# features are truly orthogonal; Runge–Kutta, so that the path stays on its manifold; and all five layers. This kit has
# done the three of them. None went as one would have thought, and each has its price.
#
# ## What you'll do
#
# Hold one layer by its loss and by its features, and see which one holds; measure the order of step rules on a real
# network; go there and back by three rules; read from committed measurements what smoothness and damping buy, what
# eight optimizers do at their best, and what more layers cost.
#
# ## What you'll learn
#
# - why projecting on the gradient of a *loss* has nothing to project on where it is needed;
# - that Runge–Kutta keeps its promise, and that the way back needs something else: symmetry;
# - that three things are traded against each other, the thesis's network, the reference, and the way back;
# - that a learning rate matters more than the name of an optimizer, and one optimizer forgets the picture;
# - what remains open.
#
# ## What you'll need
#
# Lesson 1, for lifts, orders and the way back; lesson 4, for reference values and damping. About 45 minutes. It covers
# chapter 5 and section 3.1 of the thesis.

# %%
import itertools
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import decoupling_lib as dl

dl.use_kit_settings()  # plots look the same on every computer, whatever your own settings of Matplotlib are

# %% [markdown]
# ## 1. Gram–Schmidt: of losses, or of features?
#
# In its Step 1 the thesis moves the second layer along its gradient, projected on layer 1 so that the first layer's
# loss does not change. Its code does not project; its last page hopes for Gram–Schmidt. But what is to be orthogonal to
# what? Read to the letter it is the gradients of two **losses**: take from $\nabla\|f_2-v_2\|^2$ what lies along
# $g = \nabla\|f_1-v_1\|^2$. By the chain rule
#
# $$g = 2\,J_1^\top (f_1 - v_1),$$
#
# and at the reference, where $f_1 = v_1$, that is **zero**. The first layer is to be held exactly where its loss has no
# gradient to hold it by. The other reading takes the gradients of the **features**, the rows of $J_1$: they do not
# vanish, and there are as many as there are channels.
#
# A toy first, in which all is known. Hold $x$ and $y$ at 0 and bring $x+2y+z$ to 6, from the origin, at a learning rate
# of $\eta$. Held by features, only $z$ may move: the end is $(0, 0, 6)$. Held by the loss, the first step is free,
# $12\eta\,(1, 2, 1)$. *Then* the loss has a gradient, along $(1, 2, 0)$, and from there on $x$ and $y$ stay:
# at $12\eta$ and $24\eta$, for ever.

# %%
# NBVAL_CHECK_OUTPUT
rows = np.array([[1.0, 0, 0], [0, 1, 0], [1, 2, 1]])
toy = dl.ClosedForm((dl.Block("held", 2), dl.Block("moving", 1)), lambda p: rows @ p, lambda p: rows)
wanted, eta = np.array([0.0, 0, 6]), 0.02
for run in (dl.descend_projected, dl.descend_loss_projected):
    end = run(toy, np.zeros(3), wanted, learning_rate=eta, iterations=3000, threshold=1e-8).x
    print(f"{run.__name__:15} ends at {np.abs(end).round(4)}")
assert np.allclose(end, [12 * eta, 24 * eta, 6 - 60 * eta], atol=1e-6)

# %% [markdown]
# Now the network, at 48 pixels. The undamped lift of lesson 5 takes the first layer of *china* to noise's values. From
# there the second layer descends in three ways: holding nothing, by the loss, by the features. Each step is as long as
# the linearized residual asks for, and halved where it is too long.

# %%
experiment = dl.prepare("china", "china", dl.Options(size=(48, 48), damping=0.0))
means, v, live = experiment.features.map, experiment.reference.values, experiment.reference.live
first, second = dl.block_slices(means.blocks).values()
start = dl.normalize(
    dl.Context(experiment.features.prefix(1), experiment.reference, experiment.settings), experiment.origin.array
).x
architecture, source = dl.default_source()
chosen = experiment.options
alone = dl.build_network(
    architecture, source, experiment.network.layers[1:], softness=chosen.softness, growth=chosen.growth
)
ways = {
    "holding nothing": (dl.descend_projected, dl.ChannelMeans(alone), second),
    "held by its loss": (dl.descend_loss_projected, means, slice(None)),
    "held by its features": (dl.descend_projected, means, slice(None)),
}
iterations, held, moving, passes = [1, 2, 4, 8, 16, 32], {}, {}, {}
for name, (run, features, part) in ways.items():
    ends = []
    for count in iterations:
        counted = dl.Counted(features)
        ends.append(run(counted, start, v[part], live=live[part], iterations=count, threshold=0.0).x)
        passes[name] = counted.passes.total
    f = [means.values(x) for x in ends]
    held[name] = np.array([dl.relative_error(each[first], v[first], live[first]) for each in f])
    moving[name] = np.array([dl.relative_error(each[second], v[second], live[second]) for each in f])
figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for name, color, line, marker in zip(ways, dl.COLORS, dl.LINES, dl.MARKERS, strict=False):
    visible = np.maximum(held[name], 1e-6)
    ax.loglog(moving[name], visible, color=color, linestyle=line, marker=marker, label=name)
ax.set(xlabel="error of the moving second layer", ylabel="error of the held first layer (at least 1e-6)")
ax.set(xticks=[0.01, 0.02, 0.05, 0.1], xticklabels=[0.01, 0.02, 0.05, 0.1])
ax.minorticks_off()
ax.set_title("Points: after 1, 2, 4, … 32 iterations, from right to left", fontsize=10)
ax.legend(fontsize=8)
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
for name in ways:
    low = "less than 0.1 %" if held[name][-1] < 1e-3 else "more than 1 %" if held[name][-1] > 0.01 else "between"
    print(f"{name:21} after 32 iterations the first layer is off by {low}")
assert held["held by its features"][-1] < 1e-3
assert held["held by its loss"][-1] > 0.01 and held["holding nothing"][-1] > 0.01
assert passes["held by its features"] > 5 * passes["held by its loss"]

# %% [markdown]
# Held by its loss, the first layer is no better off than if nobody held it. All of it happens at once: the first step
# has nothing to respect, and what it spoils stays spoiled. The loss is kept from *changing*, also from getting better.
# In fact it can only grow: a step at right angles to $g$ moves held features at right angles to their error, and by
# Pythagoras the error gets longer.
#
# **Against this.** Is it the fault of long steps? Take fixed ones, of Cauchy's length at the start and fractions of it,
# down to an error of 4 % in the second layer.

# %%
at = means.linearize(start)
missing = np.where(np.arange(v.size) >= second.start, live * (at.values - v), 0.0)
rate = (live * at.jvp(at.vjp(missing)))[second]
cauchy = missing[second] @ rate / (rate @ rate) / 2
shares, drift, cost = [1, 1 / 2, 1 / 4, 1 / 8], [], []
for share in shares:
    counted = dl.Counted(means)
    end = dl.descend_loss_projected(
        counted, start, v, live=live, learning_rate=share * cauchy, iterations=400, threshold=0.04
    )
    drift.append(dl.relative_error(means.values(end.x)[first], v[first], live[first]))
    cost.append(counted.passes.total)
counted = dl.Counted(means)
end = dl.descend_projected(counted, start, v, live=live, learning_rate=cauchy, iterations=400, threshold=0.04)
kept, rows_cost = dl.relative_error(means.values(end.x)[first], v[first], live[first]), counted.passes.total
figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
ax.loglog(cost, drift, "k-o", label="held by its loss, steps of 1, 1/2, 1/4, 1/8")
ax.loglog(rows_cost, kept, "s", color=dl.COLORS[1], label="held by its features, steps of 1")
ax.set(xlabel="network passes", ylabel="error of the held first layer", title="To 4 % in the second layer")
ax.legend(fontsize=8)
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
slope = np.polyfit(np.log(shares), np.log(drift), 1)[0]
print(f"held by its loss, the drift falls as the step to the power of {slope:.0f}")
print("held by its features, without shorter steps, it is a hundredth of the least of these:", kept < min(drift) / 100)
assert 0.6 < slope < 1.4 and kept < min(drift) / 100

# %% [markdown]
# So it is not useless. Half the step, half the drift: what has drifted turns $g$ into the direction in which holding is
# needed. It has to drift for that. And it is *cheap*, one more VJP for a layer against a Jacobian row for each of its
# 64 channels: who is content with half a percent gets it for fewer passes. The projection on features holds the layer
# in as many directions as it has, at any step, and pays for it in rows.

# %% [markdown]
# ## 2. Runge–Kutta
#
# The thesis steps along its gradients (Euler's rule) and hopes that Runge–Kutta would not leave the manifold, "not even
# slightly". The kit's legs are differential equations, so the question can be put to a network: how does the error fall
# with the number of steps? The first half of the first leg of *china*, at 32 pixels, against RK4 in 64 steps.

# %%
small = dl.prepare("china", "china", dl.Options(size=(32, 32)))
features, x = dl.Counted(small.features.prefix(1).map), small.origin.array.astype(float)
goal, alive = small.reference.values[first], small.reference.live[first]
damping = small.reference.damping.leg(0, first)
whole = goal - features.values(x)
fields = {
    share: lambda p, r=share * whole: dl.dense_velocity(features.linearize(p).jacobian(), r, alive, damping).reshape(
        p.shape
    )
    for share in (0.5, 1, -1)
}
counts, rules = np.array([4, 8, 16, 32]), ("euler", "symmetric", "rk4")
fine = dl.integrate(fields[0.5], x, "rk4", 64).x
arrived = {rule: [dl.integrate(fields[0.5], x, rule, int(n), 1e-10).x for n in counts] for rule in rules}
errors = {rule: [np.sqrt(np.mean((end - fine) ** 2)) for end in arrived[rule]] for rule in rules}
slopes = {rule: -np.polyfit(np.log(counts[1:]), np.log(errors[rule][1:]), 1)[0] for rule in rules}

# %% [markdown]
# And the way back? The whole leg now, to noise and home again by the same rule, in 4, 8, 16 and 32 steps each way.
# Nothing of the picture is kept but where the leg ended and the straight line that it followed in feature space. Rules
# differ in what a step costs, so the distance is drawn against how often each asked for the velocity.

# %%
back, evaluations = {rule: [] for rule in rules}, {rule: [] for rule in rules}
for rule in rules:
    for n in counts:
        before = features.passes.forward
        there = dl.integrate(fields[1], x, rule, int(n), 1e-10).x
        home = dl.integrate(fields[-1], there, rule, int(n), 1e-10).x
        back[rule].append(np.sqrt(np.mean((home - x) ** 2)))
        evaluations[rule].append(features.passes.forward - before)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
for rule, color, line, marker in zip(rules, dl.COLORS, dl.LINES, dl.MARKERS, strict=False):
    look = {"color": color, "linestyle": line, "marker": marker}
    left.loglog(
        counts, errors[rule], label=f"{rule}: order {dl.RULES[rule].order}, measured {slopes[rule]:.1f}", **look
    )
    right.loglog(evaluations[rule], back[rule], label=rule, **look)
    for n, *place in zip(counts, evaluations[rule], back[rule], strict=True):
        right.annotate(n, place, (-12, -9) if rule == "rk4" else (5, 5), textcoords="offset points", fontsize=8)
left.set(xlabel="steps", ylabel="error at the end, root mean square", title="Half a leg: the error falls by the order")
right.set(xlabel="velocities, there and back", ylabel="distance from the picture, root mean square")
right.set_title("The whole leg, there and back in 4, 8, 16, 32 steps")
left.set(xticks=counts, xticklabels=counts)
left.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
for ax in (left, right):
    ax.legend(fontsize=8)

# %%
# NBVAL_CHECK_OUTPUT
for rule in rules:
    assert abs(slopes[rule] - dl.RULES[rule].order) < 0.5, rule
    print(f"{rule:10} order {dl.RULES[rule].order}, measured within 0.5 of it")
assert errors["rk4"][-1] < errors["symmetric"][-1] / 10 < errors["euler"][-1] / 100
assert back["symmetric"][-1] < back["rk4"][-1] / 10 < back["euler"][-1] / 10
assert evaluations["rk4"][-1] < evaluations["symmetric"][-1]
print("RK4 ends nearest to the curve, the symmetric rule nearest to the picture")

# %% [markdown]
# Runge–Kutta keeps its promise: order 4 on a real network, hundreds of times nearer than a rule of order 2. Yet on the
# way home the rule of order 2 wins by orders of magnitude. The reason is not exactness but **symmetry**. RK4's way home
# is another discrete path, off by its own errors. The symmetric rule's equation
# $x' = x + h\,F\!\left(\tfrac{x + x'}{2}\right)$ stays the same equation when $x$ and $x'$ change places and $h$ its
# sign: it walks back over its own steps, wrong as they may be.
#
# **Against this.** An implicit step has to be solved: at 16 and 32 steps the symmetric rule asks for two or three times
# as many velocities as RK4. And it has to be *solvable*. The steps of the four-step run are too long. Steps whose
# equation is not solved are made in halves; on the way there these are the first and the last, on the way home two
# others, and the symmetry is gone. More steps can be cheaper than fewer. The kit's own symmetric rule
# (`engine.symmetric`) solves for the picture and the lift's multipliers at once, without Jacobian rows in every step;
# the measurements below are made with it.
#
# How wrong may steps be that are walked back over? *chelsea* is stiffer: eight and sixteen steps end at different
# places, so that at least one of the two is well off the curve.

# %%
# NBVAL_CHECK_OUTPUT
cat = dl.prepare("chelsea", "chelsea", dl.Options(size=(32, 32)))
fur, live_there, scale = cat.origin.array.astype(float), cat.reference.live[first], cat.reference.damping.leg(0, first)
way = cat.reference.values[first] - features.values(fur)
to_noise, to_fur = (
    lambda p, r=sign * way: dl.dense_velocity(features.linearize(p).jacobian(), r, live_there, scale).reshape(p.shape)
    for sign in (1, -1)
)
missed = {}
for rule in ("rk4", "symmetric"):
    eight, sixteen = (dl.integrate(to_noise, fur, rule, n, 1e-10).x for n in (8, 16))
    apart = np.sqrt(np.mean((eight - sixteen) ** 2))
    missed[rule] = np.sqrt(np.mean((dl.integrate(to_fur, sixteen, rule, 16, 1e-10).x - fur) ** 2))
    print(f"{rule:10} 8 and 16 steps end more than 0.001 apart: {apart > 1e-3}; home to 1e-5: {missed[rule] < 1e-5}")
assert missed["symmetric"] < missed["rk4"] / 10

# %% [markdown]
# ## 3. Smoothness, damping, and the way back
#
# A symmetric rule needs a field that can be retraced. A kink (ReLU, max-pooling) lets paths merge, and a stiff
# direction blows up what it is given. So the network is smoothed and the lift damped, as lessons 4 and 5 said. Both are
# departures: a smooth network is not quite the thesis's, a damped leg ends not quite at the reference. How much of each
# for how good a way back? The measurements are committed; `decoupling bench frontier` made them.
#
# Two words from lesson 5. Convolution $k = 0, 1, \dots$ is rounded off within $T = \tau\gamma^k$ times its mean
# activation: $\tau$ is the **softness**, $\gamma$ its **growth** from one convolution to the next.

# %%
results = Path("../benchmarks/results")
measured = json.loads((results / "frontier.json").read_text("utf-8"))["rows"]
frontier = [row for row in measured if row["picture"] == "china"]
usual = dl.resolve_options(dl.Options())
default = (usual.softness, usual.growth, usual.damping)
figure, axes = plt.subplots(1, 2, figsize=(11, 5.4), layout="constrained")
points = [row | {"passes": row["passes"]["total"]} for row in frontier if row["psnr_db"] is not None]
for ax, value in zip(axes, ("psnr_db", "passes"), strict=True):
    lines = dl.show_frontier(ax, points, value, default)
figure.suptitle("Self-transfers of china, 64 px; damping grows from left to right; ringed: the defaults", fontsize=10)
figure.legend(handles=lines, loc="outside lower center", ncols=2, frameon=False, fontsize=8, handlelength=4.5)
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
pairs = sorted({(row["growth"], row["softness"]) for row in points})
for growth, softness in pairs:
    own = sorted(
        (row for row in points if (row["growth"], row["softness"]) == (growth, softness)),
        key=lambda row: row["damping"],
    )
    decibels = [row["psnr_db"] for row in own]
    assert decibels == sorted(decibels) and own[0]["relative_error"] < own[-1]["relative_error"]
    print(f"softness {softness:4}, growth {growth}: {own[0]['fidelity']:4.1%} off the thesis;", end=" ")
    print(f"{decibels[0]:4.0f} dB at damping {own[0]['damping']:g}, {decibels[-1]:3.0f} dB at {own[-1]['damping']:g}")
near = [row for row in points if row["fidelity"] < 0.08 and row["relative_error"] < 0.01]
best = max(near, key=lambda row: row["psnr_db"])
assert (best["softness"], best["growth"], best["damping"]) == default
for growth in sorted({growth for growth, _ in pairs}):
    usual_damping = [row for row in points if (row["growth"], row["damping"]) == (growth, default[2])]
    decibels = [row["psnr_db"] for row in sorted(usual_damping, key=lambda row: row["softness"])]
    assert decibels == sorted(decibels)
stopped = [row for row in frontier if row["status"] != "done"]
assert all(row["damping"] == 0 for row in stopped)
print(f"stopped on the way: {len(stopped)} of {len(frontier)}, all of them undamped")
print(f"within 8 % of the thesis and 1 % of the reference: the default is best, {best['psnr_db']:.0f} dB")

# %% [markdown]
# In every network more damping brings more of the picture home, and costs exactness. The softer network comes back
# better, and is further off the thesis. Undamped, two of the six stop on the way and have no way back at all. And with
# a soft enough network it would be easy: a nearly linear one retraces anything, and is no longer VGG. That is why no
# figure of a way back should stand without its two neighbors.
#
# All this is *one* photograph. Does it hold for two others?

# %%
# NBVAL_CHECK_OUTPUT
others = [row for row in measured if row["picture"] != "china"]
for name in sorted({row["picture"] for row in others}):
    own = [row for row in others if row["picture"] == name and row["psnr_db"] is not None]
    ours = next(row for row in own if (row["softness"], row["growth"], row["damping"]) == default)
    as_near = [row for row in own if row["fidelity"] < 0.08 and row["relative_error"] < 1.01 * ours["relative_error"]]
    rival = max(as_near, key=lambda row: row["psnr_db"])
    print(f"{name:6} the default {ours['psnr_db']:.0f} dB, {ours['relative_error']:.1%} off; best as near", end=" ")
    print(f"{rival['psnr_db']:.0f} dB: softness {rival['softness']}, growth {rival['growth']}", end="; ")
    worse = 0
    for network in {(row["growth"], row["softness"]) for row in own}:
        line = [row for row in own if (row["growth"], row["softness"]) == network]
        decibels = [row["psnr_db"] for row in sorted(line, key=lambda row: row["damping"])]
        worse += sum(after < before for before, after in itertools.pairwise(decibels))
    print(f"more damping was worse {worse} times")
    assert rival["psnr_db"] < ours["psnr_db"] + 10 and worse <= 2
without = [row for row in others if row["damping"] == 0]
print(f"undamped: {sum(row['status'] != 'done' for row in without)} of {len(without)} stop on the way")

# %% [markdown]
# Nearly. For *flower* another network, as near to the thesis's and to the reference, comes back better than the
# default. For *coffee* a little more damping was twice no better, where hardly anything comes back (21 and 26 dB), and
# the default ends a little further from the reference. The defaults are a compromise over pictures, not the best for
# each; the README has more of them.
#
# And the thesis's own network, with its kinks as they are? `decoupling bench way_back` sent five photographs of 64
# pixels there and back through both networks, equally damped (through the one with kinks in 48 steps of RK4).

# %%
# NBVAL_CHECK_OUTPUT
five = json.loads((results / "way_back.json").read_text("utf-8"))["rows"]
soft, sharp = ({row["picture"]: row for row in five if row["variant"] == name} for name in ("default", "relu_max"))
for name, own in (("softplus", soft), ("ReLU", sharp)):
    decibels = [row["psnr_db"] for row in own.values()]
    print(f"{name:8} {len(own)} photographs, back at {min(decibels):.0f} to {max(decibels):.0f} dB")
times = [sum(row["passes"].values()) / sum(soft[name]["passes"].values()) for name, row in sharp.items()]
print(f"ReLU took {min(times):.0f} to {max(times):.0f} times the passes of softplus")
assert len(sharp) == 5 and min(times) > 10 and max(row["psnr_db"] for row in sharp.values()) < 30

# %% [markdown]
# ## 4. The optimizers
#
# Section 3.1 lists eight optimizers of Keras and takes SGD. Which is best at the annex's descent? Each has a learning
# rate, and one rate for all would compare nothing. `decoupling bench optimizers` gives each the best of its own rates,
# a grid of decades refined once, for 500 iterations on the first leg of *china* at 64 pixels. **The rates were chosen
# on the very leg that is shown.** So this is what each *can* do, not what it would do elsewhere.

# %%
table = {row["optimizer"]: row for row in json.loads((results / "optimizers.json").read_text("utf-8"))["rows"]}
figure, ax = plt.subplots(figsize=(8.5, 5), layout="constrained")
for k, name in enumerate(sorted(table, key=lambda name: -table[name]["relative_error"])):
    iteration, error = np.array(table[name]["curve"]).T
    ax.loglog(
        iteration + 1,
        error,
        color=dl.COLORS[k % len(dl.COLORS)],
        linestyle=dl.LINES[k % len(dl.LINES)],
        marker=dl.MARKERS[k % len(dl.MARKERS)],
        markevery=(k, 9),
        markersize=5,
        linewidth=1.2,
        label=f"{name}, rate {table[name]['learning_rate']:g}",
    )
ax.set(xlabel="iterations + 1 (a forward pass and a VJP each)", ylabel="relative error of the first layer")
ax.legend(fontsize=8, loc="lower left")
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
print(f"{'':9}{'rate':>7}{'to 0.1':>8}{'to 0.01':>9}{'error at the end':>18}{'first step':>12}{'moved':>7}")
for name in dl.OPTIMIZERS:
    row = table[name]
    to = [row["to"][level] or "-" for level in ("0.1", "0.01")]
    print(f"{name:9}{row['learning_rate']:7.3g}{to[0]:>8}{to[1]:>9}{row['relative_error']:18.2g}", end="")
    print(f"{row['first_step']:12.3f}{row['moved']:7.2f}")
last = {name: table[name]["relative_error"] for name in dl.OPTIMIZERS}
tried = {name: [trial["relative_error"] or np.inf for trial in table[name]["trials"]] for name in dl.OPTIMIZERS}
by_rate = min(max(e for e in each if e < np.inf) / min(each) for each in tried.values())
by_name = max(last.values()) / sorted(last.values())[1]
print(f"\nthe worst rate tried against the best: {by_rate:.0f} times the error, or more")
print(f"the last optimizer against the second: {by_name:.0f} times")
assert min(last, key=last.get) == "Adam" and max(table, key=lambda name: table[name]["first_step"]) == "Ftrl"
assert by_rate > by_name
assert table["SGD"]["learning_rate"] > 20 * 5e-4

# %% [markdown]
# (*To 0.1*, *to 0.01*: iterations. *First step*, *moved*: distance from the picture after one iteration and at the end,
# root mean square, with colors from 0 to 1.)
#
# - All eight get near. For each, a wrong rate loses more than lies between the second of them and the last.
# - The annex's 5e-4 is far below what SGD can take on this network. Much of what took the thesis 50,000 iterations may
#   have been its learning rate.
# - Adam ends nearest. Its first step is a third of the full range of a color, at every pixel: that has little to do
#   with following a gradient curve.
# - An error "at the end" is also luck: look at Nadam, which leaps up by three orders of magnitude on its way.
# - Ftrl begins by forgetting. It computes the picture anew from sums of gradients, which know next to nothing of where
#   it stood. Its first step is the longest of all.
#
# Small and live, at 48 pixels: SGD at the annex's rate and at the table's; and one step at a rate of nearly nothing.

# %%
# NBVAL_CHECK_OUTPUT
shallow, aim, picture = means.prefix(1), v[first], experiment.origin.array
off = {}
for whose, eta in (("annex", 5e-4), ("table", table["SGD"]["learning_rate"])):
    after = dl.descend(shallow, picture, aim, live=live[first], learning_rate=eta, iterations=60, threshold=None).x
    off[whose] = dl.relative_error(shallow.values(after), aim, live[first])
print("SGD, 60 iterations: the annex's rate ends more than twice as far off:", off["annex"] > 2 * off["table"])
color = {}
for name in ("SGD", "Ftrl"):
    one = dl.descend(shallow, picture, aim, live=live[first], optimizer=name, learning_rate=1e-6, iterations=1).x
    color[name] = np.abs(one).mean()
    print(f"{name:4} after one step at 1e-6: the mean color is {color[name]:.1f}")
assert off["annex"] > 2 * off["table"] and color["Ftrl"] < 0.5 * color["SGD"]

# %% [markdown]
# **Against the lift.** On this leg a tuned descent is no dearer than the kit's damped lift, and L-BFGS is far cheaper
# (`methods.json`). In passes, to an error of 0.01:

# %%
# NBVAL_CHECK_OUTPUT
methods = json.loads((results / "methods.json").read_text("utf-8"))["rows"]
same = {row["method"]: row for row in methods if (row["picture"], row["leg"]) == ("china", "block1")}
needed = {
    "lift, default": same["decoupled"]["to"]["0.01"]["passes"]["total"],
    "L-BFGS": same["direct"]["to"]["0.01"]["passes"]["total"],
    "SGD, best rate": 2 * table["SGD"]["to"]["0.01"] + 1,
    "Adam, best rate": 2 * table["Adam"]["to"]["0.01"] + 1,
}
for name, count in needed.items():
    print(f"{name:16} {count:4}")
assert needed["L-BFGS"] < needed["Adam, best rate"] < needed["lift, default"]

# %% [markdown]
# Who only wants to *arrive* does not need the lift. What it buys is in sections 1 to 3: it holds a layer while another
# moves, and it comes back.
#
# ## 5. More layers
#
# "The final goal will always be all five layers." The kit runs them. `decoupling bench growth` measures what a
# self-transfer reaches and costs as steps, size and layers grow, for *china*; all that its file holds:

# %%
growth = json.loads((results / "growth.json").read_text("utf-8"))["rows"]
cases = [case for case in ("steps", "sizes", "layers") if any(row["case"] == case for row in growth)]
figure, axes = plt.subplots(2, len(cases), figsize=(4 * len(cases), 5.6), squeeze=False, layout="constrained")
for column, case in zip(axes.T, cases, strict=True):
    own = [row for row in growth if row["case"] == case and row["psnr_db"] is not None]
    along = [{"steps": row["steps"], "sizes": row["size"][0], "layers": row["layers"]}[case] for row in own]
    label = {"steps": "steps a leg", "sizes": "side, pixels", "layers": "layers"}[case]
    column[0].plot(along, [row["psnr_db"] for row in own], "ko-")
    column[0].set(ylabel="way back, PSNR in dB", ylim=(0, 1.1 * max(row["psnr_db"] for row in own)))
    column[1].plot(along, [row["passes"]["total"] for row in own], "ks--", label="passes")
    column[1].plot(
        along, [row["passes"]["jacobian_rows"] for row in own], "^:", color=dl.COLORS[1], label="of these, rows"
    )
    column[1].set(xlabel=label, ylabel="passes", ylim=(0, None))
    for ax in column:
        ax.set(xticks=along)
    fixed = [f"{own[0]['layers']} layers"] * (case != "layers") + [f"{own[0]['size'][0]} px"] * (case != "sizes")
    column[0].set_title(f"{label}; {', '.join(fixed)}", fontsize=10)
axes[1, 0].legend(fontsize=8)
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
steps = {row["steps"]: row for row in growth if row["case"] == "steps"}
sizes = {row["size"][0]: row for row in growth if row["case"] == "sizes"}
for count, row in steps.items():
    print(f"{count:2} steps a leg: {row['psnr_db']:4.0f} dB, {row['passes']['total']:6,} passes")
assert steps[16]["psnr_db"] > steps[8]["psnr_db"] > steps[4]["psnr_db"]
assert steps[32]["psnr_db"] < steps[16]["psnr_db"] + 3 and steps[4]["passes"]["total"] > steps[16]["passes"]["total"]
assert sizes[max(sizes)]["psnr_db"] < sizes[min(sizes)]["psnr_db"]

# %% [markdown]
# Sixteen steps a leg are enough, and more do not help. Four are *dearer* than sixteen: steps that long are hard to
# solve, and are halved. Passes hardly depend on the size of the picture; the way back does, and for the worse.
#
# Five layers at 128 pixels (README and `benchmarks/README.md`): the legs end within 1.6 to 2.6 % of the reference, held
# layers within 2.9 %, the style comes back within 0.2 % and the picture at 37.9 dB, in 13 minutes on two cores.
# *chelsea* comes back at 43.9 dB. **Against this:** *coffee* ends its legs within 3.2 % and comes back at 23.6 dB, and
# two layers of china at 70 dB at that size. Each leg amplifies on its way back the error that it is handed, a
# hundredfold and more in some; that is a property of the flow, not of the step rule. The defaults for five layers
# soften the network (9.9 % off the thesis's) and damp more, to keep it down.
#
# ## What remains open
#
# - **Smooth, dark pictures.** They saturate into a labyrinth on the way to noise and come back worst (`retina`, 35 dB
#   at 96 pixels).
# - **The growth of errors** on the way back. Damping and softness keep it down; another path between the same ends
#   might not have it. None was looked for.
# - **The thesis's own network.** With ReLU and max-pooling pictures come back below 30 dB, at more than ten times the
#   passes (section 3). Paths that merge cannot be retraced, so this is not waiting for a better integrator.
# - **Arriving and coming back in one.** L-BFGS arrives within a tenth of the passes, the lift comes back. A cheap
#   approximation of the Gram matrix would bring the two closer.
# - **Is it a better style?** The kit imposes decoupled numbers more exactly. Whether people prefer its pictures was not
#   asked.
#
# ## Exercises
#
# **1.** The gradient of the loss of a *single* feature points along the feature's own. So with one held feature, away
# from its reference, the loss holds as well as the feature. Check it on the toy without its second feature: one step of
# `descend_loss_projected` from $(0.1, 0, 0)$, and one of `descend_projected` from the origin. In which direction does
# each go?

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError(
    "a ClosedForm of rows[[0, 2]]; learning_rate=eta, iterations=1; divide the steps by their lengths"
)

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
two = dl.ClosedForm((dl.Block("held", 1), dl.Block("moving", 1)), lambda p: rows[[0, 2]] @ p, lambda p: rows[[0, 2]])
begin, ask = np.array([0.1, 0, 0]), np.array([0.0, 6.0])
by_loss = dl.descend_loss_projected(two, begin, ask, learning_rate=0.02, iterations=1).x - begin
by_feature = dl.descend_projected(two, np.zeros(3), ask, learning_rate=0.02, iterations=1).x

# %% tags=["check"]
directions = [step / np.linalg.norm(step) for step in (by_loss, by_feature)]
assert np.allclose(directions, np.array([0, 2, 1]) / np.sqrt(5))  # (1, 2, 1) without its x

# %% [markdown]
# **2.** The order of a rule can be measured without a fine solution: with $n$, $2n$ and $4n$ steps the ends differ by
# $d_1 = |x_n - x_{2n}|$ and $d_2 = |x_{2n} - x_{4n}|$, and $\log_2(d_1/d_2)$ tends to the order. Do it with the
# `arrived` of section 2.

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("arrived[rule] are the ends of 4, 8, 16 and 32 steps")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
orders = {}
for rule in rules:
    _, a, b, c = arrived[rule]
    orders[rule] = np.log2(np.linalg.norm(a - b) / np.linalg.norm(b - c))

# %% tags=["check"]
assert all(abs(orders[rule] - dl.RULES[rule].order) < 0.6 for rule in rules)

# %% [markdown]
# **3.** RK4 came back better than its order promises. Take the explicit midpoint rule, of order 2, half the leg there
# and back in 8, 16 and 32 steps. By which power of the number of steps does the distance from the picture fall? (An
# error of even order changes its sign with the direction and cancels; what is left is of the next order.)

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("there with fields[0.5]; back with the same velocity, its sign changed")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
distances = []
for n in (8, 16, 32):
    there = dl.integrate(fields[0.5], x, "midpoint", n).x
    home = dl.integrate(lambda p: -fields[0.5](p), there, "midpoint", n).x
    distances.append(np.linalg.norm(home - x))
power = -np.polyfit(np.log([8, 16, 32]), np.log(distances), 1)[0]

# %% tags=["check"]
assert abs(power - 3) < 0.5

# %% [markdown]
# **4.** You can live with 50 dB, but not with more than 6 % off the thesis's network. Which row of `points`, with its
# softness, growth and damping (section 3), ends its legs nearest to the reference? Call it `mine`.

# %% tags=["exercise", "raises-exception"]
raise NotImplementedError("min over the rows that satisfy both, by relative_error")

# %% tags=["solution", "hide-input"] jupyter={"source_hidden": true}
allowed = [row for row in points if row["psnr_db"] >= 50 and row["fidelity"] <= 0.06]
mine = min(allowed, key=lambda row: row["relative_error"])

# %% tags=["check"]
assert mine in points and mine["psnr_db"] >= 50 and mine["fidelity"] <= 0.06
for row in points:
    assert row["psnr_db"] < 50 or row["fidelity"] > 0.06 or row["relative_error"] >= mine["relative_error"]
assert mine["softness"] < default[0] and mine["relative_error"] < 0.01  # a sharper network, damped as by default

# %% [markdown]
# ## Further reading
#
# - Hairer, Lubich & Wanner, *Geometric Numerical Integration*, chapters II.3 and V: symmetric methods, and why an error
#   of even order cancels there and back.
# - Hairer, Nørsett & Wanner, *Solving Ordinary Differential Equations I*, chapter II: Runge–Kutta.
# - Nocedal & Wright, *Numerical Optimization*, chapters 7 and 18: L-BFGS; projecting on the constraints' gradients.
# - McMahan et al. (2013), *Ad click prediction: a view from the trenches*: where Ftrl comes from, and why it forgets.
# - Choi et al. (2019), arXiv 1910.05446: how the tuning of learning rates decides comparisons of optimizers.
