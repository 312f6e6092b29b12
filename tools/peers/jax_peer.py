"""The networks of dae-cl in JAX: the whole step is one jitted function that takes its buffers over. A mode is how
convolutions are written and which random numbers are drawn: "lax" (XLA's own), "patches" (one matrix product over all
taps side by side) or "shifts" (one product per tap, added up), then "/threefry2x32" or "/rbg".
"""

from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from worker import DENSE, ONE_LAYER, RESIDUAL, SHAPE, SIGMA, samples_of, serve


def uniform(key, shape, fan_in):
    return jax.random.uniform(key, shape, jnp.float32, -1, 1) / np.sqrt(fan_in)


def layers_of(work):
    """(weight's shape, its fan-in) of each layer; each has a bias of the last dimension."""
    if work == "conv_mnist":
        return [((3, 3, 1, 16), 9), ((2, 2, 16, 1), 4)]
    if work == "fc_mnist":
        return [((DENSE[i], DENSE[i + 1]), DENSE[i]) for i in range(len(DENSE) - 1)]
    if work.startswith("depthwise"):
        return [((3, 3, 1, SHAPE[work][-1]), 9)]
    channels = RESIDUAL if work == "residual" else [SHAPE[work][-1]] * 2
    return [((3, 3, channels[i], channels[i + 1]), 9 * channels[i]) for i in range(len(channels) - 1)]


def convolve(form, x, w, b):
    """3x3, padded by 1; x (N,H,W,C), w (3,3,C,F), or (3,3,1,C) of a depthwise one."""
    if form == "lax":
        return lax.conv_general_dilated(x, w, (1, 1), ((1, 1), (1, 1)),
                                        dimension_numbers=("NHWC", "HWIO", "NHWC"),
                                        feature_group_count=x.shape[-1] // w.shape[2]) + b
    n, h, width, c = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    views = [padded[:, i:i + h, j:j + width] for i in range(3) for j in range(3)]
    if form == "patches":
        return (jnp.concatenate(views, -1).reshape(-1, 9 * c) @ w.reshape(9 * c, -1)).reshape(n, h, width, -1) + b
    if w.shape[2] < c:
        return sum(view * w[i // 3, i % 3, 0] for i, view in enumerate(views)) + b
    return sum(view @ w[i // 3, i % 3] for i, view in enumerate(views)) + b


def forward(work, form, p, x):
    """The output before a last sigmoid, which the MNIST networks have."""
    if work == "fc_mnist":
        for i, (w, b) in enumerate(p):
            x = (jax.nn.relu(x) if i else x) @ w + b
        return x
    if work == "conv_mnist":
        (w1, b1), (w2, b2) = p
        h = jax.nn.relu(convolve(form, x, w1, b1))
        n = h.shape[0]
        if form == "lax":
            h = lax.reduce_window(h, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
            return lax.conv_transpose(h, w2, (2, 2), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")) + b2
        h = h.reshape(n, 14, 2, 14, 2, 16).max((2, 4))
        return jnp.einsum("nijc,klco->nikjlo", h, w2).reshape(n, 28, 28, 1) + b2
    h = x
    for i, (w, b) in enumerate(p):
        h = convolve(form, jax.nn.relu(h) if i else h, w, b)
    return x + h if work == "residual" else h


def loss_of(work, form, p, noisy, clean):
    z = forward(work, form, p, noisy)
    if work == "conv_mnist":  # PyTorch's BCELoss: of the sigmoid's output, logarithms cut at -100
        y = jax.nn.sigmoid(z)
        return -(clean * jnp.maximum(jnp.log(y), -100) + (1 - clean) * jnp.maximum(jnp.log1p(-y), -100)).mean()
    y = jax.nn.sigmoid(z) if work == "fc_mnist" else z
    return ((y - clean) ** 2).mean()


@partial(jax.jit, static_argnums=(0, 1, 2), donate_argnums=(3,))
def train_step(work, form, batch, state, data, order, at):
    p, m, v, t, key = state
    key, draw = jax.random.split(key)
    clean = jnp.take(data, lax.dynamic_slice(order, (at,), (batch,)), axis=0)
    noisy = clean
    if SIGMA[work]:
        noisy = clean + SIGMA[work] * jax.random.normal(draw, clean.shape)
        noisy = jnp.clip(noisy, 0, 1) if work.endswith("mnist") else noisy
    wanted = (0, 1) if work in ONE_LAYER else 0
    loss, g = jax.value_and_grad(lambda q, x: loss_of(work, form, q, x, clean), wanted)(p, noisy)
    seen = jnp.float32(0)
    if wanted != 0:  # the input's gradient must be somebody's, or XLA leaves it out
        g, dx = g
        seen = lax.optimization_barrier(dx)[0, 0, 0, 0]
    t = t + 1
    c1, c2 = 1 - 0.9 ** t, 1 - 0.999 ** t
    tree = jax.tree.map
    m = tree(lambda a, b: 0.9 * a + 0.1 * b, m, g)
    v = tree(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
    p = tree(lambda q, a, b: q - 1e-3 * (a / c1) / (jnp.sqrt(b / c2) + 1e-8), p, m, v)
    return (p, m, v, t, key), loss, seen


@partial(jax.jit, static_argnums=(0, 1, 2))
def infer_step(work, form, batch, p, data, at):
    z = forward(work, form, p, lax.dynamic_slice_in_dim(data, at, batch))
    return jax.nn.sigmoid(z) if work.endswith("mnist") else z


@lru_cache(maxsize=1)
def data_of(work, batch):
    return jax.random.uniform(jax.random.key(7), (samples_of(work, batch), *SHAPE[work]))


class Run:
    """One network with its data, and the place in the pass over them."""

    def __init__(self, work, batch, mode):
        self.work, self.batch = work, batch
        self.form, random = mode.split("/")
        self.rng = np.random.RandomState(0)
        self.n = samples_of(work, batch)
        self.data = data_of(work, batch)
        keys = jax.random.split(jax.random.key(0, impl=random), 16)
        p = [(uniform(keys[2 * i], s, f), uniform(keys[2 * i + 1], s[-1:], f))
             for i, (s, f) in enumerate(layers_of(work))]
        zeros = [jax.tree.map(jnp.zeros_like, p) for _ in range(2)]
        self.state = (p, *zeros, jnp.float32(0), keys[15])
        self.last, self.at, self.calls = None, 0, 0
        self.shuffle()

    def shuffle(self):
        self.order = jnp.asarray(self.rng.permutation(self.n).astype(np.int32))
        self.at = 0

    def step(self, train):
        if self.at + self.batch > self.n:
            self.shuffle()
        if train:
            self.state, *self.last = train_step(self.work, self.form, self.batch, self.state, self.data, self.order,
                                                self.at)
        else:
            self.last = infer_step(self.work, self.form, self.batch, self.state[0], self.data, self.at)
        self.at += self.batch
        self.calls += 1
        if self.calls % 8 == 0:  # bounds the queue
            self.wait()

    def wait(self):
        jax.block_until_ready((self.state, self.last))


def make(work, batch, what, mode):
    run = Run(work, batch, mode)
    return (lambda: run.step(what == "train")), run.wait


if __name__ == "__main__":
    print(jax.__version__, flush=True)
    serve(make)
