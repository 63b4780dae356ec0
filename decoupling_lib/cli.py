"""The command line: thin typer over the library. Exit codes: 0 done, 1 fault, 2 bad input, 130 and 143 interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from . import checks
from .options import AS_THESIS, Options

DEFAULTS = Options()
MOST_NOISE = 1024
"""Longest side in pixels of the noise of `zeros`: a larger one takes more than 1 GiB, and counts alike."""
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def main_options() -> None:
    """Style transfer with decoupled CNN features."""


@app.command()
def transfer(
    context: typer.Context,
    origin: Annotated[str, typer.Argument(help="Gives the style: a picture file, or the name of a bundled picture.")],
    target: Annotated[str, typer.Argument(help="Gives the content; the same as ORIGIN for a self-transfer.")],
    out: Annotated[str, typer.Option(help="Folder for the outputs.")],
    layers: Annotated[int, typer.Option(help="How many style layers, 1 to 5.")] = DEFAULTS.layers,
    layer_set: Annotated[str, typer.Option(help="thesis (blockN_conv1) or dists.")] = DEFAULTS.layer_set,
    size: Annotated[str | None, typer.Option(help="N or WxH: resize both pictures to it, literally.")] = None,
    max_side: Annotated[int | None, typer.Option(help="Longest side, keeping the aspect.", show_default="96")] = None,
    method: Annotated[str, typer.Option(help="decoupled, projected, descent or direct.")] = DEFAULTS.method,
    rule: Annotated[
        str | None, typer.Option(help="euler, midpoint, rk4, symmetric or adaptive.", show_default="symmetric")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Steps a leg; the most of them if adaptive.", show_default="by --layers")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(help="Error allowed a step: adaptive and symmetric rules.", show_default="by --layers"),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="mixed, float32 or float64: slower, and for pictures that hardly come back.")
    ] = DEFAULTS.precision,
    refinements: Annotated[
        int | None,
        typer.Option(help="Most steps that close the gap to the style after Step 3.", show_default="by --layers"),
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of descent (5e-4) and projected.")] = None,
    optimizer: Annotated[str, typer.Option(help="Keras optimizer of descent.")] = DEFAULTS.optimizer,
    iterations: Annotated[
        int, typer.Option(help="Most iterations a leg: descent, projected, direct.")
    ] = DEFAULTS.iterations,
    annex_slips: Annotated[
        bool, typer.Option("--annex-slips", help="The annex's stop rules and Step 3 targets: descent only.")
    ] = False,
    threshold: Annotated[float | None, typer.Option(help="Relative error at which a leg counts as reached.")] = None,
    noise_draws: Annotated[int, typer.Option(help="Noise images whose mean is the reference.")] = DEFAULTS.noise_draws,
    seed: Annotated[int, typer.Option(help="Of the noise, and of random weights.")] = DEFAULTS.seed,
    network: Annotated[str | None, typer.Option(help="vgg19 or vgg16.", show_default="the best at hand")] = None,
    weights: Annotated[str | None, typer.Option(help="imagenet, hed, random, or a weights file.")] = None,
    activation: Annotated[str, typer.Option(help="softplus or relu.")] = DEFAULTS.activation,
    softness: Annotated[
        float | None,
        typer.Option(help="Softness relative to each layer's mean activation.", show_default="by --layers"),
    ] = None,
    growth: Annotated[
        float | None, typer.Option(help="Softness of each convolution over that before it.", show_default="by --layers")
    ] = None,
    pooling: Annotated[str, typer.Option(help="smooth, average or max.")] = DEFAULTS.pooling,
    damping: Annotated[
        float | None, typer.Option(help="0 is the exact lift; see the README.", show_default="by --layers")
    ] = None,
    as_thesis: Annotated[bool, typer.Option("--as-thesis", help="ReLU, max-pooling and the annex's descent.")] = False,
    memory_limit: Annotated[
        int | None,
        typer.Option(help="MiB: refuse a run that is estimated to take more.", show_default="what is available"),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with a broken run in the same folder, to the same bits: from its last step, or its last leg "
            "with another rule than symmetric and with the other methods.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No estimate, no progress, no summary.")] = False,
) -> None:
    """Transfer the style of ORIGIN to TARGET by decoupled features."""
    began = time.perf_counter()
    choices = {"activation": activation, "pooling": pooling, "method": method}
    if as_thesis:
        choices = _as_thesis(context, choices)
    parsed = checks.size(size) if size is not None else None
    from . import experiment, report
    from .checkpoint import DiskJournal, fingerprint
    from .estimate import estimate
    from .progress import Progress

    options = Options(
        layers=layers,
        layer_set=layer_set,
        size=parsed,
        max_side=max_side,
        network=network,
        weights=weights,
        softness=softness,
        growth=growth,
        damping=damping,
        rule=rule,
        steps=steps,
        tolerance=tolerance,
        precision=precision,
        refinements=refinements,
        threshold=threshold,
        learning_rate=learning_rate,
        optimizer=optimizer,
        iterations=iterations,
        annex_slips=annex_slips,
        noise_draws=noise_draws,
        seed=seed,
        **choices,
    )
    inputs = experiment.gather(origin, target, options, memory_limit)
    folder = checks.output_folder(out)
    journal = DiskJournal(folder, fingerprint(inputs), resume)
    if not quiet and network is None and weights is None:
        chosen = inputs.network.weights
        print(f"network: {chosen.architecture}, weights: {chosen.source}", file=sys.stderr)
    expected = None if quiet else estimate(inputs)
    if expected is not None:
        print(expected, file=sys.stderr)
    try:
        ready = experiment.ready(inputs)
        with journal, Progress(expected) as progress:
            result = ready.run(progress.listen, journal)
        if result.status == "interrupted":
            raise KeyboardInterrupt
        if result.status != "done":
            raise _FaultError(f"the run {result.status} in {list(result.paths)[-1]}; try more --damping or --softness")
        described = report.describe(ready, result, time.perf_counter() - began)
        report.write(folder, ready, result, described)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"what is done is kept in {folder}; go on with --resume") from None
    journal.clear()
    if not quiet:
        _summarize(described, folder)


@app.command()
def rerun(
    report: Annotated[str, typer.Argument(help="The report.json of a transfer.")],
    out: Annotated[str, typer.Option(help="Folder for the outputs of the new run.")],
    origin: Annotated[str | None, typer.Option(help="The origin's file, if it is no bundled picture.")] = None,
    target: Annotated[str | None, typer.Option(help="The target's file, if it is no bundled picture.")] = None,
    tolerance: Annotated[
        float, typer.Option(help="How far 16 x 16 pixels of a picture may be off on another machine.")
    ] = 1e-3,
    quiet: Annotated[bool, typer.Option("--quiet", help="No estimate, no progress.")] = False,
) -> None:
    """Make a transfer again from its report alone, and compare; exit code 1 where it is not the same."""
    began = time.perf_counter()
    checks.in_range(tolerance, "--tolerance", 0, 1)
    from . import experiment
    from . import report as reports
    from . import rerun as again
    from .estimate import estimate
    from .progress import Progress

    recorded = again.read(report)
    inputs = again.inputs(recorded, origin, target)
    folder = checks.output_folder(out)
    expected = None if quiet else estimate(inputs)
    if expected is not None:
        print(expected, file=sys.stderr)
    ready = experiment.ready(inputs)
    with Progress(expected) as progress:
        result = ready.run(progress.listen)
    if result.status == "interrupted":
        raise KeyboardInterrupt
    if result.status != "done":
        raise _FaultError(f"the run {result.status} in {list(result.paths)[-1]}")
    reports.write(folder, ready, result, reports.describe(ready, result, time.perf_counter() - began))
    comparison = again.compare(recorded, result, tolerance)
    again.written(folder, comparison)
    for name, off in comparison.off.items():
        print(f"{name:18}" + ("equal to the bit" if off == 0 else f"off by {off:.2g}"))
    if not comparison.same:
        where = "the same processor, threads and versions" if comparison.alike else "another machine or other versions"
        raise _FaultError(f"the run is not the same as that of {report}, made on {where}")
    print("the same" + ("" if comparison.alike else f" within {tolerance:g}, on another machine or other versions"))


@app.command()
def sweep(
    spec: Annotated[str, typer.Argument(help="A TOML file: pictures, and options that are fixed or varied.")],
    out: Annotated[str, typer.Option(help="Folder: one subfolder a transfer, results.csv and contact.png.")],
    scheduler: Annotated[str | None, typer.Option(help="A Dask scheduler's address, as tcp://host:8786.")] = None,
    workers: Annotated[int | None, typer.Option(help="How many to start here.", show_default="one a core")] = None,
    threads: Annotated[int, typer.Option(help="Of each worker that is started here.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="No estimate, no progress.")] = False,
) -> None:
    """Run many transfers from a file, on this machine or a Dask cluster; called again it runs what is missing."""
    if workers is not None:
        checks.in_range(workers, "--workers", 1, 1024, integer=True)
    checks.in_range(threads, "--threads", 1, 1024, integer=True)
    from . import contact
    from . import sweep as many
    from .progress import Count

    jobs = many.read(spec)
    folder = checks.output_folder(out)
    if not quiet:
        print(many.outlook(jobs, folder, workers or os.cpu_count() or 1), file=sys.stderr)
    with Count(len(jobs), quiet) as bar:
        rows = many.run(
            jobs, folder, scheduler, workers, threads, lambda row: bar.one(row.job.name, row.status == "failed")
        )
    contact.write(folder / "contact.png", rows, folder)
    failed = [row for row in rows if row.status == "failed"]
    for row in failed:
        print(f"{row.job.name}: {row.said}")
    fresh = sum(row.fresh for row in rows)
    print(f"{len(rows) - len(failed)} done, {len(failed)} failed; {fresh} run now; table: {folder / many.TABLE}")
    if failed:
        raise _FaultError(f"{len(failed)} of {len(rows)} transfers failed; the same command runs them again")


@app.command()
def figures(
    only: Annotated[str | None, typer.Option(help="Numbers of the thesis's figures, as in 2.1,4.5.")] = None,
    out: Annotated[str, typer.Option(help="Folder for the figures, their manifest and their page.")] = "figures",
    network: Annotated[str | None, typer.Option(help="vgg19 or vgg16.")] = None,
    weights: Annotated[str | None, typer.Option(help="imagenet, hed, random, or a file.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Leave out what an earlier run has drawn.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Draw the thesis's figures anew."""
    from .figures import gallery
    from .figures.entry import choose
    from .progress import Parts

    numbers = [number.strip() for number in only.split(",")] if only is not None else None
    chosen, source = gallery.chosen(numbers), choose(network, weights)
    with Parts({f"figure {entry.number}": entry.seconds for entry in chosen}, quiet) as bar:
        paths = gallery.make(out, numbers, source, lambda entry: bar.begin(f"figure {entry.number}"), resume)
    for path in paths:
        print(path)


@app.command()
def zeros(
    out: Annotated[str, typer.Option(help="Folder for zeros.json and zeros.png.")],
    layers: Annotated[int, typer.Option(help="How many style layers, 1 to 5.")] = 5,
    size: Annotated[int, typer.Option(help="Side of the noise in pixels.")] = 128,
    seeds: Annotated[int, typer.Option(help="How many draws, seeds 0, 1, and so on.")] = 8,
    network: Annotated[str | None, typer.Option(help="vgg19 or vgg16.", show_default="the best at hand")] = None,
    weights: Annotated[str | None, typer.Option(help="imagenet, hed, random, or a weights file.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")] = False,
) -> None:
    """Count the channels that noise leaves dead, for several kinds of noise and seeds."""
    draws = int(checks.in_range(seeds, "--seeds", 1, 1000, integer=True))
    checks.layer_count(layers)
    from . import census, plots
    from .figures.entry import choose
    from .noise_kinds import KINDS
    from .progress import Parts

    read = choose(network, weights).network(layers)
    side = int(checks.in_range(size, "--size", max(checks.MIN_SIDE, read.minimum_side), MOST_NOISE, integer=True))
    folder = checks.output_folder(out)
    with Parts(dict.fromkeys(KINDS, 1.0), quiet) as bar:
        counted = census.take(read, (side, side), range(draws), listen=bar.begin)
    plots.save(census.draw(counted), folder / "zeros.png")
    census.write(counted, folder / "zeros.json")
    if not quiet:
        print(f"{'dead, median of ' + str(draws) + ' draws':26}" + "".join(f"{kind:>10}" for kind in KINDS))
        for layer in read.layers:
            found = (int(np.median(counted.counts(kind)[layer])) for kind in KINDS)
            print(f"{layer + ' of ' + str(read.channels(layer)):26}" + "".join(f"{count:10}" for count in found))
        print(f"outputs in {folder}")


@app.command()
def moments(
    file: Annotated[
        str | None, typer.Argument(help="Numbers (text or CSV, all of them one sample), or a picture.")
    ] = None,
    sample: Annotated[str | None, typer.Option(help="ten, gamma, or the name of a bundled picture.")] = None,
    column: Annotated[str | None, typer.Option(help="Of a CSV file that names its columns.")] = None,
    max_side: Annotated[int, typer.Option(help="Longest side of a picture; a larger one is shrunk.")] = 256,
    break_ties: Annotated[
        bool, typer.Option("--dequantize", help="Spread tied numbers over the smallest gap between values.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the noise that breaks ties; always done for 8-bit pictures.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, at full precision.")] = False,
) -> None:
    """Coupled and decoupled moments of a sample, side by side."""
    from . import moments as features
    from . import samples

    if (file is None) == (sample is None):
        given = "both" if file else "neither"
        raise checks.problem("moments", "needs one sample", given, "FILE or --sample NAME", "give one of them")
    chosen = samples.named(sample, max_side, seed) if file is None else samples.read(file, column, max_side, seed)
    x = samples.dequantize(chosen.values, seed) if break_ties else chosen.values
    coupled, decoupled = features.coupled(x), features.decouple(x).values
    if as_json:
        print(json.dumps({"n": x.size, "coupled": coupled.tolist(), "decoupled": decoupled.tolist()}))
        return
    print(f"{chosen.name}: {x.size} values")
    print(f"{'':16}{'coupled':>16}{'decoupled':>16}")
    for name, raw, own in zip(features.NAMES, coupled, decoupled, strict=True):
        print(f"{name:16}{raw:16.9g}{own:16.9g}")
    print("Coupled: standardized moments from the third on. Decoupled: each measured with those before it normalized.")


@app.command()
def weights(network: Annotated[str, typer.Option(help="vgg19 or vgg16.")] = "vgg19") -> None:
    """Fetch Keras's ImageNet weights into Keras's cache and verify them."""
    from . import weights as files

    print(files.fetch(checks.choice(network, files.ARCHITECTURES, "network")))


@app.command()
def classroom(
    port: Annotated[int, typer.Option(help="Of the server, on this machine only.")] = 8866,
    browser: Annotated[bool, typer.Option(help="Open the page in the default browser.")] = True,
) -> None:
    """Show the explorers, sliders over the kit's calculations, as a page in the browser; Ctrl-C ends it."""
    from .classroom import serve

    code = serve(port, browser, lambda address: print(f"explorers: {address}  (Ctrl-C ends them)", flush=True))
    if code:
        raise _FaultError(f"the page's server ended with exit code {code}")


@app.command(context_settings={"allow_extra_args": True, "allow_interspersed_args": False})
def bench(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A script of benchmarks/; what follows is passed on to it.")],
) -> None:
    """Run a benchmark of the source checkout; `decoupling bench NAME --help` shows its options."""
    known = sorted(file.stem for file in BENCHMARKS.glob("[!_]*.py"))
    if not known:
        step = "clone the kit's repository and install it from there"
        raise checks.problem("bench", "finds no benchmarks", BENCHMARKS, "an installed source checkout", step)
    script = BENCHMARKS / f"{checks.choice(name, known, 'benchmark')}.py"
    raise typer.Exit(subprocess.run([sys.executable, script, *context.args], check=False).returncode)


def main() -> None:
    """Runs the command line; every fault is one line on stderr and an exit code."""
    # Below 3, TensorFlow prints an error line on every machine without a GPU.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    signal.signal(signal.SIGTERM, _terminate)
    try:
        # Not the command's own main(), which turns every interruption into a silent 130.
        command = typer.main.get_command(app)
        with command.make_context("decoupling", sys.argv[1:]) as context:
            command.invoke(context)
        code = 0
    except typer.Exit as done:
        code = done.exit_code
    except typer.TyperException as error:
        code = _say(_usage(error), 2)
    except checks.InputError as error:
        code = _say(str(error), 2)
    except KeyboardInterrupt as error:
        code = _say(f"interrupted: {error}" if str(error) else "interrupted", 143 if _TERMINATED else 130)
    except _FaultError as error:
        code = _say(str(error), 1)
    except BrokenPipeError:  # whoever read the output has left: nothing to say, and nobody to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 1
    except (OSError, MemoryError) as error:
        code = _say(f"{type(error).__name__}: {error}", 1)
    sys.exit(code)


_TERMINATED: list[int] = []


class _FaultError(Exception):
    """The run itself went wrong."""


def _terminate(number: int, frame: object) -> None:
    _TERMINATED.append(number)
    raise KeyboardInterrupt


def _say(line: str, code: int) -> int:
    print("decoupling: " + " ".join(line.split()), file=sys.stderr)
    return code


def _usage(error: typer.TyperException) -> str:
    line = error.format_message().rstrip(".")
    judged = error.__cause__  # pydantic's, which alone knows the value
    if hasattr(judged, "errors"):
        line += f"; received {checks.shown(judged.errors()[0]['input'])}"
    return f"{line}; see: decoupling --help"


def _as_thesis(context: typer.Context, given: dict[str, str]) -> dict[str, str]:
    for name, value in AS_THESIS.items():
        source = context.get_parameter_source(name)
        explicit = source is not None and source.name != "DEFAULT"
        if explicit and given[name] != value:
            raise checks.problem(f"--{name}", "conflicts with --as-thesis", given[name], value, "leave one of them out")
    return dict(AS_THESIS)


def _summarize(described: dict, folder: Path) -> None:
    for stage in described["stages"]:
        error, held = stage["relative_error"], stage["held_relative_error"]
        print(
            f"Step {stage['step']} {stage['layer']}: relative error {error:.2e}, held {held:.1e}, "
            f"remaining {stage['remaining_fraction']:.3f}, {stage['status']}"
        )
    if described["self_transfer"]:
        psnr = described["self_transfer"]["psnr_db"]
        print("self-transfer: " + (f"PSNR {psnr:.1f} dB" if psnr is not None else "exact"))
    errors = ", ".join(f"{name} {value:.2%}" for name, value in described["style_relative_error"].items())
    print(f"style imposed within: {errors}")
    print(f"outputs in {folder} ({described['wall_seconds']:.0f} s, {described['peak_memory_mib']:,} MiB)")


if __name__ == "__main__":
    main()
