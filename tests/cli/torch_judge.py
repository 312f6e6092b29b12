"""The judge of tests/cli/torch.sh: random networks over dae-cl's layers, losses and optimisers, trained by dae-cl and by PyTorch.

torch_judge.py DAE_CL COUNT [FIRST]   draws COUNT networks, from number FIRST on (0), in the current folder

PyTorch starts from dae-cl's initial weights, in their own layout. Compared are the loss of each sample, the gradient of every
weight (from a step of plain gradient descent), the weights after three steps of the drawn optimiser, and the loss of each
sample then. Differences are relative to the largest number of the tensor.
"""
import json
import math
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file

BOUND = 1e-4
SAMPLES, STEPS, GRADIENT_RATE = 6, 3, 4.0
SMALL = 0.1  # of the largest gradient of the network: what is below may be the rounding of terms that cancel
torch.set_num_threads(1)
torch.manual_seed(0)

# ---- Layers: what is written in the config, and the same in PyTorch, on tensors with the channels last. -----------------------------


def channels_first(f, x):
    return f(x.movedim(-1, 1)).movedim(1, -1)


def conv_weight(w, kernel, channels):
    """(taps * channels, filters) as PyTorch has it."""
    return w.reshape(*kernel, channels, -1).movedim(-1, 0).movedim(-1, 1)


def transposed_weight(w, kernel, channels):
    w = w.reshape(*kernel, channels, -1)
    return w.movedim(-2, 0).movedim(-1, 1)


def gru(w, x):
    """Its gates are in the order n, r, z for the input and r, z, n for the state; PyTorch's are r, z, n."""
    units = w["recurrent"].shape[0]
    n, r, z = w["input"].split(units, 1)
    bn, br, bz = w["input_bias"].split(units)
    # No state before the first step: the products with it are 0, and its bias counts.
    flat = [torch.cat([r, z, n], 1).T, w["recurrent"].T, torch.cat([br, bz, bn]), w["recurrent_bias"]]
    return torch.gru(x, x.new_zeros(1, len(x), units), flat, True, 1, 0.0, False, False, True)[0]


def attention(w, x, heads):
    n, steps, channels = x.shape
    q, k, v = [t.reshape(n, steps, heads, -1).transpose(1, 2) for t in (x @ w["input"] + w["input_bias"]).chunk(3, -1)]
    y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, steps, channels)
    return y @ w["output"] + w["output_bias"]


def blur_pool(x, kernel, stride):
    line = torch.tensor([math.comb(kernel - 1, i) / 2 ** (kernel - 1) for i in range(kernel)], dtype=x.dtype)
    weight = (line[:, None] * line).expand(x.shape[1], 1, kernel, kernel)
    return F.conv2d(F.pad(x, [kernel // 2] * 4, "reflect"), weight, stride=stride, groups=x.shape[1])


def batch_norm(w, x, training):
    return F.batch_norm(x, w["mean"], w["variance"], w["scale"], w["shift"], training, 0.1, 1e-5)


class Drawn:
    """One network: `lines` for the config, and `layers`, functions of (weights, x, training, other values)."""

    def __init__(self, number):
        self.draw = random.Random(number)
        self.lines, self.layers, self.kinds = [], [], []
        self.shape = self.draw.choice([self.image, self.signal, self.vector])()
        self.output, self.input = list(self.shape), list(self.shape)
        if len(self.shape) == 2:  # a file of two axes after the first has images
            self.input = [math.prod(self.shape)]
            self.add(f"reshape: {{shape: {self.output}}}", lambda w, x, t: x.reshape(len(x), *self.output), self.output)
        for _ in range(self.draw.randint(2, 5)):
            self.add(*self.pick())
        self.losses = self.pick_losses()
        self.finish()
        self.optimizer = self.draw.choice(sorted(OPTIMIZERS))

    def image(self):
        return [self.draw.randint(11, 14), self.draw.randint(11, 14), self.draw.randint(1, 3)]

    def signal(self):
        return [self.draw.randint(9, 24), self.draw.randint(1, 4)]

    def vector(self):
        return [self.draw.randint(3, 40)]

    def add(self, text, function, shape):
        name = f"n{len(self.lines)}"
        kind = text.split(":")[0].strip("{ ")
        self.lines.append(f"{{{text if ':' in text else text + ': {}'}, name: {name}}}")
        self.layers.append((name, function))
        self.kinds.append(kind)
        self.shape = list(shape)

    def pick(self):
        options = self.pointwise() + self.normal() + [self.of_vector, self.of_signal, self.of_image][len(self.shape) - 1]() * 3
        return self.draw.choice(options)

    def pointwise(self):
        s, slope = self.shape, round(self.draw.uniform(0.05, 0.5), 2)
        plain = {"relu": F.relu, "gelu": F.gelu, "silu": F.silu, "softplus": F.softplus, "tanh": torch.tanh, "sigmoid": torch.sigmoid}
        options = [(name, lambda w, x, t, f=f: f(x), s) for name, f in plain.items()]
        options += [(f"elu: {{alpha: {slope}}}", lambda w, x, t: F.elu(x, slope), s),
                    (f"leaky_relu: {{slope: {slope}}}", lambda w, x, t: F.leaky_relu(x, slope), s),
                    ("prelu", lambda w, x, t: channels_first(lambda x: F.prelu(x, w["slope"]), x), s),
                    (f"scale: {{start: {slope}}}", lambda w, x, t: x * w["factor"], s)]
        return options

    def normal(self):
        s, c = self.shape, self.shape[-1]
        options = [("softmax", lambda w, x, t: F.softmax(x, -1), s),
                   ("layernorm", lambda w, x, t: F.layer_norm(x, [c], w["scale"], w["shift"]), s)] if c > 2 else []
        if c % 2 == 0:
            options.append(("gate", lambda w, x, t: x[..., :c // 2] * x[..., c // 2:], s[:-1] + [c // 2]))
        if len(s) > 1:
            groups = self.draw.choice([g for g in range(1, c + 1) if c % g == 0])
            options.append((f"groupnorm: {{groups: {groups}}}",
                            lambda w, x, t: channels_first(lambda x: F.group_norm(x, groups, w["scale"], w["shift"]), x), s))
        return options

    def of_vector(self):
        units = self.draw.randint(2, 40)
        return [(f"dense: {{units: {units}}}", lambda w, x, t: x @ w["weight"] + w["bias"], [units])]

    def of_signal(self):
        (steps, c), d = self.shape, self.draw
        f, k, stride, pad, dilation = d.randint(1, 18), d.randint(1, 5), d.randint(1, 3), d.randint(0, 3), d.randint(1, 2)
        mode = d.choice(["zeros", "reflect", "replicate"])
        options = [("gru: {units: %d}" % f, lambda w, x, t: gru(w, x), [steps, f]),
                   ("upsample1d: {factor: %d}" % stride, lambda w, x, t: x.repeat_interleave(stride, 1), [steps * stride, c])]
        heads = d.choice([h for h in range(1, c + 1) if c % h == 0])
        options.append((f"attention: {{heads: {heads}}}", lambda w, x, t: attention(w, x, heads), self.shape))
        out = (steps + 2 * pad - dilation * (k - 1) - 1) // stride + 1
        if out > 0 and pad < steps:
            options.append((f"conv1d: {{filters: {f}, kernel: {k}, stride: {stride}, pad: {pad}, dilation: {dilation}, padding_mode: {mode}}}",
                            lambda w, x, t: channels_first(lambda x: F.conv1d(
                                F.pad(x, [pad, pad], "constant" if mode == "zeros" else mode), conv_weight(w["weight"], [k], c), w["bias"],
                                stride, 0, dilation), x), [out, f]))
        cut = min(pad, (k - 1) // 2)
        options.append((f"conv1d_transpose: {{filters: {f}, kernel: {k}, stride: {stride}, pad: {cut}}}",
                        lambda w, x, t: channels_first(lambda x: F.conv_transpose1d(
                            x, transposed_weight(w["weight"], [k], c), w["bias"], stride, cut), x), [(steps - 1) * stride + k - 2 * cut, f]))
        if steps >= k:
            options.append((f"maxpool1d: {{kernel: {k}, stride: {stride}}}",
                            lambda w, x, t: channels_first(lambda x: F.max_pool1d(x, k, stride), x), [(steps - k) // stride + 1, c]))
        return options

    def of_image(self):
        (h, v, c), d = self.shape, self.draw
        f, k, stride, pad, dilation = d.randint(1, 18), d.randint(1, 4), d.randint(1, 2), d.randint(0, 2), d.randint(1, 2)
        mode, groups = d.choice(["zeros", "reflect", "replicate"]), d.choice([g for g in range(1, c + 1) if c % g == 0])
        options = [("upsample2d: {factor: 2}", lambda w, x, t: x.repeat_interleave(2, 1).repeat_interleave(2, 2), [2 * h, 2 * v, c])] \
            if h * v < 200 else []
        options += [("global_avgpool2d", lambda w, x, t: x.mean((1, 2)).reshape(len(x), 1, 1, c), [1, 1, c])] * (d.random() < 0.1)
        options.append(("batchnorm2d", lambda w, x, t: channels_first(lambda x: batch_norm(w, x, t), x), self.shape))
        outs = [(n + 2 * pad - dilation * (k - 1) - 1) // stride + 1 for n in (h, v)]
        if min(outs) > 0 and pad < min(h, v):
            text = (f"conv2d: {{filters: {f * groups}, kernel: {k}, stride: {stride}, pad: {pad}, dilation: {dilation}, padding_mode: {mode}, "
                    f"groups: {groups}}}")
            options += [(text, lambda w, x, t: channels_first(lambda x: F.conv2d(
                F.pad(x, [pad] * 4, "constant" if mode == "zeros" else mode), conv_weight(w["weight"], [k, k], c // groups), w["bias"], stride,
                0, dilation, groups), x), [*outs, f * groups])] * 3
        cut = min(pad, (k - 1) // 2)
        options.append((f"conv_transpose2d: {{filters: {f}, kernel: {k}, stride: {stride}, pad: {cut}}}",
                        lambda w, x, t: channels_first(lambda x: F.conv_transpose2d(
                            x, transposed_weight(w["weight"], [k, k], c), w["bias"], stride, cut), x),
                        [(n - 1) * stride + k - 2 * cut for n in (h, v)] + [f]))
        if min(h, v) >= k:
            pooled = [(n - k) // stride + 1 for n in (h, v)] + [c]
            options += [(f"{name}: {{kernel: {k}, stride: {stride}}}", lambda w, x, t, g=g: channels_first(lambda x: g(x, k, stride), x), pooled)
                        for name, g in (("maxpool2d", F.max_pool2d), ("avgpool2d", F.avg_pool2d))]
        if min(h, v) > 3:
            options.append((f"blur_pool: {{kernel: 5, stride: {stride}}}",
                            lambda w, x, t: channels_first(lambda x: blur_pool(x, 5, stride), x),
                            [(h - 1) // stride + 1, (v - 1) // stride + 1, c]))
        if c % 4 == 0:
            options.append(("pixel_shuffle: {factor: 2, order: crd}",
                            lambda w, x, t: channels_first(lambda x: F.pixel_shuffle(x, 2), x), [2 * h, 2 * v, c // 4]))
        return options

    def pick_losses(self):
        names = [n for n in sorted(LOSSES) if n != "ssim" or len(self.input) == 3]
        if len(self.output) == 2 or self.output[-1] < 2:
            names.remove("cross_entropy")
        chosen = self.draw.sample(names, self.draw.choice([1, 1, 2, 3]))
        return [(name, round(self.draw.uniform(0.1, 2), 2) if len(chosen) > 1 else 1) for name in chosen]

    def finish(self):
        """Brings the output to the input's shape, and into the losses' range."""
        if len(self.shape) > 1:
            n = math.prod(self.shape)
            self.add("flatten", lambda w, x, t: x.reshape(len(x), -1), [n])
        shape, n = self.output, math.prod(self.output)
        self.add(f"dense: {{units: {n}}}", lambda w, x, t: x @ w["weight"] + w["bias"], [n])
        self.add(f"reshape: {{shape: {shape}}}", lambda w, x, t: x.reshape(len(x), *shape), shape)
        chosen = {name for name, _ in self.losses}
        if "cross_entropy" in chosen:
            self.add("softmax", lambda w, x, t: F.softmax(x, -1), shape)
        elif chosen & {"bce", "ssim"}:
            self.add("sigmoid", lambda w, x, t: torch.sigmoid(x), shape)

    def forward(self, weights, x, training):
        for name, function in self.layers:
            own = {key.split(".")[1]: value for key, value in weights.items() if key.split(".")[0] == name}
            x = function(own, x, training)
        return x

    def loss(self, y, t):
        """(samples), per number of the output."""
        return sum(weight * LOSSES[name](y, t.reshape(y.shape)) for name, weight in self.losses)

    def data(self):
        x = np.random.default_rng(self.draw.randint(0, 2 ** 31)).random((SAMPLES, *self.input), np.float32)
        return x / x.sum(-1, keepdims=True) if "cross_entropy" in {name for name, _ in self.losses} else x

    def config(self, optimizer, steps):
        losses = ", ".join(f"{{{name}: {{weight: {weight}}}}}" if len(self.losses) > 1 else name for name, weight in self.losses)
        lines = "".join(f"    - {line}\n" for line in self.lines)
        return (f"name: net\ndata: {{source: npy, train: x.npy, test: x.npy}}\nmodel:\n  input: {self.input}\n  layers:\n{lines}"
                f"train: {{loss: [{losses}], optimizer: {optimizer}, batch: {SAMPLES}, epochs: {steps}}}\ncompare: []\n")


# ---- Losses, of each sample. -------------------------------------------------------------------------------------------------------


def each(f):
    return lambda y, t: f(y, t).flatten(1).mean(1)


def ssim(y, t):
    """Wang et al. 2004 in windows of 11x11 with Gaussian weights, mixed with the absolute error."""
    y, t = y.movedim(-1, 1), t.movedim(-1, 1)
    line = torch.exp(-(torch.arange(11, dtype=y.dtype) - 5) ** 2 / (2 * 1.5 ** 2))
    line = line / line.sum()
    weight = (line[:, None] * line).expand(y.shape[1], 1, 11, 11)

    def mean(x):
        return F.conv2d(x, weight, groups=x.shape[1])

    my, mt = mean(y), mean(t)
    vy, vt, vyt = mean(y * y) - my ** 2, mean(t * t) - mt ** 2, mean(y * t) - my * mt
    s = (2 * my * mt + 1e-4) * (2 * vyt + 9e-4) / ((my ** 2 + mt ** 2 + 1e-4) * (vy + vt + 9e-4))
    return 0.84 * (1 - s).flatten(1).mean(1) + 0.16 * (y - t).abs().flatten(1).mean(1)


LOSSES = {
    "mse": each(lambda y, t: (y - t) ** 2),
    "l1": each(lambda y, t: (y - t).abs()),
    "huber": each(lambda y, t: F.huber_loss(y, t, reduction="none")),
    "charbonnier": each(lambda y, t: torch.sqrt((y - t) ** 2 + 1e-6)),
    "bce": each(lambda y, t: F.binary_cross_entropy(y, t, reduction="none")),
    "cross_entropy": each(lambda y, t: -t * torch.log(y)),
    "multinomial": each(lambda y, t: -t * F.log_softmax(y, -1)),
    "ssim": ssim,
}

# ---- Optimisers. With a large epsilon, steps do not hang on the sign of gradients that are all rounding. ---------------------------------


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, which PyTorch lacks."""

    def __init__(self, params, lr, weight_decay):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(torch.sign(0.9 * m + 0.1 * p.grad), alpha=-group["lr"])
                m.mul_(0.99).add_(p.grad, alpha=0.01)


OPTIMIZERS = {
    "adam: {lr: LR, epsilon: 1e-3}": lambda p: torch.optim.Adam(p, 0.01, eps=1e-3),
    "adamw: {lr: LR, epsilon: 1e-3, weight_decay: 0.1}": lambda p: torch.optim.AdamW(p, 0.01, eps=1e-3, weight_decay=0.1),
    "rmsprop: {lr: LR, decay: 0.9, epsilon: 1e-2}": lambda p: torch.optim.RMSprop(p, 0.01, alpha=0.9, eps=1e-2),
    "sgd: {lr: LR, momentum: 0.9}": lambda p: torch.optim.SGD(p, 0.01, momentum=0.9),
    "sgd: {lr: LR, momentum: 0.9, nesterov: true}": lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True),
    "lion: {lr: LR, weight_decay: 0.1}": lambda p: Lion(p, 0.01, 0.1),
}
STATISTICS = ("mean", "variance")


def is_statistic(name, weights):
    return name.split(".")[1] in STATISTICS and name.split(".")[0] + ".variance" in weights

# ---- Judging. ----------------------------------------------------------------------------------------------------------------------


def train(dae_cl, net, optimizer, steps):
    """Weights and each sample's loss after the last step; the loss of one sample per number."""
    Path("net.yaml").write_text(net.config(f"{{{optimizer}}}", steps))
    shutil.rmtree("run", ignore_errors=True)
    done = subprocess.run([dae_cl, "run", "net.yaml", "--out", "run", "--set", "seed=3"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"exit status {done.returncode}: {done.stderr[-600:]}\n{Path('net.yaml').read_text()}")
    weights = {k: torch.from_numpy(v.copy()) for k, v in load_file("run/model.safetensors").items()}
    return weights, json.loads(Path("run/run.json").read_text())["validation_losses"]


def relative(have, want, least=0.0):
    """The largest difference, relative to the largest number."""
    have, want = torch.as_tensor(have), torch.as_tensor(want)
    size = max(float(want.abs().max()), least)
    worst = float((have - want).abs().max())
    return (worst / size if size > 0 else worst) if math.isfinite(worst) else math.inf


def judge(dae_cl, number):
    net = Drawn(number)
    data = net.data()
    np.save("x.npy", data)
    found = {}
    x = torch.from_numpy(data).double()
    start, losses = train(dae_cl, net, "sgd: {lr: 0, momentum: 0}", 1)
    moved, _ = train(dae_cl, net, f"sgd: {{lr: {GRADIENT_RATE}, momentum: 0}}", 1)
    signs = net.optimizer.startswith("lion")  # whose steps hang on the sign of the smallest gradient: one step
    steps = 1 if signs else STEPS
    ours, after = train(dae_cl, net, net.optimizer.replace("LR", "0.01"), steps)

    # The first step leaves the weights as they are; a normalisation's running mean has seen the batch once.
    names = [k for k in start if not is_statistic(k, start)]
    weights = {k: v.double().requires_grad_(k in names) for k, v in start.items()}
    for k in weights:
        if k not in names:
            weights[k] = (torch.ones_like if k.endswith("variance") else torch.zeros_like)(weights[k])
    optimizer = OPTIMIZERS[net.optimizer]([weights[k] for k in names])
    first = None
    for step in range(steps):
        optimizer.zero_grad(set_to_none=False)
        net.loss(net.forward(weights, x, True), x).mean().backward()
        if step == 0:
            first = {k: weights[k].grad.clone() for k in names}
            with torch.no_grad():
                seen = {k: v.clone() for k, v in weights.items()}
                found["value"] = relative(losses[0], net.loss(net.forward(seen, x, False), x).mean())
        optimizer.step()
    # A gradient that rounding alone makes (a bias before a normalisation) has no direction.
    largest = max(float(g.abs().max()) for g in first.values())
    found["gradient"] = found["update"] = 0.0
    for k in names:
        rounding = 8 * 2.0 ** -24 * float(start[k].abs().max()) / GRADIENT_RATE / BOUND
        gradient = (start[k].double() - moved[k].double()) / GRADIENT_RATE
        found["gradient"] = max(found["gradient"], relative(gradient, first[k], max(rounding, SMALL * largest)))
        sure = first[k].abs() > (SMALL * largest if signs else -1)
        if sure.any():
            found["update"] = max(found["update"], relative(ours[k].double()[sure], weights[k].detach()[sure]))
    for k in weights:
        if k not in names:
            found["statistic"] = max(found.get("statistic", 0), relative(ours[k], weights[k]))
    if not signs:
        with torch.no_grad():
            found["trained"] = relative(after[-1], net.loss(net.forward(weights, x, False), x).mean())
    return net, found


def main(dae_cl, count, first=0):
    worst, kinds, bad = {}, {}, 0
    for number in range(first, first + count):
        net, found = judge(dae_cl, number)
        for kind in set(net.kinds) | {name for name, _ in net.losses} | {net.optimizer.split(":")[0]}:
            kinds[kind] = kinds.get(kind, 0) + 1
        for what, value in found.items():
            worst[what] = max(worst.get(what, 0), value)
        wrong = {what: value for what, value in found.items() if not value <= BOUND}
        if wrong:
            bad += 1
            print(f"network {number}: " + ", ".join(f"{what} differs by {value:.1e}" for what, value in wrong.items()))
            print(net.config("{" + net.optimizer.replace("LR", "0.01") + "}", STEPS), flush=True)
    print(f"{count} networks, {bad} of them beyond {BOUND:g}; largest differences: "
          + ", ".join(f"{what} {value:.1e}" for what, value in worst.items()))
    print("drawn: " + ", ".join(f"{kind} {n}" for kind, n in sorted(kinds.items())))
    sys.exit(bad > 0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
