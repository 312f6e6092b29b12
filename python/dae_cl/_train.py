"""Training."""

from __future__ import annotations

import os
from typing import Any, Callable, Optional, Sequence, Union

from ._arrays import as_array, image_of
from ._library import Context, Device, config_text, ffi, lib
from ._model import Model


def _give(context: Context, run: Any, split: str, data: Any, rank: Optional[int]) -> None:
    array = as_array(data)
    if rank is not None and array.ndim == rank:  # grey images without their channel axis
        array = array[..., None]
    context.check(lib.dae_run_data(run, split.encode(), image_of(array)))


def _rank(config: Any) -> Optional[int]:
    """How many axes a sample has, if the config is a dict."""
    shape = config.get("model", {}).get("input") if isinstance(config, dict) else None
    return len(shape) if isinstance(shape, (list, tuple)) and len(shape) == 3 else None


def train(
    config: Union[str, "os.PathLike[str]", dict],
    data: Any = None,
    test: Any = None,
    *,
    callback: Optional[Callable[[dict], Any]] = None,
    progress: Optional[Callable[[float], Any]] = None,
    resume: Union[None, str, "os.PathLike[str]"] = None,
    checkpoint: Union[None, str, "os.PathLike[str]"] = None,
    device: Device = None,
    plugins: Optional[Sequence[str]] = None,
    trust_device: bool = False,
) -> Model:
    """Trains the network of a config, and returns it as a model with its `history`.

    config: a dict, a path that ends in .yaml or .yml, or YAML text. Without the key "data", or with
    {"source": "memory"}, `data` has the training samples (n, ...), and `test` perhaps those that are only tested on.
    callback: called after each epoch with the metrics so far; a true result ends the training, and the model so far is
    returned. progress: called several times a second with the part that is done. checkpoint: a file that is written after each
    epoch; resume: one to continue from. Ctrl-C raises KeyboardInterrupt within a moment.
    """
    context = Context(device, plugins, None, trust_device)
    out, json_out, finished = ffi.new("struct dae_run **"), ffi.new("char **"), ffi.new("int *")
    context.check(lib.dae_run_new(context.handle, config_text(config).encode(), out))
    run = ffi.gc(out[0], lambda handle, _context=context: lib.dae_run_close(handle))
    if data is not None:
        _give(context, run, "train", data, _rank(config))
    if test is not None:
        _give(context, run, "test", test, _rank(config))
    if resume is not None:
        context.check(lib.dae_run_resume(run, os.fsencode(resume)))
    context.progress(progress)
    metrics: dict = {"history": []}
    while not finished[0]:
        context.check(lib.dae_run_step(run, finished))
        metrics = context.text(lib.dae_run_metrics(run, json_out), json_out)
        if checkpoint is not None:
            context.check(lib.dae_run_checkpoint(run, os.fsencode(checkpoint)))
        if callback is not None and callback(metrics):
            break
    context.progress(None)
    model = ffi.new("struct dae_model **")
    context.check(lib.dae_run_model(run, model))
    return Model(context, model[0], metrics["history"])
