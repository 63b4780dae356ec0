"""Do decoupled moments make better features? Two small data sets, with intervals and the counter-evidence.

Prints a table and writes JSON:

    python benchmarks/moment_features.py [--seeds 20] [--out FILE]

Four pairs of features compete: skewness and kurtosis (coupled), c_3 and c_4 (decoupled), and each of these with the
logarithm of the fourth order. The logarithm is the counter-evidence: it costs nothing, decoupling does.

texture: from which of three images (brick, grass, gravel) does a patch come? Orders 3 and 4 of its pixels and of two
    difference-of-Gaussian bands, fine or coarse; error rates of linear discriminant analysis and of the 5 nearest
    neighbors, with 10-fold cross-validation. The seeds reshuffle the folds of the same patches, so the intervals
    say only how much the shuffle matters; they cover neither new patches nor new textures.
texture halves: the same, but stricter, because adjacent patches resemble each other. A patch is judged by a classifier
    that saw only the other half of each image (left and right, then top and bottom, averaged). The interval is over the
    4 x 4 blocks of each image, taken as independent. It covers other places in these textures, but no new textures.
tail: how heavy are the tails? Sinh-arcsinh samples (Jones & Pewsey, Biometrika 96, 2009), x = sinh((arcsinh z + ε)/δ)
    with z normal; R² of the regression of δ, linear or by the 5 nearest neighbors, with 5-fold cross-validation. Each
    seed draws new samples, so the intervals cover new samples of this family, with ε in ±0.3 or in ±1. With
    strong skewness c_4 alone no longer follows the tails; a nonlinear model can use c_3 and c_4 together.

The fine bands were chosen after coarse ones had shown no gain, and with patches of 16 pixels LDA does worse with them:
read the texture rows as what can happen, not as what will.
Intervals are 95 % t intervals. A row "gain" is the paired difference in favor of `features` over `against`: fewer
errors, or more R². Patches and samples that cannot be decoupled are counted, and dropped from all features.
"""

from __future__ import annotations

import argparse
import json
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import t as student
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from decoupling_lib.common.errors import InputError
from decoupling_lib.images.pictures import load_picture
from decoupling_lib.moments import samples
from decoupling_lib.moments.coupled import coupled_moments
from decoupling_lib.moments.decoupling import decouple_moments

TEXTURES = ("brick", "grass", "gravel")
BANDS = {"fine": ((0.5, 1), (1, 2)), "coarse": ((1, 2), (2, 4))}
"""Standard deviations, in pixels, of the two Gaussians whose difference is a band."""
SKEWNESS = {"mild": 0.3, "strong": 1.0}
"""Largest absolute value of the skewness parameter of the samples."""
BLOCKS = 4
FEATURES = ("coupled", "decoupled", "coupled log", "decoupled log")
GAINS = (
    ("decoupled", "coupled"),
    ("coupled log", "coupled"),
    ("decoupled log", "decoupled"),
    ("decoupled", "coupled log"),
    ("decoupled log", "coupled log"),
)
OPTIONS = {
    "seeds": 20,
    "side": 512,
    "patch": 32,
    "folds": 10,
    "neighbours": 5,
    "samples": 600,
    "values": 200,
    "tail": (0.5, 1.5),
    "regression_folds": 5,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=OPTIONS["seeds"])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "moment_features.json")
    arguments = parser.parse_args()
    content = measure(OPTIONS | {"seeds": arguments.seeds})
    print(f"{'case':28} {'model':7} {'quantity':9} {'features':38} {'mean':>8} {'95 % interval':>20} {'n':>4}")
    for row in content["rows"]:
        name = row["features"] + (f" against {row['against']}" if row["against"] else "")
        print(
            f"{row['case']:28} {row['model']:7} {row['quantity']:9} {name:38} {row['mean']:8.4f} "
            f"{row['low']:9.4f} ..{row['high']:8.4f} {row['n']:4}"
        )
    print("cannot be decoupled:", content["not_decoupled"], f"  {content['seconds']} s")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def measure(options: dict) -> dict:
    """Return the content of the JSON file: options, rows, counts of what cannot be decoupled, versions and seconds."""
    start = time.perf_counter()
    seeds = range(options["seeds"])
    rows, lost_patches, patches = [], 0, 0
    for fineness, bands in BANDS.items():
        features, labels, places, lost = textures(options["side"], options["patch"], bands)
        lost_patches, patches = lost_patches + lost, patches + len(labels) + lost
        for model, classifier in classifiers(options["neighbours"]).items():
            wrong = [shuffled_errors(features, labels, classifier, options["folds"], seed) for seed in seeds]
            rows += summarize(f"texture, {fineness} bands", model, "error", wrong, "seeds")
            wrong = halves_errors(features, labels, places, classifier, options["side"])
            rows += summarize(f"texture halves, {fineness} bands", model, "error", wrong, "blocks")
    lost_samples = 0
    for strength, reach in SKEWNESS.items():
        for model, regressor in regressors(options["neighbours"]).items():
            scores, lost = zip(*(tail_scores(options, reach, regressor, seed) for seed in seeds), strict=True)
            rows += summarize(f"tail, {strength} skewness", model, "R2", list(scores), "seeds")
        lost_samples += sum(lost)
    return {
        "options": options | {"textures": TEXTURES, "bands": BANDS, "skewness": SKEWNESS, "blocks": BLOCKS},
        "rows": rows,
        "not_decoupled": {
            "patches": lost_patches,
            "of_patches": patches,
            "samples": lost_samples,
            "of_samples": len(SKEWNESS) * options["seeds"] * options["samples"],
        },
        "versions": {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "scikit-image")},
        "seconds": round(time.perf_counter() - start, 1),
    }


def pair(x: np.ndarray) -> np.ndarray:
    """Return orders 3 and 4 of a sample: (skewness, kurtosis, c_3, c_4); `InputError` if it cannot be decoupled."""
    return np.concatenate([coupled_moments(x, 4)[2:], decouple_moments(x, 4).values[2:]])


def variants(pairs: np.ndarray) -> dict[str, np.ndarray]:
    """Return the competing features, (n, 2 bands) each, of the pairs (n, bands, 4)."""
    coupled, decoupled = pairs[..., :2], pairs[..., 2:]
    logs = [np.stack([both[..., 0], np.log(both[..., 1])], axis=-1) for both in (coupled, decoupled)]
    return {
        name: both.reshape(len(pairs), -1) for name, both in zip(FEATURES, (coupled, decoupled, *logs), strict=True)
    }


def textures(side: int, patch: int, bands: tuple) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, int]:
    """Return features, labels (n,) and corners (n, 2) of patches, and how many patches are lost."""
    pairs, labels, places, lost = [], [], [], 0
    for label, name in enumerate(TEXTURES):
        gray = load_picture(name).array[:side, :side, 0]
        gray = samples.dequantize(gray, seed=label, width=1 / 255)
        layers = np.stack(
            [gray, *(gaussian_filter(gray, fine) - gaussian_filter(gray, coarse) for fine, coarse in bands)]
        )
        for top in range(0, side, patch):
            for left in range(0, side, patch):
                cut = layers[:, top : top + patch, left : left + patch]
                try:
                    pairs.append([pair(band.ravel()) for band in cut])
                except InputError:
                    lost += 1
                    continue
                labels.append(label)
                places.append((top, left))
    return variants(np.array(pairs)), np.array(labels), np.array(places), lost


def classifiers(neighbors: int) -> dict[str, object]:
    return {
        "lda": LinearDiscriminantAnalysis(),
        "knn": make_pipeline(StandardScaler(), KNeighborsClassifier(neighbors)),
    }


def shuffled_errors(features: dict, labels: np.ndarray, classifier, folds: int, seed: int) -> dict[str, float]:
    """Return the error rate of each set of features, by cross-validation with the same folds."""
    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return {
        name: float(np.mean(cross_val_predict(classifier, x, labels, cv=split, n_jobs=1) != labels))
        for name, x in features.items()
    }


def halves_errors(features: dict, labels: np.ndarray, places: np.ndarray, classifier, side: int) -> list[dict]:
    """Return the error rate of each set of features in each block, by classifiers that saw only the other half."""
    block = side // BLOCKS
    groups = np.unique(np.column_stack([labels, places // block]), axis=0, return_inverse=True)[1]
    rates = {}
    for name, x in features.items():
        wrong = np.zeros(len(labels))
        for axis in (0, 1):
            half = places[:, axis] < side // 2
            for trained in (half, ~half):
                guess = classifier.fit(x[trained], labels[trained]).predict(x[~trained])
                wrong[~trained] += (guess != labels[~trained]) / 2
        rates[name] = np.bincount(groups, wrong) / np.bincount(groups)
    return [dict(zip(rates, map(float, of_block), strict=True)) for of_block in zip(*rates.values(), strict=True)]


def sinh_arcsinh(rng: np.random.Generator, skewness: float, tail: float, values: int) -> np.ndarray:
    """Draw a sinh-arcsinh sample (values,): smaller `tail`, heavier tails; 1 with skewness 0 is normal."""
    return np.sinh((np.arcsinh(rng.standard_normal(values)) + skewness) / tail)


def regressors(neighbors: int) -> dict[str, object]:
    return {
        "linear": LinearRegression(),
        "knn": make_pipeline(StandardScaler(), KNeighborsRegressor(neighbors)),
    }


def tail_scores(options: dict, reach: float, regressor, seed: int) -> tuple[dict[str, float], int]:
    """Return R² of the tail parameter's regression on each set of features, and the count of samples that are lost."""
    rng = np.random.default_rng(seed)
    pairs, target = [], []
    for _ in range(options["samples"]):
        skewness, tail = rng.uniform(-reach, reach), rng.uniform(*options["tail"])
        x = sinh_arcsinh(rng, skewness, tail, options["values"])
        try:
            pairs.append([pair(x)])
        except InputError:
            continue
        target.append(tail)
    split = KFold(options["regression_folds"])
    scores = {
        name: float(np.mean(cross_val_score(regressor, x, target, cv=split, scoring="r2", n_jobs=1)))
        for name, x in variants(np.array(pairs)).items()
    }
    return scores, options["samples"] - len(target)


def summarize(case: str, model: str, quantity: str, measured: list[dict[str, float]], unit: str) -> list[dict]:
    """Return one row per set of features and per gain: mean and 95 % t interval over the `unit`."""
    columns = {name: np.array([one[name] for one in measured]) for name in FEATURES}
    sign = -1 if quantity == "error" else 1
    rows = [(name, None, quantity, columns[name]) for name in FEATURES]
    rows += [(name, other, "gain", sign * (columns[name] - columns[other])) for name, other in GAINS]
    return [
        {"case": case, "model": model, "quantity": kind, "features": name, "against": other}
        | interval(values)
        | {"unit": unit}
        for name, other, kind, values in rows
    ]


def interval(values: np.ndarray) -> dict[str, float | int]:
    """Return the mean, the ends of the 95 % t interval, and the number of the values (n,), n > 1."""
    mean, count = float(np.mean(values)), len(values)
    reach = float(student.ppf(0.975, count - 1) * np.std(values, ddof=1) / np.sqrt(count))
    return {"mean": mean, "low": mean - reach, "high": mean + reach, "n": count}


if __name__ == "__main__":
    main()
