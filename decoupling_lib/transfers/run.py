"""A whole transfer by any method, with the same measurements for each.

`decoupled` is the damped horizontal lift; `projected` is explicit descent along the tangent space of the held features,
as the text of the thesis asks for; `descent` is the annex of the thesis; `direct` moves the coupled means of all layers
at once, without normalization. Whatever the method, the imposed style is judged in one way: Step 1 of the decoupled
method is repeated on the result and compared with that on the origin. (The refinement does just that at its end.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from .mixtures import MAX_ORIGINS, combine_styles
from .steps import DECOUPLED, impose_style, is_self_transfer, measure_style, mix_styles, remove_style

_OTHERS = tuple(f"_{number}" for number in range(2, MAX_ORIGINS + 1))
STEPS = ("step1", *(f"step1{other}" for other in _OTHERS), "step2", "step3")
_ORIGIN_STYLES = ("origin_style", *(f"origin_style{other}" for other in _OTHERS))
JUDGINGS = (*_ORIGIN_STYLES, "target_style", "step3_style", "result_style", "saved_style")
CHAPTERS = (*STEPS, *JUDGINGS)
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
        the images, if the method's own is another one); `step3_style` (the same on the end of Step 3, if it was
        recolored); `result_style` (on the result); `saved_style` (on the result as its 8-bit image has it). `step1_2`,
        `origin_style_2` and so on are those of further origins.
    recolored : ndarray, shape (H, W, 3), optional
        The result, where it is not the end of Step 3.
    strength : float
        How far Step 3 was asked to go from the target's own style, 0, to that of the origin, 1.
    shares : tuple of float
        The shares of further origins in the style; empty for a single origin.
    """

    origin: Floats
    target: Floats
    layers: Mapping[str, slice]
    routes: Mapping[str, Route]
    recolored: Floats | None = None
    strength: float = 1.0
    shares: tuple[float, ...] = ()

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
        """The image at the end of Step 3, (H, W, 3), recolored if that was asked for, and unclipped.

        `KeyError` if Step 3 was not reached.
        """
        return self.routes["step3"].x if self.recolored is None else self.recolored

    @property
    def style(self) -> Floats | None:
        """The decoupled style c of the origin or of a mixture of origins, (n,); None before Step 1."""
        found = []
        for other in ("", *_OTHERS)[: 1 + len(self.shares)]:
            route = self.routes.get(f"origin_style{other}", self.routes.get(f"step1{other}"))
            if route is None:
                return None
            found.append(route.style)
        return combine_styles(found[0], found[1:], self.shares)

    @property
    def wanted(self) -> Floats | None:
        """The decoupled style that was asked for, (n,): c, or a mixture with the target's own; None before Step 2."""
        own = self.routes.get("target_style", self.routes.get("step2"))
        return None if self.style is None or own is None else mix_styles(own.style, self.style, self.strength)

    @property
    def style_relative_error(self) -> dict[str, float]:
        """‖c(result) - c‖/‖c‖ by layer, with the c that was asked for; empty for a transfer that was not judged."""
        return self._compare("result_style")

    @property
    def style_gaps(self) -> dict[str, dict[str, float]]:
        """The same of several images, by their names, each by layer.

        `untouched` is the target before the transfer: a gap means little unless it is compared with this one.
        `unrefined` is the result before its refinement, if there was one, and `before_recoloring` the end of Step 3, if
        that was recolored. `result` is `style_relative_error`, and `saved` that of the 8-bit image. `from_origin` is
        the distance of the result from the style of the origin, if that was asked for in part only. What was not
        measured is empty.
        """
        step3 = self.routes.get("step3")
        unrefined = None if step3 is None else step3.initial
        return {
            "untouched": self._compare("target_style" if "target_style" in self.routes else "step2"),
            "unrefined": {} if unrefined is None else self._distances(unrefined),
            "before_recoloring": self._compare("step3_style"),
            "result": self.style_relative_error,
            "saved": self._compare("saved_style"),
            "from_origin": {} if self.strength == 1 else self._compare("result_style", self.style),
        }

    @property
    def worst_channels(self) -> dict[str, float]:
        """The largest share that is left of a channel's way to the style, ``|c_i(result) - c_i|/|c_i(target) - c_i|``.

        By layer; over live channels that had at least a tenth of the mean way of their layer to go. Empty for a
        transfer that was not judged.
        """
        judged = self.routes.get("result_style")
        before = self.routes.get("target_style", self.routes.get("step2"))
        wanted = self.wanted
        if judged is None or judged.status != "done" or before is None or wanted is None:
            return {}
        worst = {}
        for name, at in self.layers.items():
            way, left = np.abs(before.style[at] - wanted[at]), np.abs(judged.style[at] - wanted[at])
            far = way > 0.1 * way.mean()
            worst[name] = float(np.max(left[far] / way[far])) if far.any() else 0.0
        return worst

    def _compare(self, name: str, wanted: Floats | None = None) -> dict[str, float]:
        judged = self.routes.get(name)
        return self._distances(judged.style, wanted) if judged is not None and judged.status == "done" else {}

    def _distances(self, style: Floats, wanted: Floats | None = None) -> dict[str, float]:
        wanted = self.wanted if wanted is None else wanted
        if wanted is None or not np.isfinite(style).all():
            return {}
        return {name: relative_error(style[at], wanted[at]) for name, at in self.layers.items()}


def run_transfer(
    context: Context,
    origin: Floats,
    target: Floats,
    method: Method = DECOUPLED,
    recolor: Callable[[Floats], Floats] | None = None,
    strength: float = 1.0,
    others: Sequence[tuple[Floats, float]] = (),
) -> Transfer:
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
    recolor : callable, optional
        Maps the image at the end of Step 3 to the result. Default: it is the result.
    strength : float
        From 0 to 1. Step 3 imposes the style (1 - strength) c(target) + strength c(origin).
    others : sequence of (ndarray, float)
        Further origins, and their shares of the style; the first origin has what they leave.
    """
    routes: dict[str, Route] = {}
    for name, route in _follow_routes(context, origin, target, method, recolor, strength, others):
        routes[name] = route
        if route.status != "done":
            break
    step3 = routes.get("step3")
    recolored = None if recolor is None or step3 is None or step3.status != "done" else recolor(step3.x)
    shares = tuple(share for _, share in others)
    return Transfer(origin, target, block_slices(context.features.blocks), routes, recolored, strength, shares)


def _follow_routes(
    context: Context,
    origin: Floats,
    target: Floats,
    method: Method,
    recolor: Callable[[Floats], Floats] | None,
    strength: float,
    others: Sequence[tuple[Floats, float]],
) -> Iterator[tuple[str, Route]]:
    """Yield each route of a transfer; the next one is begun only when it is asked for."""
    step1 = measure_style(_open_chapter(context, "step1"), origin, method)
    yield "step1", step1
    more = []
    for name, (image, _) in zip(STEPS[1:], others, strict=False):
        more.append(measure_style(_open_chapter(context, name), image, method))
        yield name, more[-1]
    style = combine_styles(step1.style, [route.style for route in more], [share for _, share in others])
    same = is_self_transfer(context, origin, target) and not others
    step2 = _repeat(step1) if same else remove_style(_open_chapter(context, "step2"), target, method)
    yield "step2", step2
    # Of the origin, Step 3 is given the style alone; of the target, the image and the places where steps ended.
    wanted = mix_styles(step2.style, style, strength)
    step3 = impose_style(retracing(_open_chapter(context, "step3"), step2), step2.x, wanted, method)
    yield "step3", step3
    if not method.measures_decoupled_style:
        judged = _judge(_open_chapter(context.for_origin(), "origin_style"), origin)
        yield "origin_style", judged
        for name, (image, _) in zip(_ORIGIN_STYLES[1:], others, strict=False):
            yield name, _judge(_open_chapter(context.for_origin(), name), image)
        yield "target_style", judged if same else _judge(_open_chapter(context, "target_style"), target)
    name, last = "result_style" if recolor is None else "step3_style", step3.x
    if step3.achieved is None:
        judged = _judge(_open_chapter(context, name), last)
    else:  # the refinement measured it last, at no further cost
        status = "done" if np.isfinite(step3.achieved).all() else "diverged"
        judged = Route(last, step3.achieved, (), status)
    yield name, judged
    if recolor is not None:
        last = recolor(last)
        judged = _judge(_open_chapter(context, "result_style"), last)
        yield "result_style", judged
    saved = np.rint(np.clip(last, 0.0, 1.0) * 255.0) / 255.0  # as `images.pictures.to_uint8` rounds it
    yield "saved_style", _judge(_open_chapter(context, "saved_style"), saved, judged)


def _open_chapter(context: Context, title: str) -> Context:
    return replace(context, journal=Chapter(context.journal, title))


def _judge(context: Context, x: Floats, similar: Route | None = None) -> Route:
    """Measure the decoupled style of an image; legs of a similar image are a start that saves passes."""
    guides = {} if similar is None else {(Step.JUDGING, layer): guide for layer, guide in similar.guides.items()}
    return normalize(replace(context, step=Step.JUDGING, guides=guides), x, measure_only=True)


def _repeat(route: Route) -> Route:
    """Return Step 1 as Step 2 of the same image, at no cost.

    Step 2 would repeat it to the bit; the thesis leaves it out as well (figure 4.4).
    """
    return replace(
        route, legs=tuple(replace(leg, step=Step.TARGET, passes=Passes(), seconds=0.0) for leg in route.legs)
    )
