"""Does decoupling impose a style better? Six pairs of photographs, three methods, one yardstick.

Prints a table and writes JSON:

    python benchmarks/style_pairs.py [--size 64] [--only decoupled] [--out FILE]

The yardstick is `style_relative_error`: Step 1 of the decoupled method, made afresh on each result. The methods'
passes stand beside it. The annex's SGD runs the given iterations a leg, not the thesis's 50,000. `--pictures` takes
pairs, written origin:target.
"""

from __future__ import annotations

from dataclasses import asdict, replace

import _common as common

from decoupling_lib import metrics
from decoupling_lib.experiment import prepare
from decoupling_lib.options import Options

PAIRS = "china:flower,flower:china,coffee:chelsea,astronaut:coffee,chelsea:astronaut,rocket:china"
METHODS = ("decoupled", "direct", "descent")


def main() -> None:
    parser = common.parser(__doc__, "style_pairs", PAIRS)
    parser.add_argument("--only", choices=METHODS, action="append", help="keeps the others' rows in the file")
    parser.add_argument("--iterations", type=int, default=600, help="of the annex and direct, a leg")
    arguments = parser.parse_args()
    base = replace(common.options(arguments), iterations=arguments.iterations)
    chosen = {method: _options(base, method) for method in arguments.only or METHODS}
    results = common.Results(arguments.out, "method", {method: asdict(each) for method, each in chosen.items()})
    print(f"{'pair':22} {'method':10} {'block1':>9} {'block2':>9} {'passes':>8} {'SSIM to target':>15}")
    for pair in arguments.pictures:
        origin, _, target = pair.partition(":")
        for method, options in chosen.items():
            result = prepare(origin, target, options).run()
            errors = list(result.style_relative_error.values())
            similarity = metrics.ssim(result.paths["step3"].x, result.target)
            results.add(
                {
                    "origin": origin,
                    "target": target,
                    "method": method,
                    "style_relative_error": result.style_relative_error,
                    "passes": asdict(result.passes),
                    "ssim_to_target": similarity,
                    "status": result.status,
                }
            )
            print(
                f"{origin + ' -> ' + target:22} {method:10} {errors[0]:9.2%} {errors[1]:9.2%} "
                f"{result.passes.total:8,} {similarity:15.3f}",
                flush=True,
            )


def _options(options: Options, method: str) -> Options:
    # Direct to a tenth of its usual threshold, so that the baseline is not handicapped by stopping early.
    return replace(options, method=method, threshold=1e-3 if method == "direct" else None)


if __name__ == "__main__":
    common.run(main)
