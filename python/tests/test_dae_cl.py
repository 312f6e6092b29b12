"""Models on NumPy arrays: shapes, kinds of numbers, memory, errors, threads, Ctrl-C."""

import logging
import os
import pickle
import signal
import threading
import time

import numpy as np
import pytest

import dae_cl

LAYERS = [{"conv2d": {"filters": 4, "kernel": 3, "pad": 1}}, "relu", {"conv2d": {"filters": 1, "kernel": 3, "pad": 1}}]
CODE = ["flatten", {"dense": {"units": 5}, "name": "five"}, {"dense": {"units": 64}}, {"reshape": {"shape": [8, 8, 1]}}]


def config(layers=LAYERS, epochs=3, **more):
    return {
        "name": "test",
        "model": {"input": [8, 8, 1], "layers": layers, **({"code": "five"} if layers is CODE else {})},
        "corruption": {"gaussian": {"sigma": 0.2}},
        "train": {"loss": "mse", "optimizer": {"adam": {"lr": 0.01}}, "batch": 16, "epochs": epochs},
        **more,
    }


def images(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


@pytest.fixture(scope="module")
def model():
    return dae_cl.train(config(), images(64, 8, 8, 1))


@pytest.fixture(scope="module")
def coder():
    return dae_cl.train(config(CODE), images(64, 8, 8, 1))


def test_history_and_callback():
    seen = []
    model = dae_cl.train(config(), images(64, 8, 8), test=images(32, 8, 8, seed=1), callback=lambda m: seen.append(m))
    assert [m["history"][-1]["epoch"] for m in seen] == [1, 2, 3]
    assert model.history == seen[-1]["history"]
    assert model.history[2]["validation_loss"] < model.history[0]["validation_loss"]
    assert dae_cl.train(config(), images(64, 8, 8), callback=lambda m: True).history[-1]["epoch"] == 1


@pytest.mark.parametrize("shape", [(8, 8), (40, 50), (40, 50, 1), (3, 40, 50), (3, 40, 50, 1), (20, 30, 3)])
def test_shapes_come_back(model, shape):
    x = images(*shape)
    y = model.denoise(x)
    assert y.shape == x.shape and y.dtype == np.float32 and np.isfinite(y).all() and not np.array_equal(x, y)


def test_layouts_need_no_copy_and_agree(model):
    x = images(20, 30, 3)
    want = model.denoise(x)
    planes = np.ascontiguousarray(x.transpose(2, 0, 1)).transpose(1, 2, 0)
    assert not planes.flags.c_contiguous and np.array_equal(model.denoise(planes), want)
    wide = np.zeros((20, 60, 3), np.float32)
    wide[:, ::2] = x
    model.denoise(wide[:, ::2], out=wide[:, ::2])
    assert np.array_equal(wide[:, ::2], want) and not wide[:, 1::2].any()
    assert np.array_equal(model.denoise(x[::-1])[::-1], model.denoise(x[::-1].copy())[::-1])
    assert np.array_equal(model.denoise(np.broadcast_to(x[0, 0], x.shape)), model.denoise(np.broadcast_to(x[0, 0], x.shape).copy()))


def test_kinds_of_numbers(model):
    x = (255 * images(20, 30)).astype(np.uint8)
    want = model.denoise(x / np.float32(255))
    clipped = want.clip(0, 1)
    assert np.abs(model.denoise(x) / 255 - clipped).max() <= 0.5 / 255 + 1e-6
    assert np.abs(model.denoise(x.astype(np.uint16) * 257) / 65535 - clipped).max() <= 0.5 / 65535 + 1e-6
    half = model.denoise((x / np.float32(255)).astype(np.float16))
    assert half.dtype == np.float16 and np.abs(half - want).max() < 5e-3
    assert np.abs(model.denoise((x / 255).tolist()) - want).max() < 1e-6
    assert model.denoise(x / 255.0).dtype == np.float32
    with pytest.raises(TypeError):
        model.denoise(x.astype(complex))


def test_dlpack(model):
    class Tensor:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **keywords):
            return self.array.__dlpack__(**keywords)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    x = images(20, 30)
    assert np.array_equal(model.denoise(Tensor(x)), model.denoise(x))


def test_codes(model, coder):
    x = images(7, 8, 8, 1)
    assert coder.encode(x).shape == (7, 5) and coder.code_shape == (5,)
    assert np.allclose(coder.encode(x[0]), coder.encode(x)[0])
    with pytest.raises(dae_cl.InputError, match="names no layer `code`"):
        model.encode(x)


def test_files_and_pickles(model, tmp_path):
    path, x = tmp_path / "model.safetensors", images(20, 30)
    model.save(path)
    want = model.denoise(x)
    for other in (dae_cl.load(path), dae_cl.load(path.read_bytes()), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other.denoise(x), want)
    assert other.history == model.history and other.info["any_size"]
    with pytest.raises(dae_cl.Error, match="missing: No such file") as caught:
        dae_cl.load(tmp_path / "missing")
    assert caught.value.status == 5


def test_errors_have_a_place():
    with pytest.raises(dae_cl.InputError, match="units") as caught:
        dae_cl.train("name: x\nmodel: {input: [4], layers: [dense: {units: no}]}\ntrain: {loss: mse, optimizer: sgd}\n")
    assert (caught.value.file, caught.value.line) == ("config", 2) and caught.value.column > 40
    with pytest.raises(dae_cl.InputError, match="in: samples of 9x9x1, but the model takes 8x8x1") as caught:
        dae_cl.train(config(CODE), images(64, 8, 8, 1)).denoise(images(9, 9))
    assert caught.value.file is None
    with pytest.raises(dae_cl.Error, match="no OpenCL device of that name") as caught:
        dae_cl.train(config(), images(64, 8, 8, 1), device="nothing")
    assert caught.value.status == 3
    with pytest.raises(ValueError):
        dae_cl.load(b"nothing")


def test_log(caplog):
    with caplog.at_level(logging.INFO, "dae_cl"):
        dae_cl.train(config(epochs=1), images(64, 8, 8, 1))
    assert any(line.startswith("device: ") for line in caplog.messages)


def test_checkpoints(tmp_path):
    data, path = images(64, 8, 8, 1), tmp_path / "checkpoint"
    want = dae_cl.train(config(epochs=4), data).denoise(data)
    dae_cl.train(config(epochs=4), data, checkpoint=path, callback=lambda m: m["history"][-1]["epoch"] == 2)
    assert np.array_equal(dae_cl.train(config(epochs=4), data, resume=path).denoise(data), want)


def test_the_gil_is_released(model):
    x, ticks, over = images(30, 200, 200), [], threading.Event()

    def tick():
        while not over.wait(0.001):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    begin = time.monotonic()
    model.denoise(x)
    end = time.monotonic()
    over.set()
    thread.join()
    assert sum(begin < t < end for t in ticks) > 3


def test_threads_take_turns(model):
    x = images(40, 50)
    want, results = model.denoise(x), []
    threads = [threading.Thread(target=lambda: results.append(model.denoise(x))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(np.array_equal(result, want) for result in results)


def test_a_callback_cancels_and_raises(model):
    with pytest.raises(dae_cl.Error) as caught:
        model.denoise(images(100, 200, 200), progress=lambda done: True)
    assert caught.value.status == 130
    with pytest.raises(ZeroDivisionError):
        model.denoise(images(100, 200, 200), progress=lambda done: 1 / 0)
    assert model.denoise(images(9, 9)).shape == (9, 9)


def test_ctrl_c():
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        dae_cl.train(config(epochs=1000000), images(4096, 8, 8, 1))
    assert time.monotonic() - begin < 30
    timer.join()


def test_devices_and_verify():
    assert any(device["usable"] for device in dae_cl.devices())
    assert dae_cl.verify(config(CODE))["passed"] is True
