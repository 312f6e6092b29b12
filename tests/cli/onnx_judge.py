"""The judge of tests/cli/onnx.sh: random networks, and what ONNX's checker and onnxruntime say of exported models.

onnx_judge.py networks N FOLDER         writes N configs of random networks, random_0.yaml, ..., always the same ones, and
                                  every.yaml with the layers that these may miss
onnx_judge.py judge DAE_CL FOLDER       exports each NAME.safetensors of the folder in several ways, and compares what
                                  onnxruntime computes from NAME.x.npy with NAME.y.npy
onnx_judge.py compare FILE.onnx X Y     the same for one exported file and two arrays, channels last
"""
import json
import random
import subprocess
import sys
from pathlib import Path

BOUND = {"f32": 1e-5, "f16": 2e-3}  # largest difference, in units of the output's range


# ---- Random networks. --------------------------------------------------------------------------------------------------


class Network:
    """Layers in dae-cl's config, drawn one after another, with the shapes that they lead to."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.layers = []
        self.mask = self.random.random() < 0.3
        self.input = [self.random.choice((4, 8, 12)), self.random.choice((4, 8)), self.random.choice((1, 2, 3))]
        self.shape = list(self.input)
        self.seen = [("input", tuple(self.shape))] + [("mask", tuple(self.shape))] * self.mask
        if self.random.random() < 0.2:
            self.add("flatten", {}, [self.product(self.shape)])
        for _ in range(self.random.randrange(3, 9)):
            self.draw()
        if self.mask:  # somebody reads it
            self.finish(self.product(self.input))
            self.add("reshape", {"shape": self.input}, self.input)
            self.add("multiply", {}, self.input, [self.layers[-1]["name"], "mask"])
            self.add("add", {}, self.input, [self.layers[-1]["name"], "input", "input"])
        self.finish(self.product(self.input))
        if self.random.random() < 0.5:
            self.add("reshape", {"shape": self.input}, self.input)
        self.drop_unread()

    @staticmethod
    def product(shape):
        product = 1
        for n in shape:
            product *= n
        return product

    def add(self, kind, parameters, shape, read=None):
        name = f"{kind}_{len(self.layers)}"
        self.layers.append({kind: parameters, "name": name, "from": read or self.seen_last()})
        self.shape = list(shape)
        self.seen.append((name, tuple(shape)))

    def seen_last(self):
        return self.layers[-1]["name"] if self.layers else "input"

    def finish(self, n):
        if len(self.shape) > 1:
            self.add("flatten", {}, [self.product(self.shape)])
        self.add("dense", {"units": n}, [n])

    def drop_unread(self):
        """A layer that nobody reads is refused."""
        while True:
            read = {name for layer in self.layers for name in self.names(layer)}
            unread = [layer["name"] for layer in self.layers[:-1] if layer["name"] not in read]
            if not unread:
                return
            self.layers = [layer for layer in self.layers if layer["name"] not in unread]

    @staticmethod
    def names(layer):
        return layer["from"] if isinstance(layer["from"], list) else [layer["from"]]

    def draw(self):
        pick = self.random.choice
        same_shape = [("relu", {}), ("leaky_relu", {"slope": 0.2}), ("sigmoid", {}), ("tanh", {}), ("dropout", {"p": 0.3}),
                      ("prelu", {}), ("elu", {"alpha": 0.7}), ("silu", {}), ("gelu", {}), ("softplus", {}), ("softmax", {}),
                      ("scale", {}), ("layernorm", {"epsilon": 0.001})]
        same = [name for name, shape in self.seen if shape == tuple(self.shape)]
        beside = [(name, shape) for name, shape in self.seen
                  if len(shape) == len(self.shape) and shape[:-1] == tuple(self.shape[:-1])]
        what = pick(["same_shape", "same_shape", "channels", "join", "join", "other", "other", "other"])
        if what == "same_shape":
            kind, parameters = pick(same_shape)
            self.add(kind, parameters, self.shape)
        elif what == "channels":
            self.channel_layer()
        elif what == "join" and self.layers:
            last, kind = self.seen_last(), pick(["add", "multiply", "concat"])
            if kind == "concat":
                name, shape = pick(beside)
                self.add(kind, {}, self.shape[:-1] + [self.shape[-1] + shape[-1]], [name, last])
            else:
                more = [pick(same) for _ in range(1 if kind == "multiply" else pick([1, 2]))]
                self.add(kind, {}, self.shape, [last] + more)
        elif len(self.shape) == 1:
            self.add("dense", {"units": self.random.randrange(1, 40)}, [0])
            self.shape = [self.layers[-1]["dense"]["units"]]
            self.seen[-1] = (self.seen[-1][0], tuple(self.shape))
            if self.random.random() < 0.4:
                shape = pick([(2, 4, 3), (4, 2, 1), (1, 1, 5), (3, 2, 2), (5, 4), (3, 6), (1, 2)])
                self.add("dense", {"units": self.product(shape)}, [self.product(shape)])
                self.add("reshape", {"shape": list(shape)}, list(shape))
        elif len(self.shape) == 2:
            self.sequence_layer()
        else:
            self.image_layer()

    def channel_layer(self):
        """One for which the number of channels matters, whatever the rest of the shape."""
        c = self.shape[-1]
        kind = self.random.choice(["gate", "groupnorm"])
        groups = [n for n in range(1, c + 1) if c % n == 0 and n < self.product(self.shape)]
        if kind == "gate" and c % 2 == 0:
            self.add(kind, {}, self.shape[:-1] + [c // 2])
        elif kind == "groupnorm" and groups:
            self.add(kind, {"groups": self.random.choice(groups), "epsilon": 0.001}, self.shape)

    def sequence_layer(self):
        steps, c = self.shape
        kind, units = self.random.choice(["gru", "attention", "signal", "signal", "flatten"]), self.random.randrange(1, 7)
        if kind == "gru":
            self.add(kind, {"units": units}, [steps, units])
        elif kind == "attention":
            self.add(kind, {"heads": self.random.choice([n for n in range(1, c + 1) if c % n == 0])}, self.shape)
        elif kind == "signal":
            self.signal_layer()
        else:
            self.add(kind, {}, [steps * c])

    def signal_layer(self):
        pick, (steps, c) = self.random.choice, self.shape
        kind, filters = pick(["conv1d", "conv1d_transpose", "maxpool1d", "upsample1d"]), self.random.randrange(1, 7)
        kernel, stride, pad, dilation = pick((1, 2, 3, 5)), pick((1, 2)), pick((0, 1, 2)), pick((1, 1, 2))
        if kind == "conv1d" and steps + 2 * pad > dilation * (kernel - 1):
            out = (steps + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
            parameters = {"filters": filters, "kernel": kernel, "stride": stride, "pad": pad, "dilation": dilation}
            self.add(kind, parameters, [out, filters])
        elif kind == "conv1d_transpose" and 0 < (steps - 1) * stride + kernel - 2 * pad < 20:
            out = (steps - 1) * stride + kernel - 2 * pad
            self.add(kind, {"filters": filters, "kernel": kernel, "stride": stride, "pad": pad}, [out, filters])
        elif kind == "maxpool1d" and steps >= kernel:
            self.add(kind, {"kernel": kernel, "stride": stride}, [(steps - kernel) // stride + 1, c])
        elif kind == "upsample1d" and steps < 10:
            self.add(kind, {"factor": stride}, [steps * stride, c])

    def image_layer(self):
        pick, (h, w, c) = self.random.choice, self.shape
        kind = pick(["conv2d", "conv2d", "conv_transpose2d", "maxpool2d", "avgpool2d", "upsample2d", "pixel_shuffle",
                     "batchnorm2d", "global_avgpool2d", "flatten"])
        filters = self.random.randrange(1, 7)
        kernel, stride, pad, dilation = [[pick(values), pick(values)]
                                         for values in ((1, 2, 3), (1, 1, 2), (0, 1), (1, 1, 2))]
        if kind == "conv2d":
            out = [(n + 2 * p - d * (k - 1) - 1) // s + 1 if n + 2 * p > d * (k - 1) else 0
                   for n, k, s, p, d in zip((h, w), kernel, stride, pad, dilation)]
            if min(out) > 0:
                parameters = {"filters": filters, "kernel": kernel, "stride": stride, "pad": pad, "dilation": dilation,
                              "groups": pick([n for n in range(1, 7) if c % n == 0 and filters % n == 0]),
                              "padding_mode": pick(["zeros", "replicate"] + ["reflect"] * (min(h, w) > max(pad)))}
                self.add(kind, parameters, out + [filters])
        elif kind == "conv_transpose2d":
            out = [(n - 1) * s + k - 2 * p for n, k, s, p in zip((h, w), kernel, stride, pad)]
            if min(out) > 0 and max(out) < 20:
                self.add(kind, {"filters": filters, "kernel": kernel, "stride": stride, "pad": pad}, out + [filters])
        elif kind in ("maxpool2d", "avgpool2d") and h >= kernel[0] and w >= kernel[1]:
            out = [(n - k) // s + 1 for n, k, s in zip((h, w), kernel, stride)]
            self.add(kind, {"kernel": kernel, "stride": stride}, out + [c])
        elif kind == "upsample2d" and max(h, w) < 10:
            self.add(kind, {"factor": stride}, [h * stride[0], w * stride[1], c])
        elif kind == "pixel_shuffle" and c % 4 == 0 and max(h, w) < 10:
            self.add(kind, {}, [2 * h, 2 * w, c // 4])
        elif kind == "pixel_shuffle" and max(h, w) < 10:
            self.add("conv2d", {"filters": 8, "kernel": 1}, [h, w, 8])
            self.add(kind, {}, [2 * h, 2 * w, 2])
        elif kind == "global_avgpool2d" and self.random.random() < 0.3:
            self.add(kind, {}, [c])
        elif kind == "batchnorm2d":
            self.add(kind, {"epsilon": 0.001}, self.shape)
        elif kind == "flatten" and self.random.random() < 0.3:
            self.add(kind, {}, [h * w * c])

    def config(self, name):
        return {
            "name": name,
            "data": {"source": "npy", "train": "none.npy", "test": "none.npy"},
            "corruption": {"masking": {"p": 0.2}},
            "model": {"input": self.input, "layers": self.layers},
            "train": {"loss": "mse", "optimizer": {"sgd": {}}, "batch": 4, "epochs": 1},
        }


# What few random networks may miss: every layer with a choice of axes, on images, sequences and vectors.
EVERY = [
    {"conv2d": {"filters": 8, "kernel": 3, "pad": 1}},
    {"conv2d": {"filters": 16, "kernel": 3, "pad": 1, "groups": 4, "padding_mode": "reflect"}},
    {"conv2d": {"filters": 8, "kernel": [3, 1], "pad": [1, 0], "groups": 8, "padding_mode": "replicate"}}, {"groupnorm": {"groups": 4}}, "silu", "layernorm", "prelu", "scale",
    "gate", "gelu", {"elu": {"alpha": 0.5}}, "softplus", {"avgpool2d": {"kernel": 3, "stride": 1}},
    {"conv2d": {"filters": 8, "kernel": 2}}, {"pixel_shuffle": {"order": "crd"}}, {"conv2d": {"filters": 3, "kernel": 1}}, "softmax",
    "global_avgpool2d", {"dense": {"units": 20}}, {"reshape": {"shape": [5, 4]}}, {"gru": {"units": 6}}, "layernorm",
    {"attention": {"heads": 2}}, "prelu", "scale", {"groupnorm": {"groups": 3}}, "gate", "softmax", "flatten", "layernorm",
    "prelu", "scale", {"groupnorm": {"groups": 5}}, {"dense": {"units": 128}}, "gate"]

SIGNALS = [
    {"conv1d": {"filters": 6, "kernel": 3, "pad": 2, "dilation": 2}}, "relu", "maxpool1d", {"conv1d": {"filters": 3, "kernel": 4}},
    {"conv1d_transpose": {"filters": 4, "stride": 2}}, {"upsample1d": {"factor": 3}},
    {"maxpool1d": {"kernel": 3, "stride": 1}}, {"conv1d": {"filters": 2, "kernel": 2, "stride": 2}}]


def write_networks(n, folder):
    for name, shape, layers in ("every", [8, 4, 2], EVERY), ("signals", [20, 2], SIGNALS):
        every = Network(0)
        every.input, every.layers = shape, layers
        (folder / f"{name}.yaml").write_text(json.dumps(every.config(name)))
    for i in range(n):
        name = f"random_{i}"
        (folder / f"{name}.yaml").write_text(json.dumps(Network(i).config(name)))


# ---- Judging. ----------------------------------------------------------------------------------------------------------


def channels_first(x):
    import numpy as np

    return np.ascontiguousarray(np.moveaxis(x, -1, 1))


def difference(path, x, y):
    """The largest difference between what onnxruntime computes and y, in units of y's range."""
    import numpy as np
    import onnx
    import onnxruntime

    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    known = {"input": channels_first(np.nan_to_num(x)), "mask": channels_first(np.isnan(x).astype(np.float32))}
    feeds = {value.name: known[value.name] for value in session.get_inputs()}
    fixed = session.get_inputs()[0].shape[0] == 1
    wanted, steps = channels_first(y), len(x) if fixed else 1
    parts = [{name: value[i : i + 1] if fixed else value for name, value in feeds.items()} for i in range(steps)]
    have = np.concatenate([session.run(["output"], part)[0] for part in parts])
    assert have.shape == wanted.shape, (path, have.shape, wanted.shape)
    assert np.isfinite(have).all(), path
    return float(np.abs(have - wanted).max() / max(np.ptp(wanted), 1e-30))


def judge(dae_cl, folder):
    import numpy as np

    ways = [("f32", []), ("f32", ["--dynamic", "--opset", "20"]), ("f16", ["--dtype", "f16", "--opset", "18"]),
            ("f32", ["--opset", "19"])]
    worst = {kind: (0.0, "") for kind in BOUND}
    n = 0
    for model in sorted(folder.glob("*.safetensors")):
        x, y = (np.load(folder / f"{model.stem}.{what}.npy") for what in "xy")
        for kind, options in ways:
            out = folder / f"{model.stem}.onnx"
            command = [dae_cl, "export", str(model), "-o", str(out), "--dtype", kind, *options]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, (model.stem, done.stderr)
            worst[kind] = max(worst[kind], (difference(out, x, y), model.stem))
            n += 1
    assert n > 0, "no model was exported"
    for kind, (largest, name) in worst.items():
        print(f"{n // len(ways)} models, {kind}: largest difference {largest:.2g} of the range, {name}")
        assert largest <= BOUND[kind], (kind, largest, name)


if __name__ == "__main__":
    if sys.argv[1] == "networks":
        write_networks(int(sys.argv[2]), Path(sys.argv[3]))
    elif sys.argv[1] == "judge":
        judge(sys.argv[2], Path(sys.argv[3]))
    else:
        import numpy

        print(difference(sys.argv[2], numpy.load(sys.argv[3]), numpy.load(sys.argv[4])))
