# %% [markdown]
# # 0. What is style, in numbers?
#
# The picture on the right has the outlines of the cat and the look of the cup of coffee. No painter was involved, and
# nobody chose a brush. A program took 192 numbers from the first picture and imposed them on the second. **Which
# numbers are these, and why do they carry the look of a picture and leave its outlines alone?**
#
# This course answers that. This first lesson shows where it leads, and lets you play. About 16 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

import decoupling_lib as dl

dl.use_kit_settings()  # pictures look the same on every computer

# %%
options = dl.Options(max_side=256, precision="float32")  # this takes about a minute
transfer = dl.transfer("coffee", "chelsea", options)

# %%
figure, axes = plt.subplots(1, 3, figsize=(12, 3.1), layout="constrained")
titles = ("coffee: gives the style", "chelsea: gives the content", "the result")
shown = (transfer.origin, transfer.target, transfer.result)
for ax, image, title in zip(axes, shown, titles, strict=True):
    dl.show_picture(ax, image, title)
plt.show()

# %% [markdown]
# ## Learning goals
#
# After this lesson you can
#
# - say in your own words what it means to remove a style and to impose one;
# - run a transfer of your own, and read how much of the style has not arrived;
# - find the lesson that answers the question you have.
#
# You need no more than curiosity. The lessons after this one need derivatives, matrices, and some Python with NumPy.
#
# ## Notation
#
# | word | meaning |
# |---|---|
# | origin | the image that gives the style |
# | target | the image that receives it, and keeps its content |
# | feature | a number that is measured on an image |
# | reference | the values to which features are moved when a style is removed |
# | px | pixels; an image of 256 px has a longest side of 256 pixels |
#
# ## Style as a list of numbers
#
# A neural network that was trained to recognize things is a good observer. Its first layers respond to edges, colors
# and textures, each with a number of *channels*: one looks for green, one for stripes, and so on. Average the
# response of each channel over the whole image, and what is left is a list: how much green, how many stripes,
# wherever they are. *Where* something is has been averaged away. That is why such a list can describe a look, and
# cannot describe a face.
#
# Two layers have $64 + 128 = 192$ channels. Compare that with the number of values that make up the picture itself:

# %%
# NBVAL_CHECK_OUTPUT
height, width, colors = transfer.target.shape
count = transfer.target.size
print(f"the picture has {height} × {width} × {colors} = {count:,} values")
print(f"its style has {transfer.style.size}")
assert transfer.style.size == 192 and count > 600 * 192

# %% [markdown]
# So a style fixes 192 things about more than a hundred thousand values. There are countless pictures with the same
# style, and the art is to move from one to another *without changing more than is asked*.
#
# ## The trouble with such numbers
#
# Features get in each other's way. Make a picture darker, and its stripes become weaker too: a number of the second
# layer has changed although nobody touched the stripes. Two features are **coupled** if changing the image so that one
# of them changes as fast as possible changes the other one, too. The idea of this course is to measure them so that
# they are not: first move every image until its first layer shows the same values, the **reference**; then measure the
# second layer *there*, where the first one no longer tells images apart. Such numbers are **decoupled**: at the
# reference, and in general not away from it (lessons 2 and 5).
#
# A transfer has four steps:
#
# | step | what happens |
# |---|---|
# | 0 | a reference is chosen |
# | 1 | the origin moves to the reference, and its decoupled style is recorded on the way |
# | 2 | the target moves to the reference: its style is removed |
# | 3 | from there, the style of the origin is imposed on it |
#
# Lessons 4 to 7 take one step each, with *noise* as the reference. The transfer above did not go that far. For two
# pictures the library takes another reference by default: their *midpoint*, **halfway** between them. The cat already
# had half of the coffee's look after Step 2. Lesson 8 says why that matters.
#
# How much has arrived? Take the distance between the styles of result and origin, as a share of that between target
# and origin. The mean over the layers is the **style gap left**: at 0 % all has arrived, at 100 % nothing.

# %%
# NBVAL_CHECK_OUTPUT
gaps = transfer.style_gaps
shares = [gaps["result"][layer] / gaps["untouched"][layer] for layer in gaps["result"]]
print(f"style gap left: {np.mean(shares):.0%}")
assert 0 < np.mean(shares) < 0.2

# %% [markdown]
# The road to the reference can be taken back again. That is the second promise of the course: move a photograph until
# the averages of its first two layers are nearly those of noise, keep the numbers, go back, and the photograph is
# there again. (About half a minute. You need not understand the cell; lesson 7 explains it.)

# %%
photo, way = dl.load_picture("china", (128, 128)).array, []


def remember(step, layer, progress, x):
    way.append(x)


prepared = dl.prepare(photo, photo, dl.Options(size=(128, 128), reference="noise"))
there = dl.normalize(prepared.context(remember), photo)
context = dl.retracing(prepared.context(remember), there)
back = dl.impose(context, there.x, there.style)

# %%
figure, axes = plt.subplots(1, 3, figsize=(12, 4.2), layout="constrained")
titles = ("a photograph", "its style removed", "its style imposed again")
for ax, image, title in zip(axes, (photo, there.x, back.x), titles, strict=True):
    dl.show_picture(ax, image, title)
plt.show()

# %%
# NBVAL_CHECK_OUTPUT
moved = 255 * np.sqrt(np.mean((there.x - photo) ** 2))
close = np.mean(255 * np.abs(back.x - photo) < 0.5)
print(f"removing the style moved a value by {moved:.0f} gray levels, typically")
print(f"after the return, at least {int(100 * close)}% are within half a level")
assert moved > 20 and close > 0.995

# %% [markdown]
# The picture in the middle still shows the building to *us*. By its averages it is noise, up to a small remainder. The
# outlines survive, because 192 conditions leave nearly everything else free.
#
# The animation shows the whole way. Press Play, or move the slider.


# %%
def draw(ax, at):
    dl.show_picture(ax, way[at], "to noise" if at < len(way) / 2 else "and back")


text = "The averages of a photograph go to those of noise, and back"
dl.animate(draw, np.linspace(0, len(way) - 1, 24).astype(int), text, size=(3.4, 3.7))

# %% [markdown]
# ## The question
#
# Are decoupled numbers a *better* description of style than the plain ones? They ought to be: each says something
# that the others do not. It is the question of the thesis on which this course is built (Paula Miralles Simó, *Uso de
# características desacopladas en redes convolucionales para transferencias de estilo*, 2022). The answer is not a
# plain yes or no, it depends on a choice that looks harmless, and finding out takes the whole course:
#
# | lesson | question |
# |---|---|
# | 1 | How can one feature move while another stands still? |
# | 2 | What does that look like for the mean, the variance and their relatives, where all can be checked by hand? |
# | 3 | What does a convolutional network measure? |
# | 4 | What is the style of noise, and which channels never see it? |
# | 5 | How is the style of a photograph recorded on the way to noise? |
# | 6 | What is a photograph without its style? |
# | 7 | How is a style imposed, and does the way lead back? |
# | 8 | Why does the reference decide? |
# | 9 | What do smoothness and damping buy, and what do they cost? |
# | 10 | Which steps does a computer take, and how many? |
# | 11 | What do more layers add, and how do pictures become large? |
#
# ## How to work with it
#
# - Every lesson opens with a question and closes with a quiz. Read, run the cells in order with Shift+Enter, move the
#   sliders. Lines that begin with `assert` only make sure that the numbers are as the text says.
# - An exercise has a cell with dots for your answer. `dl.check` says whether it is right, and if not, what may have
#   gone wrong. Two correct digits are enough. `dl.hint("0.1")` helps; `dl.progress()` shows how far you are.
# - Boxes that can be opened, such as *In the thesis*, may be skipped.
#
# ## Play
#
# Four explorers, one for each part of the course. They need a running notebook; without one you see a still picture.
#
# **Following a gradient** (lesson 1). A point moves along the gradient of one feature until the feature has its
# reference value, the thick curve. Which rule needs the fewest steps to end on it?
#
# <details><summary>Answer</summary>
#
# From the first starting point, rk4 ends within 0.01 of the end of the curve with 3 steps, midpoint with 12, and
# euler needs more than 200. A step of rk4 costs four gradients, and one of euler a single one (lesson 10).
#
# </details>

# %%
display(dl.gradient_explorer())

# %% [markdown]
# **Moving one moment** (lesson 2). Each slider moves one decoupled moment of a sample. Which of the coupled ones, the
# hatched bars, move although nobody asked them to?
#
# <details><summary>Answer</summary>
#
# The kurtosis: it moves whenever the skewness does.
#
# </details>

# %%
display(dl.moment_explorer())

# %% [markdown]
# **Noise in a network** (lesson 4). The channel means of a layer for noise. Some channels are dead:
# zero at every place. Are they the same ones for every draw of the noise?
#
# <details><summary>Answer</summary>
#
# Nearly. In the fifth layer about 320 of 512 are dead; 292 of them are so in each of the first six draws.
#
# </details>

# %%
display(dl.noise_explorer())

# %% [markdown]
# **A transfer** (lessons 5 to 9). Choose two pictures and press Run. Here the reference is noise. The curves show how
# far each layer is from it, at each point that was reached on the way. What changes if you choose the midpoint? And
# if you choose the same picture twice?
#
# <details><summary>Answer</summary>
#
# With the midpoint, the target has half of the origin's look already after Step 2, and less of the style gap is left.
# With the same picture twice there is no gap. The picture comes back; 95 dB is an error below a hundredth of a gray
# level.
#
# </details>

# %%
styled = dl.transfer_explorer()
styled.controls["size"].value = 32
styled.controls["reference"].value = "noise"
styled.buttons["Run"].click()
display(styled)  # waits for the end of the run

# %% [markdown]
# ## Exercises
#
# **1.** What percentage of its values would a picture of 150 × 150 pixels in three colors need for a style of 192
# numbers? Give the percentage, such as 12.5 for an eighth.

# %% tags=["exercise"]
percentage = ...  # replace the dots
dl.check("0.1", percentage)

# %% tags=["solution", "hide-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# Solution of exercise 0.1
percentage = 100 * 192 / (150 * 150 * 3)
dl.check("0.1", percentage)

# %% [markdown]
# **2.** Before you go on: what would *you* call the style of a picture, and what its content? Two
# sentences are enough. Read them again after lesson 8.

# %% tags=["exercise"]
why = """

"""
dl.check("0.2", why)

# %% [markdown] tags=["model-answer"]
# <details><summary>Model answer</summary>
#
# There is no single right answer. A common one: style is what stays the same when the things in a picture are moved
# around, such as colors, contrast and texture; content is where the things are. Averages over the image are of the
# first kind by construction.
#
# </details>

# %% [markdown]
# ## Quiz
#
# **1.** Why can a list of channel means not describe a face?
#
# <details><summary>Answer</summary>
#
# The means do not know where anything is. The same eyes and the same mouth at other places give the same list.
#
# </details>
#
# **2.** What does it mean that two features are coupled?
#
# <details><summary>Answer</summary>
#
# Changing the image so that one of them changes as fast as possible changes the other one, too.
#
# </details>
#
# **3.** A photograph was moved to noise and came back. What does that prove about the style?
#
# <details><summary>Answer</summary>
#
# Only that the way can be taken back. A method that does nothing returns, too. Lesson 7 says what else has to be
# shown.
#
# </details>
#
# ## Take-aways
#
# - Style, here, is a list of channel means of a trained network: *how much* of everything, and not *where*.
# - Removing a style means moving those numbers to those of a reference; imposing one means going back with other
#   numbers.
# - Decoupled numbers are measured where those of the layers before them are at the reference.
#
# ## Further reading
#
# - Gatys, Ecker and Bethge (2016), *Image style transfer using convolutional neural networks*: where it all began.
# - The project's page of findings: everything that has been measured with this kit.
