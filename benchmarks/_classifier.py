"""Shared by the experiments on recognition: the classifier, and features made of others by linear means."""

from __future__ import annotations

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from decoupling_lib.common.arrays import Floats

Table = dict[str, dict[str, Floats]]
"""By picture and condition ("train" for the training patches), features of shape (patches, n)."""


def select(table: Table, columns: slice) -> Table:
    """Return some of the features."""
    return {picture: {name: x[:, columns] for name, x in groups.items()} for picture, groups in table.items()}


def regress_out(table: Table, first: int = 64) -> Table:
    """Return what is left of the features after the first ones, without what a ridge regression on those explains.

    Its strength is chosen for each feature by leaving out one training patch at a time.
    """
    trained = np.concatenate([groups["train"] for groups in table.values()])
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-4, 4, 17), alpha_per_target=True))
    model.fit(trained[:, :first], trained[:, first:])
    return {
        picture: {name: x[:, first:] - model.predict(x[:, :first]) for name, x in groups.items()}
        for picture, groups in table.items()
    }


def recognize(table: Table) -> dict[str, dict[str, float]]:
    """Train on all pictures' training patches; return the share of recognized patches by condition and picture."""
    trained = np.concatenate([groups["train"] for groups in table.values()])
    labels = np.concatenate([[picture] * len(groups["train"]) for picture, groups in table.items()])
    whole = np.isfinite(trained).all(axis=1)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(trained[whole], labels[whole])
    right: dict[str, dict[str, float]] = {}
    for picture, groups in table.items():
        for condition, x in groups.items():
            if condition != "train":
                whole = np.isfinite(x).all(axis=1)
                count = np.sum(model.predict(x[whole]) == picture) if whole.any() else 0
                right.setdefault(condition, {})[picture] = float(count / len(x))
    return right
