"""The arguments and options of `decoupling transfer`, which other commands on the same images share.

Each is a type with its help; the defaults are given where a command is defined.
"""

from __future__ import annotations

from typing import Annotated

import typer
from typer.models import OptionInfo

from ..transfers.options import DEFAULT_MAX_SIDE
from ..transfers.tuning import PAIR_DAMPING, PAIR_LAYERS, PAIR_SMOOTHING
from .groups import BASIC, EXPERT, METHOD, NETWORK, STYLE

_BY_LAYERS = "depends on --layers"
_BY_PAIR = f"midpoint or target and up to {PAIR_LAYERS} layers"


def reference_option(default: str) -> OptionInfo:
    """Return the option `--reference` of a command, with its default in words."""
    return typer.Option(
        help="Images whose features are the reference: noise, natural (noise), photographs, midpoint or target.",
        show_default=default,
        rich_help_panel=METHOD,
    )


def damping_option(default: str) -> OptionInfo:
    """Return the option `--damping` of a command, with its default in words."""
    return typer.Option(
        help="How much small gradients are damped, 0 to 100; 0 is the exact lift.",
        show_default=default,
        rich_help_panel=METHOD,
    )


OriginArgument = Annotated[
    str, typer.Argument(help="The image that gives the style: a file, or the name of a bundled picture.")
]
TargetArgument = Annotated[
    str, typer.Argument(help="The image that gives the content; the same as ORIGIN for a self-transfer.")
]
OutOption = Annotated[str, typer.Option(help="Folder for the outputs.", rich_help_panel=BASIC)]
LayersOption = Annotated[int, typer.Option(help="Number of style layers, 1 to 5.", rich_help_panel=BASIC)]
SizeOption = Annotated[
    str | None,
    typer.Option(
        help="N or WxH in pixels: resize both images to exactly this, without keeping the aspect ratio.",
        rich_help_panel=BASIC,
    ),
]
MaxSideOption = Annotated[
    int | None,
    typer.Option(
        help="Maximum side in pixels; keeps the aspect ratio.",
        show_default=str(DEFAULT_MAX_SIDE),
        rich_help_panel=BASIC,
    ),
]
SeedOption = Annotated[int, typer.Option(help="Seed of the noise, and of random weights.", rich_help_panel=BASIC)]
ResumeOption = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Continue an interrupted run in the same folder, to a result that is equal to the bit: from its last "
        "step or, with a rule other than symmetric or a method other than decoupled, from its last leg.",
        rich_help_panel=BASIC,
    ),
]
FilmOption = Annotated[
    bool,
    typer.Option(
        "--film",
        help="Also write film.gif and film.html: the way of the target to the reference and back with the new style.",
        rich_help_panel=BASIC,
    ),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", help="Show no estimate, no progress and no summary.", rich_help_panel=BASIC)
]
MethodOption = Annotated[str, typer.Option(help="decoupled, projected, descent or direct.", rich_help_panel=METHOD)]
ReferenceOption = Annotated[str | None, reference_option("midpoint; noise for a self-transfer")]
RuleOption = Annotated[
    str | None,
    typer.Option(
        help="Step rule: euler, midpoint, rk4, symmetric or adaptive.",
        show_default="symmetric; rk4 with relu or max",
        rich_help_panel=METHOD,
    ),
]
StepsOption = Annotated[
    int | None,
    typer.Option(
        help="Number of steps per leg; their maximum with the adaptive rule.",
        show_default="depends on --layers and --rule",
        rich_help_panel=METHOD,
    ),
]
DampingOption = Annotated[float | None, damping_option(f"{PAIR_DAMPING:g} with {_BY_PAIR}; otherwise less")]
SmoothingOption = Annotated[
    float | None,
    typer.Option(
        help="Length in pixels over which gradients are smoothed, against ripples; 0 is the pixel metric.",
        show_default=f"{PAIR_SMOOTHING:g} with {_BY_PAIR}; otherwise, and with refinements, 0",
        rich_help_panel=METHOD,
    ),
]
IterationsOption = Annotated[
    int,
    typer.Option(help="Maximum iterations per leg of projected, descent and direct.", rich_help_panel=METHOD),
]
LearningRateOption = Annotated[
    float | None,
    typer.Option(
        help="Learning rate of descent and projected.",
        show_default="descent: 5e-4; projected: chosen in each iteration",
        rich_help_panel=METHOD,
    ),
]
OptimizerOption = Annotated[str, typer.Option(help="Keras optimizer of descent.", rich_help_panel=METHOD)]
StrengthOption = Annotated[
    float,
    typer.Option(
        help="How far to go from the target's own style (0) to that of the origin (1).", rich_help_panel=STYLE
    ),
]
MixOption = Annotated[
    list[str] | None,
    typer.Option(
        help="PICTURE:SHARE, a further origin and its share of the style; ORIGIN has what is left. May be repeated.",
        show_default="ORIGIN alone",
        rich_help_panel=STYLE,
    ),
]
MaskOption = Annotated[
    str | None,
    typer.Option(
        help="An image that is white where the target gets the style, black where it does not, gray in between.",
        show_default="everywhere",
        rich_help_panel=STYLE,
    ),
]
OriginMaskOption = Annotated[
    str | None,
    typer.Option(
        help="An image that is white where the style of the origin is taken from.",
        show_default="everywhere",
        rich_help_panel=STYLE,
    ),
]
KeepColorsOption = Annotated[
    bool,
    typer.Option("--keep-colors", help="Give the result the chrominance of the target.", rich_help_panel=STYLE),
]
ColorsOnlyOption = Annotated[
    bool,
    typer.Option("--colors-only", help="Give the result the luminance of the target.", rich_help_panel=STYLE),
]
AsThesisOption = Annotated[
    bool,
    typer.Option("--as-thesis", help="As in the thesis's annex: descent, with relu and max.", rich_help_panel=METHOD),
]
LayerSetOption = Annotated[
    str, typer.Option(help="Style layers: thesis (blockN_conv1) or dists.", rich_help_panel=NETWORK)
]
ActivationOption = Annotated[
    str | None,
    typer.Option(help="softplus, gaussian or relu.", show_default=_BY_LAYERS, rich_help_panel=NETWORK),
]
PoolingOption = Annotated[str, typer.Option(help="smooth, average or max.", rich_help_panel=NETWORK)]
SoftnessOption = Annotated[
    float | None,
    typer.Option(
        help="Softness of activation and smooth pooling, relative to each layer's mean activation.",
        show_default=_BY_LAYERS,
        rich_help_panel=NETWORK,
    ),
]
GrowthOption = Annotated[
    float | None,
    typer.Option(
        help="Softness of each convolution relative to the previous one.",
        show_default=_BY_LAYERS,
        rich_help_panel=NETWORK,
    ),
]
ToleranceOption = Annotated[
    float | None,
    typer.Option(
        help="Maximum error per step with the adaptive and symmetric rules.",
        show_default=_BY_LAYERS,
        rich_help_panel=EXPERT,
    ),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        help="Relative error at which a leg counts as reached.",
        show_default="decoupled: 0.001; others: 0.01",
        rich_help_panel=EXPERT,
    ),
]
RefinementsOption = Annotated[
    int | None,
    typer.Option(
        help="Maximum number of steps after Step 3 that bring the style closer to that of the origin.",
        show_default="depends on --layers; 0 with midpoint and target",
        rich_help_panel=EXPERT,
    ),
]
CorrectionsOption = Annotated[
    int | None,
    typer.Option(
        help="Maximum number of steps at the end of each leg of Step 3 that bring its layer to the style.",
        show_default="0; 16 without damping",
        rich_help_panel=EXPERT,
    ),
]
AmplificationOption = Annotated[
    int | None,
    typer.Option(
        help="Measure afterwards how much legs stretch small changes, there and back, by so many products with "
        "their derivative at most. 4 take a few times as long as the transfer.",
        show_default="not measured",
        rich_help_panel=EXPERT,
    ),
]
PrecisionOption = Annotated[
    str | None,
    typer.Option(
        help="mixed, float32 or float64. float64 is slower, for images that do not return well in a self-transfer.",
        show_default="float32 between two images; mixed for a self-transfer, and without damping",
        rich_help_panel=EXPERT,
    ),
]
NoiseDrawsOption = Annotated[
    int,
    typer.Option(help="Number of images whose mean is the reference, if it is one of noise.", rich_help_panel=EXPERT),
]
AnnexSlipsOption = Annotated[
    bool,
    typer.Option(
        "--annex-slips",
        help="With descent: the stop rules and the targets of Step 3 as in the annex's code.",
        rich_help_panel=EXPERT,
    ),
]
MemoryLimitOption = Annotated[
    int | None,
    typer.Option(
        help="Refuse a run that is estimated to need more memory than this, in MiB.",
        show_default="what is available",
        rich_help_panel=EXPERT,
    ),
]
