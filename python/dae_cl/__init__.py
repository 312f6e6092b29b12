"""Denoising autoencoders on any OpenCL device.

    import dae_cl
    clean = dae_cl.load("model.safetensors").denoise(noisy)

docs/python.md is the guide.
"""

from __future__ import annotations

from typing import Any

from ._errors import Error, InputError
from ._library import devices, verify, version
from ._model import Model, load
from ._train import train

__version__ = version()
__all__ = ["DAEImputer", "DenoisingAutoencoder", "Error", "InputError", "Model", "devices", "load", "train", "verify"]


def __getattr__(name: str) -> Any:
    """The estimators are imported when they are used, because they need scikit-learn."""
    if name in ("DenoisingAutoencoder", "DAEImputer"):
        from . import sklearn

        return getattr(sklearn, name)
    raise AttributeError(f"module 'dae_cl' has no attribute {name!r}")
