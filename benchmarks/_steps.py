"""Shared by the experiments: Steps 1 to 3 of decoupled transfers of arrays, one by one, with what each costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from decoupling_lib.common.arrays import Floats
from decoupling_lib.engine.context import Context, Step
from decoupling_lib.engine.normalization import Route, impose, normalize, retracing
from decoupling_lib.images.pictures import Picture
from decoupling_lib.transfers.setup import Inputs, complete_setup


def save(x: Floats) -> Floats:
    """Return an image as its 8-bit file has it."""
    rounded: Floats = np.rint(np.clip(x, 0.0, 1.0) * 255.0) / 255.0
    return rounded


def set_up(inputs: Inputs, origin: Floats, target: Floats) -> Context:
    """Take Step 0 for two images, with the network that is there, and return the context of its legs."""
    pair = [Picture("image", each, "") for each in (origin, target)]
    return complete_setup(replace(inputs, origin=pair[0], target=pair[1])).context()


def measure_style(context: Context, x: Floats, step: Step = Step.ORIGIN) -> Route:
    """Return the decoupled style of an image; the last leg of Step 1 measures nothing and is left out."""
    return normalize(replace(context, step=step), x, measure_only=True)


def remove_style(context: Context, x: Floats) -> Route:
    """Take Step 2."""
    return normalize(replace(context, step=Step.TARGET), x)


def impose_style(context: Context, bare: Route, style: Floats, corrections: int) -> Route:
    """Take Step 3 without a refinement."""
    settings = replace(context.settings, corrections=corrections)
    return impose(retracing(replace(context, settings=settings), bare), bare.x, style)


def gap_left(context: Context, style: Floats, untouched: Floats, wanted: Floats) -> list[float]:
    """Return what is left of the distance to the wanted style, by block, as a share of what it was before."""
    stops = np.cumsum([block.size for block in context.features.blocks])[:-1]
    left, before = (np.split(each - wanted, stops) for each in (style, untouched))
    return [float(np.linalg.norm(a) / np.linalg.norm(b)) for a, b in zip(left, before, strict=True)]


@dataclass
class Transfers:
    """Transfers of arrays. Steps 1 and 2 that were taken before are not taken again.

    Parameters
    ----------
    inputs : Inputs
        Options and network.
    knows_styles : bool
        Whether a style that Step 2 has measured costs nothing when Step 1 asks for it.
    """

    inputs: Inputs
    knows_styles: bool
    _routes: dict[tuple[bool, bytes, bytes], tuple[Route, int]] = field(default_factory=dict)

    def run(self, origin: Floats, x: Floats, corrections: int) -> tuple[Floats | None, dict[str, Any]]:
        """Return the result, unrounded, or None if a leg broke off, and the row of the transfer.

        In the row, `left` is `gap_left` of the saved image by block.
        """
        context = set_up(self.inputs, origin, x)
        (wanted, cost1), (bare, cost2) = self._normalize(context, origin, False), self._normalize(context, x, True)
        before, routes = context.features.passes.total, [wanted, bare]
        if wanted.status == bare.status == "done":
            routes.append(impose_style(context, bare, wanted.style, corrections))
        legs = [leg for route in routes for leg in route.legs]
        status = next((each.status for each in routes if each.status != "done"), "done")
        row: dict[str, Any] = {
            "status": status,
            "passes": cost1 + cost2 + context.features.passes.total - before,
            "halvings": sum(leg.halvings for leg in legs),
            "corrections": sum(leg.corrections for leg in legs),
        }
        if status != "done":
            return None, row
        x = routes[-1].x
        reached = measure_style(context, save(x), Step.JUDGING)
        row["left"] = gap_left(context, reached.style, bare.style, wanted.style) if reached.status == "done" else None
        return x, row | {"clipped": float(np.mean((x < 0) | (x > 1)))}

    def _normalize(self, context: Context, x: Floats, whole: bool) -> tuple[Route, int]:
        """Return the route of Step 2 (whole) or Step 1, and its passes."""
        images = (context.reference.values.tobytes(), x.tobytes())
        if (True, *images) in self._routes:
            route, cost = self._routes[True, *images]
            return route, cost if whole or not self.knows_styles else 0
        if (whole, *images) not in self._routes:
            before = context.features.passes.total
            route = remove_style(context, x) if whole else measure_style(context, x)
            self._routes[whole, *images] = route, context.features.passes.total - before
        return self._routes[whole, *images]


def run_chain(
    transfers: Transfers, images: Sequence[Floats], corrections: int
) -> tuple[list[Floats], list[dict[str, Any]]]:
    """Give the first image the style of each other one in turn, and last its own, always from the saved image.

    Returns
    -------
    saved : list of ndarray
        The saved results, as far as the chain came.
    rows : list of dict
        What `Transfers.run` said of each.
    """
    saved, rows = [images[0]], []
    for origin in (*images[1:], images[0]):
        result, row = transfers.run(origin, saved[-1], corrections)
        rows.append(row)
        if result is None:
            break
        saved.append(save(result))
    return saved[1:], rows
