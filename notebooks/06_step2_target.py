# %% [markdown]
# # 6. Step 2: taking the style off a picture
#
# The pictures in the lower row have lost their style. To the first two layers of the network all three are now the
# same: each has the channel means of noise, within one percent. And yet you can tell at a glance which photograph
# each of them was. **How can everything that the network measures be gone, and the cat still be there?**
#
# The answer is a matter of counting.
#
# About 28 minutes, without the exercises.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.fft import dctn, idctn

import decoupling_lib as dl

dl.use_kit_settings()  # pictures look the same on every computer

# %%
# about half a minute on two cores
names, size = ("chelsea", "china", "astronaut"), (128, 128)
prepared = dl.prepare("chelsea", "chelsea", dl.Options(size=size))
photos = {name: dl.load_picture(name, size).array for name in names}
routes = {}
for name, photo in photos.items():
    routes[name] = dl.remove_style(prepared.context(), photo)
undressed = {name: route.x for name, route in routes.items()}

# %% mystnb={"image": {"alt": "Cat, pavilion, astronaut; below them the same as gaudy labyrinths, recognizable."}}
figure, axes = plt.subplots(2, 3, figsize=(9, 6.4), layout="constrained")
for (above, below), name in zip(axes.T, names, strict=True):
    dl.show_picture(above, photos[name], name)
    dl.show_picture(below, undressed[name], f"{name}, undressed")
plt.show()

# %% [markdown]
# ## Learning goals
#
# After this lesson you can
#
# - say what Step 2 does, and in what it differs from Step 1;
# - show with numbers that undressed pictures are alike to the network, and different to the eye;
# - explain by two reasons why content survives: there are few constraints, and they forget where things are;
# - explain why normalizing twice is nearly normalizing once, and why Steps 1 and 2 must stop by one rule.
#
# You need lesson 5, for legs.
#
# ## Notation
#
# | symbol | meaning |
# |---|---|
# | $x$ | the target: the image that is to receive a style |
# | $\check x$ | the target without its style: the image at the end of Step 2 |
# | $N$ | number of values of an image: three per pixel |
# | $n$ | how many constraints there are: one for each channel mean |
# | $A$ | the Jacobian: the gradient of one channel mean in each row; its shape is $(n, N)$ |
# | row space | all combinations of the rows of $A$: the changes of the image that the features notice |
# | $v$ | the reference values: the channel means of noise |

# %% [markdown]
# ## The same legs, for another picture
#
# A transfer has two pictures. The *origin* gives its style; Step 1 recorded it in lesson 5. The *target* gives its
# content and is to receive that style. But it has a style of its own, which has to come off first. **Step 2** takes
# it to noise by the same legs: leg 1 moves the first layer to $v_1$; leg 2 moves the second layer to $v_2$ and holds
# the first. In Spanish this is to *undress* the image (*desnudar la imagen*).
#
# There is one difference. Step 1 wanted the record $c$, and threw the picture away. Step 2 wants the picture
# $\check x$, and records nothing.

# %%
figure, ax = plt.subplots(figsize=(6, 1.6), layout="constrained")
dl.show_legs(ax, 2, ["first layer", "second layer"])
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
for name, route in routes.items():
    ends = [f"{leg.relative_error:.1%}" for leg in route.legs]
    print(f"{name:9} leg 1 ends {ends[0]} from noise, leg 2 ends {ends[1]} from it")
    assert max(leg.relative_error for leg in route.legs) < 0.012
    assert max(leg.held_relative_error for leg in route.legs) < 0.012

# %% [markdown]
# ## Alike to the network
#
# How far apart are the features of any two pictures, before and after? We divide by the length of $v$ and count live
# channels only. Both tables have one gray scale: white is 0, black is 50 %.

# %%
f, v, live = prepared.features.map, prepared.reference.values, prepared.reference.live


def distances(pictures):
    values = [f.values(x)[live] for x in pictures.values()]
    table = [[np.linalg.norm(a - b) for b in values] for a in values]
    return 100 * np.array(table) / np.linalg.norm(v[live])


before, after = distances(photos), distances(undressed)

# %% mystnb={"image": {"alt": "Two tables: photographs are 32 to 41 % apart and dark, undressed ones white."}}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
titles = ("photographs", "undressed pictures")
for ax, table, title in zip(axes, (before, after), titles, strict=True):
    text = f"Distance between features of {title}, %"
    dl.show_matrix(ax, table, names, text, "{:.1f}", limits=(0, 50))
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
pairs = np.triu_indices(3, 1)
nearest, farthest = before[pairs].min(), after[pairs].max()
print(f"photographs: at least {nearest:.0f} % apart")
print(f"undressed:   at most {farthest:.1f} % apart")
assert nearest > 30 and farthest < 1

# %% [markdown]
# By the channel means of two layers, the network could not tell a cat from an astronaut any more.
#
# ## Different to the eye
#
# We need a number for "I can still see the cat". Two simple ones will do, and neither is a feature of the network.
# The first is the brightness of a very small copy, $16 \times 16$ pixels: where is the picture light, and where is it
# dark? The second is the strength of edges at full size. For each of them we correlate every undressed picture with
# every photograph.


# %%
def brightness(image):
    return dl.resize(np.clip(image, 0, 1), (16, 16)).mean(axis=2)


def edges(image):
    return dl.edge_strength(np.clip(image, 0, 1))


def correlations(measure):
    rows = [measure(x).ravel() for x in (*undressed.values(), *photos.values())]
    return np.corrcoef(rows)[:3, 3:]


# %%
# NBVAL_CHECK_OUTPUT
tables = {"brightness": correlations(brightness), "edges": correlations(edges)}
for title, table in tables.items():
    own, others = np.diag(table), table[~np.eye(3, dtype=bool)]
    print(f"{title}: {own.min():.2f} or more with its own, {others.max():.2f} or less")
    assert own.min() > others.max() + 0.15

# %% [markdown]
# Every undressed picture resembles its own photograph more than any other. Light and dark are nearly as they were.
# Colors are not, and of the edges less than half is left by this number: labyrinths have made new ones everywhere.
#
# What one still recognizes is the **content**. In this method there is no layer for content and no loss for it.
# Content is what the legs leave over. But why do they leave so much? Nobody told them what a cat is.

# %% [markdown]
# ## The first reason: 157 constraints against 49,152 numbers
#
# Count. An image of $128 \times 128$ pixels has $N = 128 \cdot 128 \cdot 3 = 49{,}152$ numbers. Two layers have
# $64 + 128 = 192$ channel means, and noise leaves 35 of them dead (lesson 4). So at the end of Step 2 the image has
# to obey $n = 157$ **constraints**, and it has **49,152 numbers** to obey them with.
#
# Linear algebra says how much freedom this leaves. The constraints notice a change $u$ of the image only by $A u$,
# and $A$ has 157 rows. All changes with $A u = 0$ go unnoticed, and they form a space of at least
# $49{,}152 - 157 = 48{,}995$ dimensions. The changes that are noticed form the *row space* of $A$, which has 157
# dimensions at most.
#
# The lift is the shortest velocity that does what is asked (lesson 1). It has the form $A^\top \lambda$, so it lies
# in the row space: **it never moves the image in a direction that no constraint notices**.
#
# We compute the row space at the undressed cat, and ask which share of a change lies in it (of its squared length):
# of a random change, and of the change that Step 2 made. **What do you expect: less than 1 %, half, or nearly all?**

# %%
cat = undressed["chelsea"]
A = f.linearize(cat).jacobian(live)[live].astype(float)
basis = np.linalg.qr(A.T)[0]  # 157 orthonormal columns
changes = {"a random change": np.random.default_rng(0).standard_normal(cat.size)}
changes["the change by Step 2"] = (cat - photos["chelsea"]).ravel()

# %%
# NBVAL_CHECK_OUTPUT
share = {}
for name, u in changes.items():
    share[name] = np.sum((basis.T @ u) ** 2) / np.sum(u**2)
    print(f"{name}: {share[name]:.1%} of the squared length")
expected = len(A) / cat.size
print(f"expected of a random change: {len(A)} / {cat.size:,} = {expected:.1%}")
assert np.isclose(share["a random change"], expected, rtol=0.3)
assert share["the change by Step 2"] > 0.8

# %% [markdown]
# The features notice three tenths of a percent of a random change. Nine tenths of what Step 2 did lies in that small
# space. (Not all of it: the gradients turn a little on the way, and this is the row space at its end.)
#
# **Exercise 6.1.** A transfer uses five layers with 64, 128, 256, 512 and 512 channels, all of them live, and images
# of $128 \times 128$ pixels. How many dimensions at least remain free? And what is the side, in pixels, of the
# smallest square image that has as many numbers as there are constraints, or more? If you are stuck:
# `dl.hint("6.1")`.

# %% tags=["exercise"]
free = ...  # replace the dots
side = ...
dl.check("6.1", free, side)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 6.1
constraints = 64 + 128 + 256 + 512 + 512
free = 3 * 128**2 - constraints
side = int(np.ceil(np.sqrt(constraints / 3)))
dl.check("6.1", free, side)

# %% [markdown]
# ### How many constraints would destroy a picture?
#
# Let us do an experiment of thought that can be seen. Invent $k$ constraints at random: $k$ directions in the space
# of all images, at right angles to each other, which have nothing to do with any network. Ask the cat to agree with
# noise in all of them, by the shortest change. For linear constraints with orthonormal rows $Q$ the lift takes one
# step,
#
# $$\check x = x + Q^\top (Q z - Q x), \qquad z \text{ the noise} .$$
#
# To have many such rows at once we flip random signs and take a cosine transform: each of its coefficients is one
# constraint.

# %%
photo, noise = photos["chelsea"], dl.uniform_noise(size, 0)
rng = np.random.default_rng(0)
signs, order = rng.choice([-1, 1], photo.shape), rng.permutation(photo.size)


def constrain(x, k):
    asked = np.zeros(x.size)
    asked[order[:k]] = 1
    way = dctn(signs * (noise - x), norm="ortho") * asked.reshape(x.shape)
    return x + signs * idctn(way, norm="ortho")


# %%
def draw(ax, k):
    changed = constrain(photo, k)
    dl.show_picture(ax, changed, f"{k:,} of {photo.size:,} constraints")
    part = np.sum((changed - photo) ** 2) / np.sum((noise - photo) ** 2)
    return f"{k:,} constraints do {part:.1%} of the squared change from cat to noise."


counts = (0, 157, 1000, 5000, 10000, 20000, 30000, 40000, 46000, 49152)
text = "A cat that agrees with noise in more and more random constraints."
dl.animate(draw, counts, text, size=(3.2, 3.4), seconds=0.8)

# %% [markdown]
# With 157 random constraints you hardly see a difference. It takes tens of thousands to hide the cat. Find your own
# limit:

# %% mystnb={"image": {"alt": "The cat with 157 random constraints, hardly different from the photograph."}}
dl.explore("Random constraints", draw, size=(3.2, 3.4), k=(0, photo.size, 157))

# %%
# NBVAL_CHECK_OUTPUT
part = {}
for k in (157, 20000):
    change = constrain(photo, k) - photo
    part[k] = np.sum(change**2) / np.sum((noise - photo) ** 2)
    print(f"{k:6,} constraints: {part[k]:.1%} of the squared distance to noise")
    assert np.isclose(part[k], k / photo.size, rtol=0.2)

# %% [markdown]
# The share is $k / N$, up to chance. This is the first reason why content survives: the constraints are few, and the
# lift does nothing that they do not ask for.
#
# **Exercise 6.2.** Write the function `undress(x, A, v)` for linear features $f(x) = A x$: it returns the image
# nearest to $x$ whose features are $v$. The rows of $A$ are *not* orthonormal here. One step of your lift from
# exercise 1.2 is enough.


# %% tags=["exercise"]
def undress(x, A, v):
    return ...  # write your function here


dl.check("6.2", undress)


# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 6.2
def undress(x, A, v):
    return x + A.T @ np.linalg.solve(A @ A.T, v - A @ x)


dl.check("6.2", undress)

# %% [markdown]
# ## The second reason: means forget where
#
# But look at the pictures at the top. The 157 real constraints changed much that one sees: the cat's eyes are bright
# green, and the sky of *china* is a purple labyrinth with a yellow wedge. They are directions in which the filters of
# the network see most, so few numbers can do much. Why then is the cat still where it was?
#
# Because a channel mean is a mean over all positions. It says **how much** of a pattern there is, and not **where**.
# Test it: move the whole picture by 40 pixels, and let what leaves on the right come in again on the left.

# %%
# NBVAL_CHECK_OUTPUT
moved = np.roll(photo, 40, axis=1)
pixels = np.linalg.norm(moved - photo) / np.linalg.norm(photo)
noticed = dl.relative_error(f.values(moved), f.values(photo), live)
other = dl.relative_error(f.values(photos["china"]), f.values(photo), live)
print(f"moved by 40 pixels: pixels change by {pixels:.0%}, features by {noticed:.1%}")
print(f"another photograph: features change by {other:.0%}")
assert pixels > 0.25 and noticed < 0.1 * other

# %% [markdown]
# Nearly every pixel has changed, and the features hardly notice. And their gradients? A gradient contains the slopes
# $\varphi'(y)$ of the activation (lesson 4), so it differs from place to place. But its **rule** is the same
# everywhere: what it does at a pixel depends on the neighborhood, and not on where the pixel is. If the picture moves,
# it moves along. We try a random combination of all gradients:

# %%
# NBVAL_CHECK_OUTPUT
weights = live * np.random.default_rng(0).standard_normal(len(v))
own, theirs = (f.linearize(x).vjp(weights) for x in (photo, moved))
inside = np.s_[16:-16, 56:-16]  # away from the borders, old and new
own, theirs = np.roll(own, 40, axis=1)[inside], theirs[inside]
off = dl.relative_error(own.ravel(), theirs.ravel())
low, high = np.percentile(np.linalg.norm(own, axis=2), [5, 95])
print(f"moved along, the gradient differs by {100 * off:.2g} %")
print(f"from place to place, its size differs by a factor of {high / low:.0f}")
assert off < 0.01 and high > 3 * low

# %% [markdown]
# So a gradient can color green eyes and let flat skies grow labyrinths, wherever they are. It has no way to say
# "here", and it cannot move an ear.
#
# Content is protected twice: nearly all directions are not asked, and those that are asked know no places.
#
# ## Twice is nearly once
#
# An undressed picture has nothing left to take off. How far does the cat move in a
# second Step 2?

# %%
# NBVAL_CHECK_OUTPUT
twice = dl.remove_style(prepared.context(), cat).x
first_way, second_way = np.linalg.norm(cat - photo), np.linalg.norm(twice - cat)
way, gap = ((f.values(x) - v)[live] for x in (photo, cat))
left = np.linalg.norm(gap) / np.linalg.norm(way)
weak = np.linalg.svd(A @ A.T)[0][:, 10:]  # without the ten strongest directions
before, after = (np.sum((weak.T @ u) ** 2) / np.sum(u**2) for u in (way, gap))
print(f"the features have {left:.1%} of their way left")
print(f"the cat moves by {second_way / first_way:.0%} of the first way again")
print(f"weak directions: {before:.0%} of the squared way, {after:.0%} of what is left")
assert left < 0.03 < second_way / first_way < 0.2 and before < 0.3 and after > 0.9

# %% [markdown]
# It is not quite nothing. Damping left a gap at the end of each leg (lesson 4). Why is one percent of the features 8 %
# of the way? Damping gives up on *weak directions*: combinations of features whose gradients nearly cancel. What is
# left lies there (beyond the ten strongest of 157 directions), where a small change of the features is a long way.
#
# ## One rule for two steps
#
# Steps 1 and 2 have to fit together. In Step 1, $c_2$ was recorded with the first layer at noise. In Step 3 it will
# be imposed with the first layer at noise. What if Step 2 stops earlier than Step 1? Let us try it: we impose the
# cat's own style $c$ on its image after both legs of Step 2, and on its image after leg 1 alone.

# %%
# NBVAL_CHECK_OUTPUT
small, times = dl.prepare("chelsea", "chelsea", dl.Options(size=(32, 32))), []
context, x = small.context(), small.target.array
whole, early = dl.remove_style(context, x), dl.remove_style(context.prefix(1), x)
v2, second = small.reference.values[64:], small.reference.live[64:]
for legs, start in (("both legs", whole.x), ("leg 1 alone", early.x)):
    again = dl.impose(dl.retracing(context, whole), start, whole.style).x
    found = [c[64:] - v2 for c in (dl.measure_style(context, again).style, whole.style)]
    times.append(np.linalg.norm(found[0][second]) / np.linalg.norm(found[1][second]))
    print(f"after {legs}: {times[-1]:.2f} times the style of the second layer")
assert abs(times[0] - 1) < 0.01 and times[1] > 1.5

# %% [markdown]
# (The distance of $c_2$ from $v_2$ is measured again on each result.) If Step 2 stops early, the second layer keeps a
# style of its own, and the new one is put on top. So both steps stop by one rule.

# %% [markdown]
# <details><summary>In the thesis</summary>
#
# Step 2 is section 3.4 of the thesis (*paso 2*). Its images have $150 \times 150$ pixels, so 67,500 numbers. Its annex
# stops Step 1 at a mean squared error of 1 and Step 2 at 0.05, which are two rules. By its own log it reaches neither
# in 50,000 iterations. What a leg has not finished there counts as style in one step, and as content in the other.
#
# </details>
#
# ## Exercises
#
# **Exercise 6.3.** You add a random change to an image of $128 \times 128$ pixels, every number independent. What
# share of its **length** (not of its squared length) do you expect in a row space of 157 dimensions?

# %% tags=["exercise"]
part_seen = ...  # replace the dots
dl.check("6.3", part_seen)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 6.3
part_seen = np.sqrt(157 / 49152)
dl.check("6.3", part_seen)

# %% [markdown]
# **Exercise 6.4.** Nobody asked for the *Gram matrices* $F F^\top$ of lesson 3. Take *flower* in the size
# $32 \times 32$, and `dl.uniform_noise((32, 32), 0)`. How far is the Gram matrix of the first layer from that of the
# noise, relative to that of the noise: for the photograph, and for the undressed picture? The Gram matrices of an
# image `x` are `dl.gram_matrices(prepared.network, x)`, by layer.

# %% tags=["exercise"]
of_photo = ...  # replace the dots
of_undressed = ...
dl.check("6.4", of_photo, of_undressed)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 6.4
tiny = dl.prepare("flower", "flower", dl.Options(size=(32, 32)))
bare = dl.remove_style(tiny.context(), tiny.target.array).x
images = (dl.uniform_noise((32, 32), 0), tiny.target.array, bare)
goal, *grams = (dl.gram_matrices(tiny.network, x)["block1_conv1"] for x in images)
off = [np.linalg.norm(gram - goal) / np.linalg.norm(goal) for gram in grams]
of_photo, of_undressed = off
dl.check("6.4", of_photo, of_undressed)

# %% [markdown]
# **Exercise 6.5.** Could one undress a picture so thoroughly that its content is gone, by using more layers? Or by
# using features that are not means over all positions? Write two or three sentences.

# %% tags=["exercise"]
why = """
"""
dl.check("6.5", why)

# %% [markdown] tags=["model-answer"]
# <details><summary>Model answer</summary>
#
# More layers add constraints: five layers have 1,472. That is still 3 percent of 49,152, and they are still means,
# which do not know where things are. So content mostly survives, though patterns may get coarser. Features that are
# not means over all positions are another matter. Means over small windows, or the activations themselves, say what
# is where; there can be as many of them as there are pixels, and bringing them to noise would erase the content.
#
# A good answer keeps the two reasons apart: how many constraints there are, and whether they know places.
#
# </details>

# %%
dl.progress()

# %% [markdown]
# To hand in your answers, run `dl.export_answers("answers_06.json", student="Your Name")`.
#
# ## Quiz
#
# **1.** What is content, in this method?
#
# <details><summary>Answer</summary>
#
# Whatever one still recognizes. It is not measured and not asked for. It is what remains of a picture when a few
# hundred channel means have been brought to their reference by the shortest way.
#
# </details>
#
# **2.** The lift is the shortest velocity. What would happen to the content with a longer one that moves the features
# just as well?
#
# <details><summary>Answer</summary>
#
# A longer one is the lift plus a change that no feature notices. This extra part does not bring the picture nearer to
# noise, and it changes the content for nothing.
#
# </details>
#
# **3.** Two undressed pictures have nearly equal features. Are they nearly equal?
#
# <details><summary>Answer</summary>
#
# No. The undressed cat and the undressed astronaut agree in 157 numbers and are free in 49,000 others.
#
# </details>
#
# ## Take-aways
#
# - Step 2 takes the target to noise by the legs of Step 1, and keeps the picture, not the record.
# - Undressed pictures are alike to the network (less than 1 % apart), and different to the eye.
# - Two layers make 157 live constraints, and an image of $128 \times 128$ pixels has 49,152 numbers. The lift moves
#   only what the constraints notice.
# - A channel mean forgets where things are. Its gradient follows one rule everywhere, and only looks at neighborhoods.
# - Content is what the legs leave over. Normalizing twice is normalizing once, up to what damping leaves.
#
# ## Further reading
#
# - Gatys, Ecker & Bethge (2016), *Image style transfer using convolutional neural networks*: there, content is a
#   loss.
# - Portilla & Simoncelli (2000), *A parametric texture model based on joint statistics of complex wavelet
#   coefficients*: what statistics leave open, seen in pictures.
# - Strang, *Introduction to Linear Algebra*, on the four subspaces: row space and null space.
#
# Next: lesson 7 walks back from noise, with the style of another picture.
