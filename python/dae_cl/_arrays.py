"""NumPy arrays as samples in memory, without a copy where the library can use them as they are."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import numpy as np

from ._library import ffi, lib

_ELEMENTS = {"u1": lib.DAE_U8, "u2": lib.DAE_U16, "f2": lib.DAE_F16, "f4": lib.DAE_F32}


def as_array(values: Any) -> np.ndarray:
    """An array with a kind of number and strides that the library takes; other arrays are copied as float32."""
    if not isinstance(values, np.ndarray) and hasattr(values, "__dlpack__"):
        values = np.from_dlpack(values)
    array = np.asarray(values)
    if array.dtype.str[1:] not in _ELEMENTS or not array.dtype.isnative:
        if array.dtype.kind not in "biuf":
            raise TypeError(f"dae_cl: an array of {array.dtype}; expects real numbers")
        array = array.astype(np.float32)
    if any(stride <= 0 for stride, n in zip(array.strides, array.shape) if n > 1):
        array = np.ascontiguousarray(array)
    return array


def image_of(array: np.ndarray) -> Any:
    """The struct that describes the array, which must outlive it. The first axis counts the samples."""
    if array.ndim > 5:
        raise ValueError(f"dae_cl: an array of {array.ndim} axes; expects at most 5")
    image = ffi.new("struct dae_image *")
    image.size = ffi.sizeof("struct dae_image")
    image.data = ffi.cast("void *", array.__array_interface__["data"][0])
    image.element = _ELEMENTS[array.dtype.str[1:]]
    image.rank = array.ndim
    image.bytes = array.itemsize + sum(s * (n - 1) for s, n in zip(array.strides, array.shape) if n > 1)
    for i, (n, stride) in enumerate(zip(array.shape, array.strides)):
        image.shape[i] = n
        image.stride[i] = stride if n > 1 else 0
    return image


def as_samples(array: np.ndarray, shape: Tuple[int, ...]) -> np.ndarray:
    """A view with samples first: of one sample, or of several; grey images may lack their channel axis."""
    if len(shape) == 3:
        has_channels = array.ndim == 4 or (array.ndim == 3 and array.shape[-1] in (1, 3, 4))
        if array.ndim == 2 or (array.ndim == 3 and not has_channels):
            array = array[..., np.newaxis]
        if array.ndim == 3:
            array = array[np.newaxis]
    elif array.ndim == len(shape):
        array = array[np.newaxis]
    if array.ndim != len(shape) + 1:
        raise ValueError(f"dae_cl: an array of shape {array.shape}; the model takes samples of {shape}")
    return array


def result_like(array: np.ndarray, out: Optional[np.ndarray]) -> np.ndarray:
    """Where the result goes: `out`, which must fit, or a new array."""
    if out is None:
        return np.empty(array.shape, array.dtype)
    if not isinstance(out, np.ndarray) or out.shape != array.shape or not out.flags.writeable:
        raise ValueError(f"dae_cl: out must be a writable array of shape {array.shape}")
    if out.dtype.str[1:] not in _ELEMENTS or not out.dtype.isnative:
        raise TypeError(f"dae_cl: out is of {out.dtype}; expects uint8, uint16, float16 or float32")
    return out
