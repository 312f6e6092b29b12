"""The networks of dae-cl in PyTorch. Modes: "eager"; "fused" (Adam in one kernel); "channels_last" (fused, and images
laid out as dae-cl has them); "compiled" and "compiled_channels_last" (corruption, forward and loss by torch.compile);
"graphs" (compiled, and on a GPU replayed as CUDA graphs). PEER_DEVICE=cuda measures a GPU.
"""

import os
from functools import lru_cache

import torch
from torch import nn

from worker import DENSE, LARGE, ONE_LAYER, REACH, RESIDUAL, SEQUENCES, SHAPE, SIGMA, samples_of, serve, tile_places

torch.set_num_threads(int(os.environ.get("PEER_THREADS", "2")))
torch.set_default_device(os.environ.get("PEER_DEVICE", "cpu"))
torch.manual_seed(0)
torch._dynamo.config.recompile_limit = 256


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        layers = []
        for i in range(len(RESIDUAL) - 1):
            layers += [nn.Conv2d(RESIDUAL[i], RESIDUAL[i + 1], 3, padding=1), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x):
        return x + self.layers(x)


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.layer = nn.MultiheadAttention(channels, 4, batch_first=True)

    def forward(self, x):
        return self.layer(x, x, x, need_weights=False)[0]


class Recurrent(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.layer = nn.GRU(channels, channels, batch_first=True)

    def forward(self, x):
        return self.layer(x)[0]


def network_of(work):
    if work == "conv_mnist":
        return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                             nn.ConvTranspose2d(16, 1, 2, stride=2), nn.Sigmoid())
    if work == "fc_mnist":
        layers = []
        for i in range(len(DENSE) - 1):
            layers += [nn.Linear(DENSE[i], DENSE[i + 1]), nn.ReLU()]
        return nn.Sequential(*layers[:-1], nn.Sigmoid())
    if work == "residual":
        return Residual()
    channels = SHAPE[work][-1]
    if work == "attention64":
        return Attention(channels)
    if work == "gru64":
        return Recurrent(channels)
    if work == "conv1d64":
        return nn.Conv1d(channels, channels, 9, padding=4)
    if work.startswith("conv3d"):
        return nn.Conv3d(channels, channels, 3, padding=1)
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels if work.startswith("depthwise") else 1)


def layout_of(work):
    return torch.channels_last_3d if work.startswith("conv3d") else torch.channels_last


@lru_cache(maxsize=2)
def data_of(work, batch, channels_last):
    *sides, channels = SHAPE[work]
    data = torch.rand(samples_of(work, batch), *(SHAPE[work] if work in SEQUENCES else (channels, *sides)))
    return data.to(memory_format=layout_of(work)) if channels_last else data


class Run:
    """One network with its data, and the place in the pass over them."""

    def __init__(self, work, batch, mode):
        self.batch, self.sigma = batch, SIGMA[work]
        self.clamp = work.endswith("mnist")
        self.input_gradient = work in ONE_LAYER
        channels_last = mode.endswith("channels_last")
        self.data = data_of(work, batch, channels_last)
        self.network = network_of(work)
        if channels_last:
            self.network = self.network.to(memory_format=layout_of(work))
        self.loss = nn.BCELoss() if work == "conv_mnist" else nn.MSELoss()
        self.optimizer = torch.optim.Adam(self.network.parameters(), 1e-3, fused=None if mode == "eager" else True)
        how = {"dynamic": False, "mode": "reduce-overhead" if mode == "graphs" else "default"}
        compiled = mode.startswith("compiled") or mode == "graphs"
        self.forward_loss = torch.compile(self._forward_loss, **how) if compiled else self._forward_loss
        self.forward = torch.compile(self.network, **how) if compiled else self.network
        self.order, self.at = torch.randperm(len(self.data)), 0

    def _forward_loss(self, clean):
        noisy = clean
        if self.sigma:
            noisy = clean + self.sigma * torch.randn_like(clean)
        if self.sigma and self.clamp:
            noisy = noisy.clamp(0, 1)
        if self.input_gradient:
            noisy = noisy.detach().requires_grad_()
        return self.loss(self.network(noisy), clean)

    def train(self):
        if self.at + self.batch > len(self.data):
            self.order, self.at = torch.randperm(len(self.data)), 0
        clean = self.data[self.order[self.at:self.at + self.batch]]
        self.at += self.batch
        self.optimizer.zero_grad(set_to_none=True)
        self.forward_loss(clean).backward()
        self.optimizer.step()

    def infer(self):
        if self.at + self.batch > len(self.data):
            self.at = 0
        with torch.inference_mode():
            self.forward(self.data[self.at:self.at + self.batch])
        self.at += self.batch


class One:
    """One sample from the caller's array through the network and back."""

    def __init__(self, work, mode):
        self.run = Run(work, 1, mode)
        self.sample = self.run.data[:1].numpy().copy()

    def infer(self):
        with torch.inference_mode():
            self.run.forward(torch.from_numpy(self.sample)).numpy()


class Tiles:
    """A large image through the residual denoiser: a tile a call, cut out of it and put back without its rim."""

    def __init__(self, side, mode):
        self.image, self.result = torch.rand(1, 1, *LARGE), torch.empty(1, 1, *LARGE)
        network = Residual()
        self.layout = torch.channels_last if mode.endswith("channels_last") else torch.contiguous_format
        network = network.to(memory_format=self.layout)
        self.forward = torch.compile(network, dynamic=False) if mode.startswith("compiled") else network
        self.places, self.side, self.at = tile_places(side), side, 0

    def infer(self):
        y, x = self.places[self.at]
        self.at = (self.at + 1) % len(self.places)
        with torch.inference_mode():
            tile = self.image[:, :, y:y + self.side, x:x + self.side].contiguous(memory_format=self.layout)
            out = self.forward(tile)
            self.result[:, :, y + REACH:y + self.side - REACH, x + REACH:x + self.side - REACH] = \
                out[:, :, REACH:-REACH, REACH:-REACH]


def wait():
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def make(work, batch, what, mode):
    if work == "large":
        return Tiles(batch, mode).infer, wait
    if what == "one":
        return One(work, mode).infer, wait
    run = Run(work, batch, mode)
    return (run.train if what == "train" else run.infer), wait


if __name__ == "__main__":
    print(torch.__version__, flush=True)
    serve(make)
