"""The shared library, and contexts in it. cffi releases the GIL during every call."""

from __future__ import annotations

import json
import logging
import os
import threading
from typing import Any, Callable, Optional, Sequence, Union

from cffi import FFI

from ._declarations import DECLARATIONS
from ._errors import INPUT_STATUSES, Error, InputError

ffi = FFI()
ffi.cdef(DECLARATIONS)


def _open() -> Any:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib", "libdae.so.1")
    if not os.path.exists(path):
        path = "libdae.so.1"  # a distribution has it as a package of its own
    try:
        return ffi.dlopen(path)
    except OSError as error:
        if "libOpenCL" in str(error):
            raise ImportError(
                "dae_cl needs an OpenCL loader and a driver, on Debian or Ubuntu: "
                "apt-get install ocl-icd-libopencl1 pocl-opencl-icd"
            ) from error
        raise ImportError(str(error)) from error


lib = _open()
_logger = logging.getLogger("dae_cl")

Device = Union[None, str, dict]


def version() -> str:
    """The library's version."""
    return ffi.string(lib.dae_version()).decode()


class Context:
    """A context of the library, which one thread at a time uses."""

    def __init__(
        self,
        device: Device = None,
        plugins: Optional[Sequence[str]] = None,
        memory: Optional[int] = None,
        trust_device: bool = False,
    ) -> None:
        options: dict = {"trust_device": trust_device}
        for key, value in (("device", device), ("plugins", plugins), ("memory", memory)):
            if value is not None:
                options[key] = list(value) if key == "plugins" else value
        self.lock = threading.RLock()
        self.options = options
        self._progress: Optional[Callable[[float], Any]] = None
        self._raised: Optional[BaseException] = None
        out = ffi.new("struct dae_context **")
        status = lib.dae_open(json.dumps(options).encode(), out)
        if out[0] == ffi.NULL:
            raise MemoryError("dae_cl: out of memory")
        self.handle = ffi.gc(out[0], lib.dae_close)
        self.check(status)
        self._log_callback = ffi.callback("void(void *, const char *)", self._on_log)
        self._progress_callback = ffi.callback("int(void *, double)", self._on_progress, error=1, onerror=self._on_error)
        lib.dae_set_log(self.handle, self._log_callback, ffi.NULL)
        lib.dae_set_progress(self.handle, self._progress_callback, ffi.NULL)

    @staticmethod
    def _on_log(_user: Any, line: Any) -> None:
        _logger.info("%s", ffi.string(line).decode())

    def _on_progress(self, _user: Any, done: float) -> int:
        """Ctrl-C takes effect here: running Python code raises KeyboardInterrupt in the main thread."""
        return 1 if self._progress is not None and self._progress(done) else 0

    def _on_error(self, _kind: Any, raised: BaseException, _traceback: Any) -> None:
        self._raised = raised

    def check(self, status: int) -> None:
        """Raises what a status stands for."""
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised
        if status == 0:
            return
        line, column = ffi.new("int *"), ffi.new("int *")
        message = ffi.string(lib.dae_error(self.handle)).decode()
        place = lib.dae_error_place(self.handle, line, column)
        file = None if place == ffi.NULL else ffi.string(place).decode()
        kind = InputError if status in INPUT_STATUSES else Error
        raise kind(message, status, file, line[0], column[0])

    def text(self, status: int, out: Any) -> Any:
        """The JSON that a function has returned."""
        self.check(status)
        try:
            return json.loads(ffi.string(out[0]).decode())
        finally:
            lib.dae_free(out[0])

    def progress(self, callback: Optional[Callable[[float], Any]]) -> None:
        """Calls `callback` with the part of the work that is done; a true result cancels the work."""
        self._progress = callback


def config_text(config: Union[str, "os.PathLike[str]", dict]) -> str:
    """A config as YAML: a dict, a path that ends in .yaml or .yml, or the text itself."""
    if isinstance(config, dict):
        return json.dumps(config)  # JSON is YAML
    path = os.fspath(config)
    if path.endswith((".yaml", ".yml")) and "\n" not in path:
        with open(path, encoding="utf-8") as file:
            return file.read()
    return path


def devices() -> list:
    """The OpenCL devices of this machine, as `dae-cl devices --json` lists them."""
    context, out = Context(), ffi.new("char **")
    return context.text(lib.dae_devices(context.handle, out), out)["devices"]


def verify(config: Union[str, "os.PathLike[str]", dict], device: Device = None) -> dict:
    """Compares the network of a config on the device with double precision; the result's "passed" is the verdict."""
    context, out = Context(device), ffi.new("char **")
    return context.text(lib.dae_verify(context.handle, config_text(config).encode(), out), out)
