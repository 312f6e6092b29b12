"""The judge of tests/cli/weights.sh: networks as PyTorch has them, and whether dae-cl computes the same.

weights_judge.py judge DAE_CL              writes small networks' weights in PyTorch's layout, imports them, and compares with a
                                           forward pass in numpy; then exports them, and compares the tensors
weights_judge.py break                     writes weights with one fault each, and their configs
weights_judge.py published DAE_CL CONFIGS  (torch) the networks of configs/published, built by PyTorch
weights_judge.py modules DAE_CL FOLDER     (torch) exports each model in FOLDER, runs the module, and imports it again
"""
import importlib.util
import json
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

BOUND = 1e-5  # largest difference, in units of the output's range

# ---- Files. --------------------------------------------------------------------------------------------------------------

TYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "I64": np.int64}


def rounded(array, kind):
    """What the file keeps of the numbers, as 32-bit floats."""
    if kind != "BF16":
        return array.astype(TYPES[kind]).astype(np.float32)
    return (array.astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32)


def save(path, tensors, kind="F32"):
    """As safetensors' own writer: sorted by name, so that the order of the layers is not that of the file."""
    header, data = {}, b""
    for name in sorted(tensors):
        array = tensors[name]
        own = "I64" if array.dtype == np.int64 else kind
        if own == "BF16":
            raw = (array.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).tobytes()
        else:
            raw = array.astype(TYPES[own]).tobytes()
        header[name] = {"dtype": own, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def load(path):
    data = Path(path).read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    meta = header.pop("__metadata__", {})
    tensors = {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        tensors[name] = np.frombuffer(data[8 + size + begin:8 + size + end], np.float32).reshape(tensor["shape"])
    return tensors, meta


# ---- PyTorch's operators in numpy, channels first, in double. -------------------------------------------------------------------


def conv(x, weight, bias=None, stride=1, pad=0):
    n, _, h, w = x.shape
    o, _, kh, kw = weight.shape
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    h, w = (h + 2 * pad - kh) // stride + 1, (w + 2 * pad - kw) // stride + 1
    y = np.zeros((n, o, h, w))
    for i in range(kh):
        for j in range(kw):
            window = x[:, :, i:i + stride * h:stride, j:j + stride * w:stride]
            y += np.einsum("nchw,oc->nohw", window, weight[:, :, i, j])
    return y if bias is None else y + bias[:, None, None]


def conv_transpose(x, weight, bias=None, stride=1, pad=0):
    n, _, h, w = x.shape
    _, o, kh, kw = weight.shape
    y = np.zeros((n, o, (h - 1) * stride + kh, (w - 1) * stride + kw))
    for i in range(kh):
        for j in range(kw):
            y[:, :, i:i + stride * h:stride, j:j + stride * w:stride] += np.einsum("nchw,co->nohw", x, weight[:, :, i, j])
    y = y[:, :, pad:y.shape[2] - pad, pad:y.shape[3] - pad]
    return y if bias is None else y + bias[:, None, None]


def batch_norm(x, t, name, eps=1e-5):
    shape = (-1,) + (1,) * (x.ndim - 2)
    y = (x - t[name + ".running_mean"].reshape(shape)) / np.sqrt(t[name + ".running_var"].reshape(shape) + eps)
    return y * t[name + ".weight"].reshape(shape) + t[name + ".bias"].reshape(shape)


def layer_norm(x, t, name, eps=1e-5):
    x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + eps)
    return x * t[name + ".weight"] + t[name + ".bias"]


def linear(x, t, name):
    return x @ t[name + ".weight"].T + t[name + ".bias"]


def relu(x):
    return np.maximum(x, 0)


def prelu(x, slope):
    return np.where(x > 0, x, x * slope.reshape((-1,) + (1,) * (x.ndim - 2)))


def max_pool(x):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))


def pixel_shuffle(x, r):
    n, c, h, w = x.shape
    x = x.reshape(n, c // r // r, r, r, h, w)
    return x.transpose(0, 1, 4, 2, 5, 3).reshape(n, c // r // r, h * r, w * r)


# ---- Networks. -----------------------------------------------------------------------------------------------------------


class Weights(dict):
    def __init__(self):
        super().__init__()
        self.random = np.random.default_rng(5)

    def draw(self, name, *shape, fan=None):
        self[name] = self.random.standard_normal(shape) / np.sqrt(fan or max(1, np.prod(shape[1:])))

    def conv(self, name, o, i, k, bias=True, transposed=False):
        self.draw(name + ".weight", *((i, o, k, k) if transposed else (o, i, k, k)), fan=i * k * k)
        if bias:
            self.draw(name + ".bias", o)

    def linear(self, name, o, i):
        self.draw(name + ".weight", o, i)
        self.draw(name + ".bias", o)

    def norm(self, name, n, running=True):
        self.draw(name + ".weight", n)
        self.draw(name + ".bias", n)
        if running:
            self.draw(name + ".running_mean", n)
            self[name + ".running_var"] = self.random.random(n) + 0.5
            self[name + ".num_batches_tracked"] = np.array(7, np.int64)


def config(name, shape, layers):
    lines = "".join(f"    - {layer}\n" for layer in layers)
    return (f"name: {name}\ndata: {{source: npy, train: a.npy, test: b.npy}}\nmodel:\n  input: {list(shape)}\n"
            f"  layers:\n{lines}train: {{loss: mse, optimizer: adam}}\n")


def dncnn():
    """A chain whose normalised convolutions have no bias, long enough that names sort otherwise than their numbers."""
    t = Weights()
    t.conv("model.0", 6, 1, 3)
    for i in range(2, 14, 3):
        t.conv(f"model.{i}", 6, 6, 3, bias=False)
        t.norm(f"model.{i + 1}", 6)
    t.conv("model.14", 1, 6, 3)
    layers = ["conv2d: {filters: 6, kernel: 3, pad: 1}", "relu"]
    layers += ["conv2d: {filters: 6, kernel: 3, pad: 1}", "batchnorm2d", "relu"] * 4
    layers += ["{conv2d: {filters: 1, kernel: 3, pad: 1}, name: last}", "{add: {}, from: [last, input]}"]

    def forward(t, x):
        y = relu(conv(x, t["model.0.weight"], t["model.0.bias"], pad=1))
        for i in range(2, 14, 3):
            y = relu(batch_norm(conv(y, t[f"model.{i}.weight"], pad=1), t, f"model.{i + 1}"))
        return x - conv(y, t["model.14.weight"], t["model.14.bias"], pad=1)

    return config("dncnn", (12, 10, 1), layers), t, forward, "last: -model.14\n"


def unet():
    """Strided and transposed convolutions, whose channels differ on either side."""
    t = Weights()
    t.conv("head", 5, 3, 3)
    t.conv("down", 7, 5, 2)
    t.conv("body", 7, 7, 3)
    t.conv("up", 5, 7, 2, transposed=True)
    t.conv("wide", 4, 5, 4, transposed=True)
    t.conv("tail", 3, 4, 3)
    layers = ["{conv2d: {filters: 5, kernel: 3, pad: 1}, name: first}", "{relu: {}, name: full}",
              "conv2d: {filters: 7, kernel: 2, stride: 2}", "conv2d: {filters: 7, kernel: 3, pad: 1}", "relu",
              "{conv_transpose2d: {filters: 5, kernel: 2, stride: 2}, name: grown}", "{add: {}, from: [full, grown]}",
              "maxpool2d", "conv_transpose2d: {filters: 4, kernel: 4, stride: 2, pad: 1}",
              "conv2d: {filters: 3, kernel: 3, pad: 1}"]

    def forward(t, x):
        full = relu(conv(x, t["head.weight"], t["head.bias"], pad=1))
        y = relu(conv(conv(full, t["down.weight"], t["down.bias"], stride=2), t["body.weight"], t["body.bias"], pad=1))
        y = max_pool(full + conv_transpose(y, t["up.weight"], t["up.bias"], stride=2))
        y = conv_transpose(y, t["wide.weight"], t["wide.bias"], stride=2, pad=1)
        return conv(y, t["tail.weight"], t["tail.bias"], pad=1)

    return config("unet", (8, 12, 3), layers), t, forward, None


def dense():
    """Flattens an image of several channels, and makes one again, twice: by a reshape and at the output."""
    t = Weights()
    t.conv("features.0", 4, 3, 3)
    t.draw("features.1.weight", 4)
    t.draw("features.3.weight", 4 * 4 * 6)
    t.linear("encoder", 20, 4 * 4 * 6)
    t.norm("middle", 20, running=False)
    t.linear("decoder", 5 * 4 * 6, 20)
    t.conv("paint", 2, 5, 3)
    t.linear("out", 3 * 4 * 6, 2 * 4 * 6)
    layers = ["conv2d: {filters: 4, kernel: 3, pad: 1}", "prelu", "flatten", "prelu", "dense: {units: 20}", "layernorm",
              "relu", "dense: {units: 120}", "tanh", "reshape: {shape: [4, 6, 5]}", "conv2d: {filters: 2, kernel: 3, pad: 1}",
              "flatten", "dense: {units: 72}", "sigmoid"]

    def forward(t, x):
        n = len(x)
        y = prelu(conv(x, t["features.0.weight"], t["features.0.bias"], pad=1), t["features.1.weight"])
        y = prelu(y.reshape(n, -1), t["features.3.weight"])
        y = relu(layer_norm(linear(y, t, "encoder"), t, "middle"))
        y = np.tanh(linear(y, t, "decoder")).reshape(n, 5, 4, 6)
        y = conv(y, t["paint.weight"], t["paint.bias"], pad=1).reshape(n, -1)
        return (1 / (1 + np.exp(-linear(y, t, "out")))).reshape(n, 3, 4, 6)

    return config("dense", (4, 6, 3), layers), t, forward, None


def shuffle():
    """A pixel shuffle of three channels, and one factor of a PReLU for all."""
    t = Weights()
    t.conv("a.conv", 8, 3, 2)
    t.draw("a.act.weight", 1)
    t.conv("b.conv", 12, 8, 3)
    layers = ["conv2d: {filters: 8, kernel: 2, stride: 2}", "{prelu: {}, name: bent}", "conv2d: {filters: 12, kernel: 3, pad: 1}",
              "relu", "pixel_shuffle: {factor: 2}"]

    def forward(t, x):
        y = prelu(conv(x, t["a.conv.weight"], t["a.conv.bias"], stride=2), t["a.act.weight"])
        return pixel_shuffle(relu(conv(y, t["b.conv.weight"], t["b.conv.bias"], pad=1)), 2)

    return config("shuffle", (6, 8, 3), layers), t, forward, None


def twins():
    """Two layers of the same shapes, whose modules' names do not say which comes first."""
    t = Weights()
    t.linear("enc", 6, 6)
    t.linear("dec", 6, 6)
    layers = ["{dense: {units: 6}, name: first}", "tanh", "{dense: {units: 6}, name: second}"]

    def forward(t, x):
        return linear(np.tanh(linear(x, t, "enc")), t, "dec")

    return config("twins", (6,), layers), t, forward, "first: enc\nsecond.weight: dec.weight\nsecond.bias: dec.bias\n"


NETWORKS = [dncnn, unet, dense, shuffle, twins]

# ---- Judging. ------------------------------------------------------------------------------------------------------------


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit status {done.returncode}: {done.stderr}")
    return done.stdout


def denoise(dae_cl, model, shape):
    """Samples drawn for a model, and what it makes of them, both channels first."""
    x = np.random.default_rng(2).random((3, *shape), np.float32)
    np.save("samples.npy", x)
    shutil.rmtree("clean", ignore_errors=True)
    run(dae_cl, "denoise", model, "samples.npy", "-o", "clean")
    return np.moveaxis(x, -1, 1), np.moveaxis(np.load("clean/samples.npy"), -1, 1)


def difference(have, want):
    span = float(want.max() - want.min())
    worst = float(np.abs(have - want).max()) / (span if span > 0 else 1)
    return worst if np.isfinite(have).all() and np.isfinite(want).all() else float("inf")


def shape_of(text):
    return [int(n) for n in re.search(r"input:\s*\[?([-\d,\s]*?)\]?\s*\n\s*layers", text).group(1).replace("-", " ").replace(
        ",", " ").split()]


def import_onto(dae_cl, weights, onto, mapping, name):
    shutil.rmtree(name, ignore_errors=True)
    extra = []
    if mapping:
        Path("map.yaml").write_text(mapping)
        extra = ["--map", "map.yaml"]
    return run(dae_cl, "import", weights, "--onto", onto, "-o", name, *extra)


def judge(dae_cl):
    worst = 0
    for make in NETWORKS:
        text, weights, forward, mapping = make()
        Path("net.yaml").write_text(text)
        for kind in ["F32", "F16", "BF16", "F64"]:
            save("net.safetensors", weights, kind)
            lines = import_onto(dae_cl, "net.safetensors", "net.yaml", mapping, "net")
            kept = {name: rounded(array, kind) for name, array in weights.items() if array.dtype != np.int64}
            x, have = denoise(dae_cl, "net", shape_of(text))
            d = difference(have, forward({k: v.astype(float) for k, v in kept.items()}, x.astype(float)))
            worst = max(worst, d)
            if not d <= BOUND:
                sys.exit(f"{make.__name__} {kind}: the largest difference is {d:.1e} of the output's range")
        # What was exported is what was imported, layer by layer, and comes back to the same bits.
        save("net.safetensors", weights)
        lines = import_onto(dae_cl, "net.safetensors", "net.yaml", mapping, "net")
        run(dae_cl, "export", "net", "--pytorch", "-o", "back.safetensors")
        have, _ = load("back.safetensors")
        for line in lines.splitlines():
            ours, _, theirs = line.partition(": ")
            sign = -1 if theirs.startswith("-") else 1
            for name, array in weights.items():
                prefix, _, role = name.rpartition(".")
                if prefix == theirs.lstrip("-") and array.dtype != np.int64:
                    want = np.broadcast_to(sign * array.astype(np.float32), have[f"{ours}.{role}"].shape)
                    if not np.array_equal(have[f"{ours}.{role}"], want):
                        sys.exit(f"{make.__name__}: {ours}.{role} was exported otherwise than {name} was imported")
        import_onto(dae_cl, "back.safetensors", "net.yaml", None, "again")
        if Path("net/model.safetensors").read_bytes() != Path("again/model.safetensors").read_bytes():
            sys.exit(f"{make.__name__}: another model after export and import")
    print(f"{len(NETWORKS)} networks in 4 types: largest difference {worst:.1e}")


# ---- Faults. -------------------------------------------------------------------------------------------------------------


def break_file():
    """Weights of the networks above with something wrong, each under the name of the fault."""
    text, weights, _, _ = unet()
    Path("unet.yaml").write_text(text)
    save("whole.safetensors", weights)
    save("missing.safetensors", {k: v for k, v in weights.items() if not k.startswith("up.")})
    save("left.safetensors", {**weights, "critic.weight": np.zeros((2, 3)), "critic.bias": np.zeros(2)})
    save("turned.safetensors", {**weights, "up.weight": weights["up.weight"].transpose(1, 0, 2, 3)})
    save("infinite.safetensors", {**weights, "tail.bias": np.array([0, np.inf, 0])})
    save("large.safetensors", {**weights, "tail.bias": np.array([0, 1e300, 0])}, "F64")
    save("integer.safetensors", {**weights, "tail.bias": np.array([0, 1, 0], np.int64)})
    text, weights, _, _ = twins()
    Path("twins.yaml").write_text(text)
    save("twins.safetensors", weights)
    data = Path("whole.safetensors").read_bytes()
    Path("short.safetensors").write_bytes(data[:-8])


# ---- With PyTorch. -------------------------------------------------------------------------------------------------------


def published(dae_cl, configs):
    import torch
    from safetensors.torch import save_file
    from torch import nn

    class DnCNN(nn.Module):
        def __init__(self):
            super().__init__()
            layers = [nn.Conv2d(1, 64, 3, padding=1), nn.ReLU()]
            for _ in range(15):
                layers += [nn.Conv2d(64, 64, 3, padding=1), nn.ReLU()]
            self.model = nn.Sequential(*layers, nn.Conv2d(64, 1, 3, padding=1))

        def forward(self, x):
            return x - self.model(x)

    class FFDNet(nn.Module):
        def __init__(self):
            super().__init__()
            layers = [nn.Conv2d(1, 64, 6, stride=2, padding=2), nn.ReLU()]
            for _ in range(13):
                layers += [nn.Conv2d(64, 64, 3, padding=1), nn.ReLU()]
            self.model = nn.Sequential(*layers, nn.Conv2d(64, 4, 3, padding=1), nn.PixelShuffle(2))

        def forward(self, x):
            return self.model(x)

    class Block(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.res = nn.Sequential(nn.Conv2d(n, n, 3, padding=1, bias=False), nn.ReLU(),
                                     nn.Conv2d(n, n, 3, padding=1, bias=False))

        def forward(self, x):
            return x + self.res(x)

    class DRUNet(nn.Module):
        def __init__(self):
            super().__init__()
            n = [64, 128, 256, 512]
            self.m_head = nn.Conv2d(1, n[0], 3, padding=1, bias=False)
            for i in range(3):
                setattr(self, f"m_down{i + 1}", nn.Sequential(*[Block(n[i]) for _ in range(4)],
                                                              nn.Conv2d(n[i], n[i + 1], 2, stride=2, bias=False)))
                setattr(self, f"m_up{i + 1}", nn.Sequential(nn.ConvTranspose2d(n[i + 1], n[i], 2, stride=2, bias=False),
                                                            *[Block(n[i]) for _ in range(4)]))
            self.m_body = nn.Sequential(*[Block(n[3]) for _ in range(4)])
            self.m_tail = nn.Conv2d(n[0], 1, 3, padding=1, bias=False)

        def forward(self, x):
            x1 = self.m_head(x)
            x2 = self.m_down1(x1)
            x3 = self.m_down2(x2)
            x4 = self.m_down3(x3)
            x = self.m_up3(self.m_body(x4) + x4)
            return self.m_tail(self.m_up1(self.m_up2(x + x3) + x2) + x1)

    for name, module, shape in [("dncnn_s", DnCNN, (40, 40, 1)), ("ffdnet_like", FFDNet, (48, 48, 1)),
                                ("drunet_like", DRUNet, (64, 64, 1))]:
        torch.manual_seed(4)
        network = module().eval()
        save_file(network.state_dict(), f"{name}.safetensors")
        mapping = Path(configs, f"{name}.map.yaml")
        import_onto(dae_cl, f"{name}.safetensors", Path(configs, f"{name}.yaml"),
                    mapping.read_text() if mapping.exists() else None, name)
        x, have = denoise(dae_cl, name, shape)
        with torch.no_grad():
            d = difference(have, network(torch.from_numpy(x.copy())).numpy())
        if not d <= BOUND:
            sys.exit(f"{name}: the largest difference from PyTorch is {d:.1e} of the output's range")
        print(f"{name}: largest difference {d:.1e}")


def modules(dae_cl, folder):
    import torch

    worst, n, refused = 0, 0, []
    for path in sorted(Path(folder).glob("*.safetensors")):
        name = "module_" + re.sub(r"\W", "_", path.stem)
        done = subprocess.run([dae_cl, "export", path, "--pytorch", "-o", f"{name}.safetensors"], capture_output=True, text=True)
        if done.returncode != 0:
            refused.append(path.stem)
            if done.returncode != 2 or not re.search("cannot be (written|followed)", done.stderr):
                sys.exit(f"{path.stem}: {done.stderr}")
            continue
        spec = importlib.util.spec_from_file_location(name, f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        network = module.load()
        before, meta = load(path)
        Path("onto.yaml").write_text(meta["config"])
        x, have = denoise(dae_cl, path, shape_of(meta["config"]))
        samples = torch.from_numpy(x.copy())
        mask = [torch.zeros_like(samples)] if "def forward(self, x, mask)" in Path(f"{name}.py").read_text() else []
        with torch.no_grad():
            d = difference(have, network(samples, *mask).numpy())
        import_onto(dae_cl, f"{name}.safetensors", "onto.yaml", None, "again")
        after, _ = load("again/model.safetensors")
        if before.keys() != after.keys() or any(before[k].tobytes() != after[k].tobytes() for k in before):
            sys.exit(f"{path.stem}: other parameters after export and import")
        if not d <= BOUND:
            sys.exit(f"{path.stem}: the largest difference from PyTorch is {d:.1e} of the output's range")
        worst, n = max(worst, d), n + 1
    print(f"{n} modules: largest difference {worst:.1e}; refused: {', '.join(refused)}")


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    {"judge": judge, "break": break_file, "published": published, "modules": modules}[verb](*rest)
