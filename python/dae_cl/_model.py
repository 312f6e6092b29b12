"""A trained network."""

from __future__ import annotations

import os
import tempfile
from typing import Any, Callable, List, Optional, Sequence, Tuple, Union

import numpy as np

from ._arrays import as_array, as_samples, image_of, result_like
from ._library import Context, Device, ffi, lib

Progress = Optional[Callable[[float], Any]]


class Model:
    """A trained network; `load` and `train` make it. It may be used from several threads, which then take turns."""

    def __init__(self, context: Context, handle: Any, history: Optional[List[dict]] = None) -> None:
        self._context = context
        # The destructor holds the context, which must be closed after the model.
        self._handle = ffi.gc(handle, lambda model, _context=context: lib.dae_model_close(model))
        out = ffi.new("char **")
        self.info: dict = context.text(lib.dae_model_describe(self._handle, out), out)
        self.history: List[dict] = history or []

    @property
    def input_shape(self) -> Tuple[int, ...]:
        """The shape of one sample, channels last."""
        return tuple(self.info["input"])

    @property
    def code_shape(self) -> Optional[Tuple[int, ...]]:
        """The shape of one code; None if the config names none."""
        return tuple(self.info["code"]) if "code" in self.info else None

    def denoise(self, array: Any, out: Optional[np.ndarray] = None, progress: Progress = None) -> np.ndarray:
        """Denoises one sample or several, of any size if the network allows it.

        The result has the shape and kind of the input: uint8 and uint16 stand for 0 to 1, float16 and float32 are taken
        as they are, and other numbers are converted to float32. `out` may be the input. `progress` is called with the
        part that is done; a true result cancels (Error, status 130).
        """
        given = as_array(array)
        result = result_like(given, out)
        shape = self.input_shape
        self._call(lib.dae_denoise, as_samples(given, shape), as_samples(result, shape), progress)
        return result

    def impute(self, array: Any, out: Optional[np.ndarray] = None, progress: Progress = None) -> np.ndarray:
        """Replaces NaN by what the network expects there, and keeps all other numbers."""
        given = as_array(array)
        if given.dtype.kind != "f":
            raise TypeError(f"dae_cl: holes are NaN, but the array is of {given.dtype}")
        result = result_like(given, out)
        shape = self.input_shape
        self._call(lib.dae_impute, as_samples(given, shape), as_samples(result, shape), progress)
        return result

    def encode(self, array: Any, progress: Progress = None) -> np.ndarray:
        """The codes of several samples, (n, code) as float32; of one sample, (code)."""
        given = as_array(array)
        samples = as_samples(given, self.input_shape)
        result = np.empty((len(samples), *(self.code_shape or (1,))), np.float32)
        self._call(lib.dae_encode, samples, result, progress)
        return result[0] if given.ndim < samples.ndim and len(samples) == 1 else result

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Writes the model as one file, which `dae-cl denoise` takes too."""
        with self._context.lock:
            self._context.check(lib.dae_model_save(self._handle, os.fsencode(path)))

    def _call(self, function: Any, given: np.ndarray, result: np.ndarray, progress: Progress) -> None:
        context = self._context
        with context.lock:
            context.progress(progress)
            try:
                context.check(function(self._handle, image_of(given), image_of(result)))
            finally:
                context.progress(None)

    def __reduce__(self) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            self.save(path)
            with open(path, "rb") as file:
                return _unpickle, (file.read(), self._context.options, self.history)

    def __repr__(self) -> str:
        return f"<dae_cl.Model {self.info['name']!r} of {'x'.join(map(str, self.input_shape))}>"


def _read(context: Context, source: Union[str, bytes, "os.PathLike[str]"]) -> Any:
    out = ffi.new("struct dae_model **")
    if isinstance(source, (bytes, bytearray, memoryview)):
        bytes_ = ffi.from_buffer(source)
        context.check(lib.dae_model_read(context.handle, b"model", bytes_, len(bytes_), out))
    else:
        context.check(lib.dae_model_load(context.handle, os.fsencode(source), out))
    return out[0]


def load(
    source: Union[str, bytes, "os.PathLike[str]"],
    *,
    device: Device = None,
    plugins: Optional[Sequence[str]] = None,
    memory: Optional[int] = None,
    trust_device: bool = False,
) -> Model:
    """Reads a model from a file or from the bytes of one.

    device: as in a config, "gpu", "pocl" or a dict; plugins: further folders; memory: MiB of the device for tiles.
    """
    context = Context(device, plugins, memory, trust_device)
    return Model(context, _read(context, source))


def _unpickle(source: bytes, options: dict, history: List[dict]) -> Model:
    context = Context(**options)
    return Model(context, _read(context, source), history)
