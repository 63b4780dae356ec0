"""A whole transfer by any method, with the same measurements for each.

`decoupled` is the damped horizontal lift; `projected` is explicit descent along the tangent space of the held features,
as the text of the thesis asks for; `descent` is the annex of the thesis; `direct` moves the coupled means of all layers
at once, without normalization. Whatever the method, the imposed style is judged in one way: Step 1 of the decoupled
method is repeated on the result and compared with that on the origin. (The refinement does just that at its end.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..common.arrays import Floats
from ..engine.context import Context, Step
from ..engine.distances import relative_error
from ..engine.features import Passes, block_slices
from ..engine.journal import Chapter
from ..engine.legs import Leg
from ..engine.normalization import Route, normalize, retracing
from ..methods.method import Method
from .steps import DECOUPLED, impose_style, measure_style, remove_style

STEPS = ("step1", "step2", "step3")
CHAPTERS = (*STEPS, "origin_style", "target_style", "result_style", "saved_style")
"""The routes of a transfer by name, which are the chapters of its journal."""


@dataclass(frozen=True)
class Transfer:
    """A transfer that has ended, or was interrupted.

    Parameters
    ----------
    origin, target : ndarray, shape (H, W, 3)
        The images, unclipped.
    layers : mapping of str to slice
        The place of each layer in the feature vector.
    routes : mapping of str to Route
        What was run: `step1`, `step2`, `step3`; `origin_style` and `target_style` (Step 1 of the decoupled method on
        the images, if the method's own is another one); `result_style` (the same on the result); `saved_style` (on the
        result as its 8-bit image has it).
    """

    origin: Floats
    target: Floats
    layers: Mapping[str, slice]
    routes: Mapping[str, Route]

    @property
    def status(self) -> str:
        """`done`, or what ended the transfer early; a result that could not be judged is still a result."""
        broken = ((name, route.status) for name, route in self.routes.items() if route.status != "done")
        return next((status for name, status in broken if name in STEPS or status == "interrupted"), "done")

    @property
    def legs(self) -> tuple[Leg, ...]:
        """The legs of Steps 1 to 3, in the order of running."""
        return tuple(leg for name in STEPS if name in self.routes for leg in self.routes[name].legs)

    @property
    def passes(self) -> Passes:
        """What Steps 1 to 3 cost; the judging of the result is not counted."""
        total = Passes()
        for leg in self.legs:
            total.add(leg.passes)
        return total

    @property
    def result(self) -> Floats:
        """The image at the end of Step 3, (H, W, 3), unclipped; `KeyError` if Step 3 was not reached."""
        return self.routes["step3"].x

    @property
    def style(self) -> Floats | None:
        """The decoupled style c of the origin, (n,); None before Step 1."""
        route = self.routes.get("origin_style", self.routes.get("step1"))
        return None if route is None else route.style

    @property
    def style_relative_error(self) -> dict[str, float]:
        """‖c(result) - c‖/‖c‖ by layer; empty for a transfer that was not judged."""
        return self._compare("result_style")

    @property
    def style_gaps(self) -> dict[str, dict[str, float]]:
        """The same of several images, by their names, each by layer.

        `untouched` is the target before the transfer: a gap means little unless it is compared with this one.
        `unrefined` is the result before its refinement, if there was one. `result` is `style_relative_error`, and
        `saved` that of the 8-bit image. What was not measured is empty.
        """
        step3 = self.routes.get("step3")
        unrefined = None if step3 is None else step3.initial
        return {
            "untouched": self._compare("target_style" if "target_style" in self.routes else "step2"),
            "unrefined": {} if unrefined is None else self._distances(unrefined),
            "result": self.style_relative_error,
            "saved": self._compare("saved_style"),
        }

    @property
    def worst_channels(self) -> dict[str, float]:
        """The largest share that is left of a channel's way to the style, ``|c_i(result) - c_i|/|c_i(target) - c_i|``.

        By layer; over live channels that had at least a tenth of the mean way of their layer to go. Empty for a
        transfer that was not judged.
        """
        judged = self.routes.get("result_style")
        before = self.routes.get("target_style", self.routes.get("step2"))
        wanted = self.style
        if judged is None or judged.status != "done" or before is None or wanted is None:
            return {}
        worst = {}
        for name, at in self.layers.items():
            way, left = np.abs(before.style[at] - wanted[at]), np.abs(judged.style[at] - wanted[at])
            far = way > 0.1 * way.mean()
            worst[name] = float(np.max(left[far] / way[far])) if far.any() else 0.0
        return worst

    def _compare(self, name: str) -> dict[str, float]:
        judged = self.routes.get(name)
        return self._distances(judged.style) if judged is not None and judged.status == "done" else {}

    def _distances(self, style: Floats) -> dict[str, float]:
        wanted = self.style
        if wanted is None or not np.isfinite(style).all():
            return {}
        return {name: relative_error(style[at], wanted[at]) for name, at in self.layers.items()}


def run_transfer(context: Context, origin: Floats, target: Floats, method: Method = DECOUPLED) -> Transfer:
    """Run Steps 1 to 3 and judge the result.

    Parameters
    ----------
    context : Context
        Feature map, reference of Step 0, and settings. Its journal keeps what is done, one chapter per route; what an
        earlier run wrote there is not run again, and the outcome equals that of an uninterrupted run to the bit.
    origin, target : ndarray, shape (H, W, 3)
        Images, not necessarily of one size. The same image twice is the self-transfer.
    method : Method
        How Steps 1 to 3 are taken. Default: the decoupled method.
    """
    routes: dict[str, Route] = {}
    for name, route in _follow_routes(context, origin, target, method):
        routes[name] = route
        if route.status != "done":
            break
    return Transfer(origin, target, block_slices(context.features.blocks), routes)


def _follow_routes(context: Context, origin: Floats, target: Floats, method: Method) -> Iterator[tuple[str, Route]]:
    """Yield each route of a transfer; the next one is begun only when it is asked for."""
    step1 = measure_style(_open_chapter(context, "step1"), origin, method)
    yield "step1", step1
    if np.array_equal(origin, target):
        step2 = _repeat(step1)
    else:
        step2 = remove_style(_open_chapter(context, "step2"), target, method)
    yield "step2", step2
    # Of the origin, Step 3 is given the style alone; of the target, the image and the places where steps ended.
    step3 = impose_style(retracing(_open_chapter(context, "step3"), step2), step2.x, step1.style, method)
    yield "step3", step3
    if not method.measures_decoupled_style:
        judged = _judge(_open_chapter(context, "origin_style"), origin)
        yield "origin_style", judged
        same = np.array_equal(origin, target)
        yield "target_style", judged if same else _judge(_open_chapter(context, "target_style"), target)
    if step3.achieved is None:
        yield "result_style", _judge(_open_chapter(context, "result_style"), step3.x)
    else:  # the refinement measured it last, at no further cost
        status = "done" if np.isfinite(step3.achieved).all() else "diverged"
        yield "result_style", Route(step3.x, step3.achieved, (), status)
    saved = np.rint(np.clip(step3.x, 0.0, 1.0) * 255.0) / 255.0  # as `images.pictures.to_uint8` rounds it
    yield "saved_style", _judge(_open_chapter(context, "saved_style"), saved)


def _open_chapter(context: Context, title: str) -> Context:
    return replace(context, journal=Chapter(context.journal, title))


def _judge(context: Context, x: Floats) -> Route:
    """Measure the decoupled style of an image."""
    return normalize(replace(context, step=Step.JUDGING), x, measure_only=True)


def _repeat(route: Route) -> Route:
    """Return Step 1 as Step 2 of the same image, at no cost.

    Step 2 would repeat it to the bit; the thesis leaves it out as well (figure 4.4).
    """
    return replace(
        route, legs=tuple(replace(leg, step=Step.TARGET, passes=Passes(), seconds=0.0) for leg in route.legs)
    )
