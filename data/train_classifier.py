"""Train the digit classifier of figure 4.6 and write its weights into the package; this takes about a minute.

python data/train_classifier.py [--seed 0] [--out FILE]
"""

from __future__ import annotations

import argparse
import time

from decoupling_lib.networks import digits_classifier


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=digits_classifier.PACKAGED)
    arguments = parser.parse_args()
    began = time.perf_counter()
    model = digits_classifier.train(arguments.seed)
    seconds = time.perf_counter() - began
    path = digits_classifier.save(model, arguments.out)
    print(f"{path}: {digits_classifier.accuracy(model):.1%} of the held-out digits, {seconds:.0f} s")


if __name__ == "__main__":
    main()
