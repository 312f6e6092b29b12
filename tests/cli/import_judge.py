"""The judge of tests/cli/import.sh: networks of other programs, and whether dae-cl computes what onnxruntime computes.

import_judge.py graphs FOLDER          writes NAME.onnx, made node by node with the package onnx
import_judge.py peers FOLDER           writes more, by PyTorch's exporter
import_judge.py compare DAE_CL FOLDER  imports each file into NAME/, runs dae-cl denoise on samples drawn for it, and
                                 compares with onnxruntime; the options of import are in NAME.options
"""
import subprocess
import sys
from pathlib import Path

import numpy as np

BOUND = 1e-5  # largest difference, in units of the output's range
OPEN = (24, 40)  # height and width of the samples of a network that leaves them open


# ---- Graphs. -------------------------------------------------------------------------------------------------------------


class Graph:
    """Nodes one after another; constants are drawn."""

    def __init__(self, opset, *shape):
        from onnx import TensorProto, helper

        self.helper, self.float = helper, TensorProto.FLOAT
        self.opset, self.shape = opset, shape
        self.random = np.random.default_rng(7)
        self.nodes, self.constants = [], []

    def constant(self, value, kind=np.float32):
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def drawn(self, *shape):
        return self.constant(self.random.standard_normal(shape) / np.sqrt(max(1, np.prod(shape[1:]))))

    def node(self, op, *inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(op, list(inputs), [name], name=f"{op}_{name}", **attributes))
        return name

    def save(self, path, last):
        import onnx

        value = self.helper.make_tensor_value_info
        graph = self.helper.make_graph(self.nodes, "graph", [value("x", self.float, self.shape)],
                                       [value(last, self.float, self.shape)], self.constants)
        model = self.helper.make_model(graph, opset_imports=[self.helper.make_opsetid("", self.opset)], ir_version=9)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)


def graph_padding(g):
    """Zeros as each operator may ask for them."""
    a = g.node("Conv", "x", g.drawn(4, 2, 3, 3), g.drawn(4), auto_pad="SAME_UPPER")
    a = g.node("Conv", a, g.drawn(4, 4, 4, 4), auto_pad="SAME_LOWER", strides=[2, 2])
    a = g.node("Pad", g.node("Relu", a), g.constant([0, 0, 2, 1, 0, 0, 2, 1], np.int64))
    a = g.node("Conv", a, g.drawn(3, 4, 5, 3), auto_pad="VALID")
    a = g.node("ConvTranspose", a, g.drawn(3, 2, 4, 4), g.drawn(2), strides=[2, 2], pads=[1, 1, 1, 1])
    return g.node("Clip", a, g.constant(0))


def graph_enlargement(g):
    small = g.node("MaxPool", g.node("Conv", "x", g.drawn(3, 2, 1, 1)), kernel_shape=[2, 4], strides=[2, 4])
    nearest = dict(mode="nearest")
    half = g.node("Resize", small, "", g.constant([1, 1, 2, 4]), **nearest)
    floor = g.node("Resize", small, "", "", g.constant([1, 3, 8, 12], np.int64), nearest_mode="floor",
                   coordinate_transformation_mode="asymmetric", **nearest)
    both = g.node("Concat", half, floor, half, axis=1)
    return g.node("Conv", both, g.drawn(2, 9, 1, 1), g.drawn(2))


def graph_sums(g):
    a = g.node("Conv", "x", g.drawn(2, 2, 1, 1), g.drawn(2))
    b = g.node("Add", g.node("Conv", "x", g.drawn(2, 2, 1, 1)), g.drawn(1, 2, 1, 1))
    c = g.node("Mul", g.node("Tanh", a), g.node("Sigmoid", b))
    b = g.node("Sub", b, g.node("Sub", g.node("Conv", "x", g.drawn(2, 2, 1, 1)), g.drawn(1, 2, 1, 1)))
    d = g.node("Sum", a, b, c, "x")
    e = g.node("Dropout", g.node("Identity", g.node("LeakyRelu", d, alpha=0.2)))
    return g.node("Cast", e, to=g.float)


def graph_curves(g):
    a = g.node("AveragePool", g.node("Conv", "x", g.drawn(6, 2, 1, 1)), kernel_shape=[2, 2], strides=[2, 2])
    a = g.node("Softplus", g.node("Elu", a, alpha=0.5))
    return g.node("ConvTranspose", g.node("Elu", a), g.drawn(6, 2, 2, 2), strides=[2, 2])


def graph_last(g):
    """As programs write that keep channels last: a vector becomes (N,H,W,C), which a Transpose turns."""
    a = g.node("Reshape", g.node("Transpose", "x", perm=[0, 2, 3, 1]), g.constant([1, -1], np.int64))
    a = g.node("Add", g.node("MatMul", a, g.drawn(192, 24)), g.drawn(24))
    a = g.node("Reshape", g.node("Relu", a), g.constant([-1, 2, 3, 4], np.int64))
    a = g.node("Transpose", a, perm=[0, 3, 1, 2])
    a = g.node("Flatten", g.node("Conv", a, g.drawn(5, 4, 1, 1)))
    a = g.node("Gemm", a, g.drawn(30, 192), g.drawn(1, 192), alpha=0.5, beta=2.0)
    return g.node("Reshape", a, g.constant([1, 2, 8, 12], np.int64))


def graph_halves(g):
    weight = g.node("Cast", g.constant(g.random.standard_normal((2, 2, 3, 3)) / 4, np.float16), to=g.float)
    return g.node("Conv", "x", weight, pads=[1, 1, 1, 1])


def graph_groups(g):
    """Groups of several channels and depthwise, and zeros that differ between opposite sides."""
    a = g.node("Conv", "x", g.drawn(6, 1, 3, 3), g.drawn(6), group=2, pads=[1, 1, 1, 1])
    a = g.node("Conv", a, g.drawn(6, 1, 3, 3), group=6, strides=[2, 2], auto_pad="SAME_UPPER")
    a = g.node("Conv", a, g.drawn(4, 3, 2, 3), g.drawn(4), group=2, pads=[0, 3, 1, 1], dilations=[1, 2])
    a = g.node("Conv", a, g.drawn(8, 1, 3, 2), group=4, pads=[2, 0, 0, 1])
    a = g.node("ConvTranspose", a, g.drawn(8, 2, 2, 2), strides=[2, 2])
    return g.node("Conv", a, g.drawn(2, 2, 3, 3), strides=[1, 1], pads=[1, 1, 1, 1])


def graph_margins(g):
    """Pads that show the image, equal and different on opposite sides."""
    pad = lambda x, mode, *pads: g.node("Pad", x, g.constant([0, 0, *pads[:2], 0, 0, *pads[2:]], np.int64), mode=mode)
    a = g.node("Conv", pad("x", "reflect", 1, 1, 1, 1), g.drawn(5, 2, 3, 3), g.drawn(5))
    a = g.node("Conv", pad(a, "edge", 1, 2, 1, 2), g.drawn(4, 5, 3, 5), g.drawn(4))
    a = g.node("Conv", pad(a, "reflect", 0, 0, 1, 2), g.drawn(4, 2, 2, 3), group=2)
    a = g.node("Conv", pad(a, "edge", 3, 1, 0, 0), g.drawn(4, 1, 4, 2), group=4)
    if g.opset >= 18:
        a = g.node("Pad", a, g.constant([1, 0, 1, 2], np.int64), "", g.constant([3, -2], np.int64), mode="reflect")
    else:
        a = pad(a, "reflect", 0, 1, 2, 1)
    return g.node("Conv", a, g.drawn(2, 4, 3, 3), strides=[1, 1])


def graph_channels(g):
    a = g.node("PRelu", g.node("Conv", "x", g.drawn(8, 2, 2, 2), g.drawn(8), strides=[2, 2]), g.drawn(8, 1, 1))
    a = g.node("PRelu", g.node("Softmax", a, axis=1), g.drawn(1))
    if g.opset >= 17:
        last = g.node("LayerNormalization", g.node("Transpose", a, perm=[0, 2, 3, 1]), g.drawn(8), g.drawn(8), epsilon=1e-3)
        a = g.node("Transpose", g.node("Softmax", last), perm=[0, 3, 1, 2])
    big = g.node("DepthToSpace", a, blocksize=2, mode="CRD")
    other = g.node("DepthToSpace", a, blocksize=2)
    a = g.node("Flatten", g.node("Concat", big, other, axis=1))
    a = g.node("Gemm", a, g.drawn(384, 12), g.drawn(12))
    a = g.node("PRelu", a, g.drawn(12))
    a = g.node("Gemm", a, g.drawn(12, 192), g.drawn(192))
    return g.node("Reshape", a, g.constant([1, 2, 8, 12], np.int64))


def graph_erf(g):
    """Gelu in the ways that programs write it before they know the operator; the image goes on being read."""
    erf = lambda x: g.node("Add", g.node("Erf", x), g.constant(1))
    a = g.node("Conv", "x", g.drawn(3, 2, 3, 3), pads=[1, 1, 1, 1])
    b = g.node("Mul", a, g.node("Mul", g.constant(0.5), erf(g.node("Div", a, g.constant(np.sqrt(2))))))
    c = g.node("Mul", g.node("Mul", a, g.constant(0.5)), erf(g.node("Mul", g.constant(np.sqrt(0.5)), a)))
    d = g.node("Mul", g.node("Mul", erf(g.node("Div", b, g.constant([np.sqrt(2)]))), b), g.constant(0.5))
    both = g.node("Concat", a, g.node("Add", b, c), d, axis=1)
    if g.opset >= 20:
        both = g.node("Gelu", both)
    return g.node("Conv", both, g.drawn(2, 9, 1, 1), g.drawn(2))


def write_graphs(folder):
    for name, draw in sorted(globals().items()):
        if name.startswith("graph_"):
            for opset in (13, 18, 20):
                graph = Graph(opset, 1, 2, 8, 12)
                graph.save(folder / f"{name[6:]}_{opset}.onnx", draw(graph))


# ---- PyTorch. ------------------------------------------------------------------------------------------------------------


def peers():
    """Networks of the kinds that people train, with the shape of a sample; (C, None, None) has any size."""
    import torch
    from torch import nn

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU())
            self.deep = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
                                      nn.Upsample(scale_factor=2))
            self.up = nn.Conv2d(24, 1, 3, padding=1)

        def forward(self, x):
            full = self.down(x)
            return x - self.up(torch.cat([full, self.deep(full)], 1))

    class Gate(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 3, 3, padding="same"), nn.Conv2d(3, 3, 1)

        def forward(self, x):
            return torch.tanh(self.a(x)) * torch.sigmoid(self.b(x)) + x

    class Block(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(n, n, 3, padding=1, bias=False), nn.BatchNorm2d(n)
            self.conv2, self.bn2 = nn.Conv2d(n, n, 3, padding=1, bias=False), nn.BatchNorm2d(n)

        def forward(self, x):
            return torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))) + x)

    class Resized(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.last = nn.Conv2d(1, 4, 2, stride=2), nn.Conv2d(4, 1, 3, padding=1)

        def forward(self, x):
            return self.last(nn.functional.interpolate(torch.relu(self.conv(x)), size=x.shape[2:]))

    class Norm(nn.Module):
        """As in networks of attention: over the channels, which come last for it."""

        def __init__(self, n):
            super().__init__()
            self.norm = nn.LayerNorm(n)

        def forward(self, x):
            return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def separable(n_in, n_out, **how):
        return [nn.Conv2d(n_in, n_in, 3, padding=1, groups=n_in, **how), nn.PReLU(n_in), nn.Conv2d(n_in, n_out, 1)]

    def conv(n_in, n_out):
        return [nn.Conv2d(n_in, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU()]

    return {
        "autoencoder": (nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                                      nn.ConvTranspose2d(16, 1, 2, stride=2), nn.Sigmoid()), (1, 28, 28)),
        "unet": (UNet(), (1, None, None)),
        "dncnn": (nn.Sequential(*conv(3, 8), *conv(8, 8), nn.Conv2d(8, 3, 3, padding=1)), (3, None, None)),
        "mlp_image": (nn.Sequential(nn.Flatten(), nn.Linear(2 * 6 * 5, 20), nn.LeakyReLU(0.1), nn.Linear(20, 60),
                                    nn.Unflatten(1, (2, 6, 5))), (2, 6, 5)),
        "mlp_vector": (nn.Sequential(nn.Linear(30, 50), nn.BatchNorm1d(50), nn.Tanh(), nn.Dropout(0.3),
                                     nn.Linear(50, 30)), (30,)),
        "bottleneck": (nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(),
                                     nn.Linear(4 * 7 * 7, 10), nn.ReLU(), nn.Linear(10, 4 * 7 * 7), nn.ReLU(),
                                     nn.Unflatten(1, (4, 7, 7)),
                                     nn.ConvTranspose2d(4, 1, 3, stride=2, padding=1, output_padding=1), nn.Sigmoid()),
                       (1, 14, 14)),
        "gate": (Gate(), (3, 9, 11)),
        "dilated": (nn.Sequential(nn.Conv2d(3, 6, 3, padding=2, dilation=2), nn.LeakyReLU(), nn.Conv2d(6, 6, 4, stride=2, padding=1),
                                  nn.ReLU(), nn.ConvTranspose2d(6, 3, 4, stride=2, padding=1)), (3, 16, 20)),
        "residual": (nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), Block(6), Block(6), nn.Conv2d(6, 1, 1)), (1, 12, 12)),
        "resized": (Resized(), (1, 16, 24)),
        "depthwise": (nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *separable(8, 12), nn.BatchNorm2d(12), nn.ReLU(),
                                    nn.Conv2d(12, 24, 3, padding=1, groups=4), *separable(24, 3)), (3, None, None)),
        "margins": (nn.Sequential(nn.ReflectionPad2d(2), nn.Conv2d(1, 6, 5), nn.GELU(),
                                  *separable(6, 6, padding_mode="reflect"), nn.ReplicationPad2d((0, 1, 0, 1)),
                                  nn.Conv2d(6, 8, 2), nn.GELU(), nn.Conv2d(8, 1, 3, padding=1, padding_mode="replicate")),
                    (1, None, None)),
        "shuffled": (nn.Sequential(nn.Conv2d(1, 8, 2, stride=2), Norm(8), nn.GELU(), nn.Conv2d(8, 8, 3, padding=1),
                                   nn.PixelShuffle(2), nn.PReLU(), nn.Softmax(1), nn.Conv2d(2, 1, 1)), (1, 12, 20)),
    }


def write_peers(folder):
    import torch

    torch.manual_seed(5)
    for name, (network, shape) in peers().items():
        for module in network.modules():
            if hasattr(module, "running_var"):
                module.running_mean.uniform_(-0.5, 0.5)
                module.running_var.uniform_(0.5, 2)
        network.eval()
        is_open = len(shape) == 3 and shape[1] is None
        sample = torch.rand(1, *(shape[:1] + OPEN if is_open else shape))
        axes = {2: torch.export.Dim("height"), 3: torch.export.Dim("width")}
        if is_open and name == "unet":  # two halvings of any size are not an exported constraint
            axes = {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
        torch.onnx.export(network, (sample,), str(folder / f"{name}.onnx"), dynamo=True, external_data=False,
                          verbose=False, opset_version=18 if name == "shuffled" else None, dynamic_shapes=(axes,) if is_open else None)
        if is_open:
            (folder / f"{name}.options").write_text(f"--size {OPEN[0]}x{OPEN[1]}")


# ---- Comparing. ----------------------------------------------------------------------------------------------------------


def shape_of(session):
    """Of a sample, channels last."""
    shape = [n if isinstance(n, int) else size for n, size in zip(session.get_inputs()[0].shape[1:], (0,) + OPEN)]
    return shape[1:] + shape[:1]


def denoise(dae_cl, model, x, folder):
    np.save(folder / "x.npy", x)
    subprocess.run([dae_cl, "denoise", str(model), str(folder / "x.npy"), "-o", str(folder / "clean")], check=True,
                   capture_output=True)
    y = np.load(folder / "clean" / "x.npy")
    return y.reshape(x.shape)


def difference(dae_cl, path):
    """The largest difference between dae-cl and onnxruntime, in units of the output's range."""
    import onnxruntime

    options = path.with_suffix(".options")
    folder = path.with_suffix("")
    extra = options.read_text().split() if options.exists() else []
    done = subprocess.run([dae_cl, "import", str(path), "-o", str(folder), *extra], capture_output=True, text=True)
    assert done.returncode == 0, (path.name, done.stderr)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(3).random((3, *shape_of(session)), np.float32)
    name = session.get_inputs()[0].name
    want = np.concatenate([session.run(None, {name: np.ascontiguousarray(np.moveaxis(one, -1, 1))})[0]
                           for one in (x[i : i + 1] for i in range(3))])
    want = np.moveaxis(want.reshape(3, x.shape[-1], *x.shape[1:-1]), 1, -1)
    have = denoise(dae_cl, folder, x, folder)
    assert np.isfinite(have).all(), path.name
    return float(np.abs(have - want).max() / max(np.ptp(want), 1e-30))


def compare(dae_cl, folder):
    found = [(difference(dae_cl, path), path.stem) for path in sorted(folder.glob("*.onnx"))]
    assert found, "there are no files"
    for largest, name in found:
        assert largest <= BOUND, (name, largest)
    print(f"{len(found)} networks: largest difference {max(found)[0]:.2g} of the range, {max(found)[1]}")


if __name__ == "__main__":
    if sys.argv[1] == "graphs":
        write_graphs(Path(sys.argv[2]))
    elif sys.argv[1] == "peers":
        write_peers(Path(sys.argv[2]))
    else:
        compare(sys.argv[2], Path(sys.argv[3]))
