"""Estimators for scikit-learn."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ._library import Device
from ._model import Model
from ._train import train


def _moments(X: np.ndarray) -> tuple:
    """Mean and deviation of each column without its holes; a column without numbers or without spread keeps its scale."""
    known = ~np.isnan(X)
    n = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, X, 0).sum(axis=0, dtype=np.float64) / n
    scale = np.sqrt(np.where(known, (X - mean) ** 2, 0).sum(axis=0, dtype=np.float64) / n)
    return mean, np.where(scale > 10 * np.finfo(np.float64).eps * np.abs(mean), scale, 1.0)


class _Denoiser(TransformerMixin, BaseEstimator):
    """What the estimators share: standardised columns, a dense network, its training."""

    _allow_nan = False

    def __init__(
        self,
        *,
        hidden: Optional[int] = None,
        noise: float = 0.2,
        epochs: int = 50,
        batch_size: int = 32,
        learning_rate: float = 0.01,
        random_state: Any = None,
        device: Device = None,
    ) -> None:
        self.hidden = hidden
        self.noise = noise
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.device = device

    def _network(self, d: int) -> dict:
        raise NotImplementedError

    def _check(self, X: Any, reset: bool) -> np.ndarray:
        finite: Any = "allow-nan" if self._allow_nan else True
        return validate_data(self, X, dtype=[np.float64, np.float32], ensure_all_finite=finite, reset=reset)

    def fit(self, X: Any, y: Any = None) -> "_Denoiser":
        """Trains the network on the rows of X, whose columns are standardised."""
        X = self._check(X, reset=True)
        n, d = X.shape
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.mean_, self.scale_ = _moments(X)
        config = {
            "name": type(self).__name__,
            "seed": seed,
            **self._network(d),
            "train": {
                "loss": "mse",
                "optimizer": {"adam": {"lr": self.learning_rate}},
                "batch": min(self.batch_size, n),
                "epochs": self.epochs,
            },
        }
        self.model_: Model = train(config, self._standardised(X), device=self.device)
        return self

    def _standardised(self, X: np.ndarray) -> np.ndarray:
        return ((X - self.mean_) / self.scale_).astype(np.float32)

    def _own_units(self, Z: np.ndarray, like: np.ndarray) -> np.ndarray:
        return (Z * self.scale_ + self.mean_).astype(like.dtype)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.allow_nan = self._allow_nan
        return tags


class DenoisingAutoencoder(ClassNamePrefixFeaturesOutMixin, _Denoiser):
    """Learns to restore rows from rows with Gaussian noise, and describes each row by a code of n_components numbers.

    n_components: length of the code; None: as many as there are columns, at most 8. hidden: units of a further layer
    on either side of it; None: none. noise: deviation of the noise, in deviations of each column. batch_size, epochs,
    learning_rate (Adam): of the training. random_state: an int for the same network again. device: see dae_cl.load.
    """

    def __init__(
        self,
        n_components: Optional[int] = None,
        *,
        hidden: Optional[int] = None,
        noise: float = 0.2,
        epochs: int = 50,
        batch_size: int = 32,
        learning_rate: float = 0.01,
        random_state: Any = None,
        device: Device = None,
    ) -> None:
        super().__init__(
            hidden=hidden,
            noise=noise,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            random_state=random_state,
            device=device,
        )
        self.n_components = n_components

    def _network(self, d: int) -> dict:
        code = min(d, 8) if self.n_components is None else self.n_components
        wide: list = [] if self.hidden is None else [{"dense": {"units": self.hidden}}, "tanh"]
        layers = [*wide, {"dense": {"units": code}, "name": "code"}, *wide, {"dense": {"units": d}}]
        return {
            "model": {"input": [d], "layers": layers, "code": "code"},
            "corruption": {"gaussian": {"sigma": self.noise}},
        }

    def transform(self, X: Any) -> np.ndarray:
        """The codes, (n, n_components)."""
        check_is_fitted(self)
        X = self._check(X, reset=False)
        return self.model_.encode(self._standardised(X)).astype(X.dtype)

    def denoise(self, X: Any) -> np.ndarray:
        """The rows as the network restores them, in the units of X."""
        check_is_fitted(self)
        X = self._check(X, reset=False)
        return self._own_units(self.model_.denoise(self._standardised(X)), X)

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the mean squared error of the restored rows, on standardised columns."""
        check_is_fitted(self)
        Z = self._standardised(self._check(X, reset=False))
        return -float(np.mean((self.model_.denoise(Z) - Z) ** 2, dtype=np.float64))

    @property
    def _n_features_out(self) -> int:
        return int(self.model_.code_shape[0])


class DAEImputer(OneToOneFeatureMixin, _Denoiser):
    """Fills NaN with what a network, which learned to restore hidden numbers, expects there.

    hidden: units of the hidden layer; None: twice the number of columns, at least 8. noise: the part of the numbers that
    is hidden in training. The rest is as in DenoisingAutoencoder. A column without any number is filled with 0.
    """

    _allow_nan = True

    def _network(self, d: int) -> dict:
        hidden = max(8, 2 * d) if self.hidden is None else self.hidden
        layers = [
            {"concat": {}, "from": ["input", "mask"]},
            {"dense": {"units": hidden}},
            "tanh",
            {"dense": {"units": d}},
        ]
        return {"model": {"input": [d], "layers": layers}, "corruption": {"masking": {"p": self.noise}}}

    def transform(self, X: Any) -> np.ndarray:
        """X with its NaN replaced."""
        check_is_fitted(self)
        X = self._check(X, reset=False)
        filled = self._own_units(self.model_.impute(self._standardised(X)), X)
        return np.where(np.isnan(X), filled, X)
