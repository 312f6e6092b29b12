"""The exported networks of dae-cl in what a user would deploy them on. Modes: "onnxruntime" and "openvino", with as many
threads as the others. compare.py writes the files before it asks.
"""

import os
from functools import lru_cache
from importlib.metadata import version

import numpy as np

from worker import LARGE, REACH, SHAPE, samples_of, serve, tile_places

THREADS = int(os.environ.get("PEER_THREADS", "2"))
MODELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "peers", "models")


@lru_cache(maxsize=4)
def network_of(work, mode):
    """A function from an array of samples, channels first, to the network's output."""
    path = os.path.join(MODELS, work + ".onnx")
    if mode == "onnxruntime":
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return lambda x: session.run(["output"], {"input": x})[0]
    import openvino
    core = openvino.Core()
    compiled = core.compile_model(path, "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": THREADS,
                                                "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    return lambda x: request.infer({0: x}, share_inputs=True, share_outputs=True)[0]


def shape_of(work):
    *sides, last = SHAPE["conv_mnist"] if work == "fc_mnist" else SHAPE[work]  # which flattens its images itself
    return [last, *sides]


class Batches:
    """A pass over made-up samples."""

    def __init__(self, work, batch, mode):
        self.data = np.random.default_rng(0).random((samples_of(work, batch), *shape_of(work)), np.float32)
        self.network, self.batch, self.at = network_of(work, mode), batch, 0

    def infer(self):
        if self.at + self.batch > len(self.data):
            self.at = 0
        self.network(self.data[self.at:self.at + self.batch])
        self.at += self.batch


class Tiles:
    """A large image: a tile a call, cut out of it and put back without its rim."""

    def __init__(self, side, mode):
        self.image = np.random.default_rng(0).random((1, 1, *LARGE), np.float32)
        self.result, self.network = np.empty_like(self.image), network_of("large", mode)
        self.places, self.side, self.at = tile_places(side), side, 0

    def infer(self):
        y, x = self.places[self.at]
        self.at = (self.at + 1) % len(self.places)
        out = self.network(np.ascontiguousarray(self.image[:, :, y:y + self.side, x:x + self.side]))
        self.result[:, :, y + REACH:y + self.side - REACH, x + REACH:x + self.side - REACH] = \
            out[:, :, REACH:-REACH, REACH:-REACH]


def make(work, batch, what, mode):
    if work == "large":
        return Tiles(batch, mode).infer, lambda: None
    return Batches(work, batch, mode).infer, lambda: None  # "one" is a batch of one: the result is in memory at once


if __name__ == "__main__":
    print(", ".join(f"{name} {version(package)}" for name, package in (("onnxruntime", "onnxruntime"), ("OpenVINO", "openvino"))),
          flush=True)
    serve(make)
