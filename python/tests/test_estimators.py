"""The estimators are what scikit-learn expects, and do what they say."""

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import dae_cl


FEW = {"epochs": 3, "batch_size": 8, "random_state": 0}  # a batch of 8 fits nearly all data: few kernels are compiled


@parametrize_with_checks([dae_cl.DenoisingAutoencoder(**FEW), dae_cl.DAEImputer(**FEW)])
def test_scikit_learn_accepts(estimator, check):
    check(estimator)


def low_rank(n, d, rank, seed):
    rng = np.random.default_rng(seed)
    return 5 + 3 * rng.normal(size=(n, rank)) @ rng.normal(size=(rank, d))


def test_a_code_of_the_right_length_restores_noisy_rows():
    X = low_rank(600, 12, 3, 1)
    noisy = X + 0.5 * np.random.default_rng(2).normal(size=X.shape)
    model = dae_cl.DenoisingAutoencoder(3, epochs=60, random_state=0).fit(X[:500])
    assert model.transform(X[500:]).shape == (100, 3)
    assert np.mean((model.denoise(noisy[500:]) - X[500:]) ** 2) < 0.6 * np.mean((noisy[500:] - X[500:]) ** 2)
    assert model.score(X[500:]) > -0.2


def test_holes_are_filled_better_than_by_the_mean():
    X = low_rank(800, 8, 2, 3)
    holes = np.where(np.random.default_rng(4).random(X.shape) < 0.15, np.nan, X)
    filled = make_pipeline(StandardScaler(), dae_cl.DAEImputer(epochs=80, random_state=0)).fit_transform(holes)
    scaler = StandardScaler().fit(holes)
    truth, at = scaler.transform(X), np.isnan(holes)
    assert np.mean((filled[at] - truth[at]) ** 2) < 0.5 * np.mean(truth[at] ** 2)
    assert np.array_equal(filled[~at], scaler.transform(holes)[~at])
