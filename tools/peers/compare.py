#!/usr/bin/env python3
"""Measures dae-cl, PyTorch, JAX, onnxruntime, OpenVINO and OpenBLAS and writes the tables of docs/performance.md.

    make peers                     everything, from the checkout's root
    build/peers/bin/python tools/peers/compare.py [--quick] [--only TEXT] [--platform NAME]

Each row is measured in turns (dae-cl, PyTorch, JAX, dae-cl, ...) on the same two processors with two threads each, so
that a change in the machine's speed meets all of them. First every mode of each peer is tried; the fastest of each
takes the turns. A figure is the median of the turns, and a ratio is to the fastest peer. onnxruntime and OpenVINO run what
`dae-cl export` writes. --quick takes one short turn;
--only keeps the rows whose name contains TEXT; both do not change docs/performance.md. The tables are printed, and the
figures, those of every turn and mode among them, are kept in build/peers/*.json.

The machine must be left alone meanwhile: peers whose threads wait for each other by spinning lose a hundredfold when a
third program needs a processor. So each row waits a while for the machine to be idle, and reports what others used.
"""

import argparse
import glob
import json
import os
import platform
import queue
import shutil
import statistics
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True  # nothing may be left in tools
from document import mib, number, slug_of, to_markdown, write_document

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PEERS = os.path.join(ROOT, "build", "peers")
THREADS = 2
PATIENCE = 180  # seconds until an answer is given up
QUIET = 0.08  # share of the processors' time that others may take
QUIET_PATIENCE = 60  # seconds that a run waits for that in all

TORCH_CONV = ["eager", "fused", "channels_last", "compiled", "compiled_channels_last"]
TORCH_DENSE = ["eager", "fused", "compiled"]
JAX_MNIST = ["lax/rbg", "patches/rbg", "patches/threefry2x32", "shifts/rbg"]
JAX_CONV = ["lax/rbg", "patches/rbg", "shifts/rbg"]
JAX_DEPTHWISE = ["lax/rbg", "shifts/rbg"]
JAX_DENSE = ["lax/rbg", "lax/threefry2x32"]

# work: (config, PyTorch's modes, JAX's modes, whether our input's gradient is wanted)
WORK = {
    "conv_mnist": ("configs/conv_mnist.yaml", TORCH_CONV, JAX_MNIST, False),
    "fc_mnist": ("configs/fc_mnist.yaml", TORCH_DENSE, JAX_DENSE, False),
    "conv32": ("tools/peers/configs/conv32.yaml", TORCH_CONV, JAX_CONV, True),
    "conv64": ("tools/peers/configs/conv64.yaml", TORCH_CONV, JAX_CONV, True),
    "depthwise64": ("tools/peers/configs/depthwise64.yaml", TORCH_CONV, JAX_DEPTHWISE, True),
    "conv1d64": ("tools/peers/configs/conv1d64.yaml", TORCH_DENSE, [], True),
    "attention64": ("tools/peers/configs/attention64.yaml", TORCH_DENSE, [], True),
    "gru64": ("tools/peers/configs/gru64.yaml", TORCH_DENSE, [], True),
    "conv3d16": ("tools/peers/configs/conv3d16.yaml", TORCH_CONV, [], True),
    "residual": ("tools/peers/configs/residual.yaml", TORCH_CONV, JAX_CONV, False),
}
RUNTIMES = ["onnxruntime", "openvino"]

# Ratios that are to be reached, (at least, aim), by instruction set; None: no goal.
SIGNAL_GOALS = {"conv1d64 train": (1, 1.5), "attention64 train": (1, 1.5), "gru64 train": (1, 1.5)}
GOALS = {
    "AVX2": {"conv_mnist train": (8, 13), "conv_mnist infer": (4, 6), "fc_mnist train": (1.3, 1.6), "fc_mnist infer": (1.1, 1.4),
             "conv32 train": (1.4, 2), "conv64 train": (1.4, 2), "depthwise64 train": (1, 1.5), "conv3d16 train": (1, 1.5), **SIGNAL_GOALS, "residual train": (1.6, 2.2), "large infer": (1.3, 2),
             "conv_mnist one": (1.2, 3), "fc_mnist one": (1.2, 3)},
    "AVX-512": {"conv_mnist train": (11, 15), "conv_mnist infer": (5, 8), "fc_mnist train": (1.5, 1.8),
                "fc_mnist infer": (1.2, 1.5), "conv32 train": (1.6, 2.2), "conv64 train": (1.6, 2.2),
                "depthwise64 train": (1, 1.5), "conv3d16 train": (1, 1.5), **SIGNAL_GOALS, "residual train": (1.8, 2.4), "large infer": (1.6, 2.2), "conv_mnist one": (1.2, 3), "fc_mnist one": (1.2, 3)},
}
SUBJECTS = [
    ("conv_mnist", 64, ("train", "infer")),
    ("conv_mnist", 128, ("train", "infer")),
    ("conv_mnist", 512, ("train", "infer")),
    ("fc_mnist", 64, ("train", "infer")),
    ("fc_mnist", 128, ("train", "infer")),
    ("fc_mnist", 512, ("train", "infer")),
    ("conv32", 64, ("train",)),
    ("conv64", 64, ("train",)),
    ("depthwise64", 64, ("train",)),
    ("conv1d64", 64, ("train",)),
    ("attention64", 64, ("train",)),
    ("gru64", 64, ("train",)),
    ("conv3d16", 8, ("train",)),
    ("residual", 64, ("train",)),
]
WORDS = {
    ("conv_mnist", "train"): "`conv_mnist` training", ("conv_mnist", "infer"): "`conv_mnist` inference",
    ("fc_mnist", "train"): "`fc_mnist` training", ("fc_mnist", "infer"): "`fc_mnist` inference",
    ("conv32", "train"): "3x3 convolution 32 to 32, 40x40, forward and backward",
    ("conv64", "train"): "3x3 convolution 64 to 64, 40x40, forward and backward",
    ("depthwise64", "train"): "depthwise 3x3 convolution of 64 channels, 40x40, forward and backward",
    ("conv1d64", "train"): "convolution of signals 64 to 64, kernel 9, 128 points, forward and backward",
    ("attention64", "train"): "self-attention of 4 heads, 128 points of 64 channels, forward and backward",
    ("gru64", "train"): "gated recurrent unit, 128 points of 64 channels, forward and backward",
    ("conv3d16", "train"): "3x3x3 convolution 16 to 16, 32x32x32, forward and backward",
    ("residual", "train"): "residual denoiser of 7 layers, 40x40, training",
    ("large", "infer"): "residual denoiser, 6000x4000 pixels, inference (pixels/s)",
    ("conv_mnist", "one"): "`conv_mnist`, one sample from memory to memory",
    ("fc_mnist", "one"): "`fc_mnist`, one sample from memory to memory",
}
# An image that fits no batch: dae-cl denoise, from file to file, against PyTorch from memory to memory.
LARGE = (4000, 6000)
TILES = [256, 512, 1024]
TORCH_LARGE = ["eager", "channels_last", "compiled_channels_last"]
ONE = {"conv_mnist": [28, 28, 1], "fc_mnist": [28, 28, 1]}  # a sample's shape, as the config has it
GEMM_LAYERS = [(784, 256), (256, 128), (128, 64), (256, 784)]
GEMM_BATCHES = [1, 64, 128, 512]


def gemm_items():
    """The products of the dense layers: forward, gradient of the input, gradient of the weights."""
    for batch in GEMM_BATCHES:
        for k, n in GEMM_LAYERS:
            yield f"NN:{batch}x{n}x{k}"
            yield f"NT:{batch}x{k}x{n}"
            yield f"TN:{k}x{n}x{batch}"


def say(text):
    print(text, file=sys.stderr, flush=True)


PROGRAMS = {"PyTorch": "torch_peer.py", "JAX": "jax_peer.py", "ONNX": "onnx_peer.py", "OpenBLAS": "blas_peer.py"}


class Peer:
    """A process that answers questions; see worker.py."""

    def __init__(self, script):
        self.script, self.problem = script, None
        self.process = subprocess.Popen([os.path.join(PEERS, "bin", "python"), os.path.join(HERE, script)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, cwd=HERE)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.version = self._line() or "not available"

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())
        self.lines.put(None)

    def _line(self):
        try:
            line = self.lines.get(timeout=PATIENCE)
        except queue.Empty:
            line = None
        if line is None and not self.problem:
            self.problem = f"{self.script} stopped answering"
            say(f"  {self.problem}; its later figures are missing")
            self.close()
        return line

    def ask(self, work, batch, what, mode, seconds):
        """The answer, or None."""
        if self.problem:
            return None
        try:
            self.process.stdin.write(json.dumps({"work": work, "batch": batch, "what": what, "mode": mode,
                                                 "seconds": seconds}) + "\n")
            self.process.stdin.flush()
        except OSError:
            pass
        line = self._line()
        answer = json.loads(line) if line else {"error": "no answer"}
        if "error" in answer:
            say(f"  {self.script} {work} {batch} {what} {mode}: {answer['error'].splitlines()[0][:160]}")
            return None
        return answer

    def rate(self, *question):
        answer = self.ask(*question)
        return answer["rate"] if answer else None

    def close(self):
        self.process.kill()
        self.process.wait()


def run_json(command, extra=None):
    """What a command prints as JSON, or None with its error on our stderr."""
    try:
        done = subprocess.run(command, cwd=ROOT, env=dict(os.environ, **(extra or {})), capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        say(f"  {' '.join(command)}: no answer in {PATIENCE} s")
        return None
    if done.returncode != 0:
        say(f"  {' '.join(command)}: exit {done.returncode}: {done.stderr.strip()[-300:]}")
        return None
    try:
        return json.loads(done.stdout)
    except ValueError:
        say(f"  {' '.join(command)}: printed no JSON")
        return None


def bench(config, batch, extra=None, changes=()):
    return run_json(["build/dae-cl", "bench", config, "--json", "--batch", str(batch), "--windows", "1", *changes], extra)


def busy_share(seconds=0.3):
    """How much of our processors' time others take while we do nothing."""
    def read():
        wanted = {f"cpu{i}" for i in os.sched_getaffinity(0)}
        with open("/proc/stat", encoding="utf-8") as file:
            rows = [list(map(int, line.split()[1:9])) for line in file if line.split()[0] in wanted]
        return sum(map(sum, rows)), sum(row[3] + row[4] for row in rows)
    all_before, idle_before = read()
    time.sleep(seconds)
    all_after, idle_after = read()
    return 1 - (idle_after - idle_before) / max(1, all_after - all_before)


class Quiet:
    """Waits for other programs to leave the machine alone, and remembers the worst."""

    def __init__(self):
        self.left, self.worst = QUIET_PATIENCE, 0

    def wait(self):
        begin = time.time()
        share = busy_share()
        while share > QUIET and time.time() - begin < self.left:
            share = busy_share(1)
        self.left -= time.time() - begin
        self.worst = max(self.worst, share)
        if share > QUIET:
            say(f"  other programs take {100 * share:.0f} % of the processors: these figures will not be worth much")


def median(values):
    values = [v for v in values if v]
    return statistics.median(values) if values else None


def fastest(peer, work, batch, what, modes, seconds, tried):
    """The fastest mode of a peer, and all of them on record."""
    rates = {mode: peer.rate(work, batch, what, mode, seconds) for mode in modes}
    tried.update({f"{peer.script.split('_')[0]} {mode}": rate for mode, rate in rates.items()})
    rates = {mode: rate for mode, rate in rates.items() if rate}
    return max(rates, key=rates.get) if rates else None


def row_of(work, what, batch, ours, turns, chosen, tried, options):
    """A row of the first table: ours is a rate, turns and chosen are those of each peer by name."""
    of = {name: median(rates) for name, rates in turns.items()}
    best = max((name for name in of if of[name]), key=of.get, default=None)
    goal = GOALS[options.instructions].get(f"{work} {what}", (None, None))
    row = {"work": work, "what": what, "words": WORDS[work, what], "batch": batch, "ours": ours, "peers": of, "best": best,
           "modes": chosen, "ratio": ours / of[best] if ours and best else None, "at_least": goal[0], "aim": goal[1],
           "turns": turns, "tried": tried}
    say(f"  {row['words']}, {batch}: {number(ours)} against {number(of[best]) if best else '?'}"
        f" ({best} {chosen.get(best)}): {number(row['ratio'])}x")
    return row


def modes_of(work, what):
    """Which modes of each peer are tried."""
    _, torch, jax, _ = WORK[work]
    if what == "train":
        return {"PyTorch": torch, "JAX": jax}
    if what == "one":
        return {"PyTorch": torch, "ONNX": RUNTIMES}
    return {"PyTorch": torch, "JAX": [mode for mode in jax if mode.endswith("rbg")], "ONNX": RUNTIMES}


def choose(peers, work, batch, what, seconds):
    """The fastest mode of each peer, and the rates of all."""
    tried, chosen = {}, {}
    for name, modes in modes_of(work, what).items():
        chosen[name] = fastest(peers[name], work, batch, what, modes, seconds, tried)
    return chosen, tried


def measure_subject(work, batch, whats, peers, options, benches):
    """Rows of one network at one batch size."""
    config, _, _, input_gradient = WORK[work]
    picks = {what: choose(peers, work, batch, what, options.seconds / 2) for what in whats}
    ours = {what: [] for what in whats}
    turns = {what: {name: [] for name in picks[what][0]} for what in whats}
    for _ in range(options.rounds):
        if input_gradient:
            answer = run_json(["build/peers/rates", "1", f"{config}@{batch}"])
            ours["train"].append(answer[f"{config}@{batch}"] if answer else None)
        else:
            answer = bench(config, batch)
            benches.setdefault((work, batch), []).append(answer)
            for what in whats:
                ours[what].append(answer[f"{what}_images_per_second"] if answer else None)
        for what in whats:
            for name, mode in picks[what][0].items():
                turns[what][name].append(peers[name].rate(work, batch, what, mode, options.seconds) if mode else None)
    if input_gradient:  # for the table of kernels
        benches[work, batch] = [bench(config, batch)]
    return [row_of(work, what, batch, median(ours[what]), turns[what], *picks[what], options) for what in whats]


def measure_one(work, peers, options):
    """The row of a single sample: how often a second it goes from the caller's memory through the network and back."""
    chosen, tried = choose(peers, work, 1, "one", options.seconds / 2)
    ours, turns = [], {name: [] for name in chosen}
    for _ in range(options.rounds):
        answer = run_json(["build/latency", model_of(work), str(options.seconds), *map(str, ONE[work])])
        ours.append(answer and answer["rate"])
        for name, mode in chosen.items():
            turns[name].append(peers[name].rate(work, 1, "one", mode, options.seconds) if mode else None)
    return row_of(work, "one", 1, median(ours), turns, chosen, tried, options)


def denoise(model, image, out):
    """Seconds from start to end of dae-cl denoise, and the peak of its memory; None when it fails."""
    command = ["build/dae-cl", "denoise", model, image, "-o", out]
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    problem = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    if status != 0:
        say(f"  {' '.join(command)}: {problem.decode()[-300:]}")
        return None
    return seconds, usage.ru_maxrss * 1024


def model_of(work):
    return os.path.join(PEERS, "models", work, "model.safetensors")


def prepare_models():
    """Networks that are hardly trained, and the same as ONNX."""
    small = "data={source: digits, train: 128, test: 64}"
    patches = "data={source: dead_leaves, train: 1, test: 1, patch: 40, patches: 64, test_patches: 64}"
    for work, config, data in [("conv_mnist", WORK["conv_mnist"][0], small), ("fc_mnist", WORK["fc_mnist"][0], small),
                               ("large", "configs/image_gray.yaml", patches)]:
        run_json(["build/dae-cl", "run", config, "--json", "--force", "--out", os.path.dirname(model_of(work)), "--set",
                  "train.epochs=1", "--set", "compare=[]", "--set", data])
        onnx = os.path.join(PEERS, "models", work + ".onnx")
        done = subprocess.run(["build/dae-cl", "export", model_of(work), "--dynamic", "-o", onnx], cwd=ROOT, text=True,
                              capture_output=True, check=False)
        if done.returncode != 0:
            say(f"  no ONNX of {work}: {done.stderr.strip()[-300:]}")


def measure_large(peers, options):
    """The row of an image that goes through in tiles."""
    pixels, image = LARGE[0] * LARGE[1], os.path.join(PEERS, "models", "large.pgm")
    with open(image, "wb") as file:
        file.write(b"P5\n%d %d\n255\n" % (LARGE[1], LARGE[0]) + os.urandom(pixels))
    tried, chosen, of = {}, {}, {"PyTorch": TORCH_LARGE, "ONNX": RUNTIMES}
    for name, modes in of.items():
        rates = {f"{mode}, tiles of {side}": peers[name].rate("large", side, "infer", mode, options.seconds)
                 for side in TILES for mode in modes}
        tried.update(rates)
        rates = {mode: rate for mode, rate in rates.items() if rate}
        chosen[name] = max(rates, key=rates.get) if rates else None
    ours, memory, turns = [], [], {name: [] for name in of}
    for _ in range(options.rounds):
        answer = denoise(model_of("large"), image, os.path.join(PEERS, "models", "out"))
        ours.append(pixels / answer[0] if answer else None)
        memory += [answer[1]] if answer else []
        for name, best in chosen.items():
            mode, side = best.split(", tiles of ") if best else (None, "0")
            turns[name].append(peers[name].rate("large", int(side), "infer", mode, 6 * options.seconds) if best else None)
    row = row_of("large", "infer", 1, median(ours), turns, chosen, tried, options)
    return {**row, "peak_rss_bytes": max(memory, default=None)}


def measure_gemm(peer, options):
    items = list(gemm_items())
    ours, theirs = {i: [] for i in items}, {i: [] for i in items}
    for _ in range(options.rounds):
        for at in range(0, len(items), 12):  # turns short enough to meet the same machine
            part = items[at:at + 12]
            answer = run_json(["build/peers/rates", "1", *part]) or {}
            for item in part:
                ours[item].append(answer.get(item))
                theirs[item].append(peer.rate(item, 1, "", "", 0.05))
    rows = []
    for item in items:
        op, sizes = item.split(":")
        m, n, k = map(int, sizes.split("x"))
        mine, other = median(ours[item]), median(theirs[item])
        other = 2e-9 * m * n * k * other if other else None
        rows.append({"item": item, "ours": mine, "openblas": other, "ratio": mine / other if mine and other else None})
    return rows


def measure_start(options):
    """Seconds to the first trained batch, with an empty kernel cache and with a full one."""
    rows = []
    for work in ("conv_mnist", "fc_mnist"):
        seconds = {}
        for state in ("cold", "warm"):
            found = []
            for _ in range(1 if options.quick else 3):
                extra = {}
                if state == "cold":  # the same folder each time: drivers are probed again when their environment changes
                    cache = os.path.join(PEERS, "cold")
                    extra = {"POCL_CACHE_DIR": cache, "DAE_CL_CACHE_DIR": os.path.join(PEERS, "memos")}
                    os.makedirs(cache, mode=0o700, exist_ok=True)
                    bench(WORK[work][0], 128, extra)  # the device is known, its kernels are not
                    for program in glob.glob(os.path.join(PEERS, "memos", "program-*")):
                        os.remove(program)
                    shutil.rmtree(cache)
                    os.makedirs(cache, mode=0o700)
                answer = bench(WORK[work][0], 128, extra)
                found.append(answer["start_seconds"] if answer else None)
            found = [f for f in found if f]
            seconds[state] = sorted(found, key=lambda f: f["total"])[len(found) // 2] if found else None
        rows.append({"work": work, **seconds})
    return rows


def measure_streaming(options):
    """Training with all data on the device, and with a quarter of them at a time."""
    rows = []
    for work in ("conv_mnist", "fc_mnist"):
        turns = {"resident": [], "streamed": []}
        for _ in range(options.rounds):
            for state, changes in (("resident", ()), ("streamed", ("--set", "data.memory=3"))):
                answer = bench(WORK[work][0], 128, None, changes)
                turns[state].append(answer and answer["train_images_per_second"])
        resident, streamed = median(turns["resident"]), median(turns["streamed"])
        rows.append({"work": work, "resident": resident, "streamed": streamed,
                     "ratio": streamed / resident if streamed and resident else None})
    return rows


def measure_growth(options):
    """Training speed at ten times the images, and at four times the channels against the operations."""
    rows = []
    for work in ("conv_mnist", "fc_mnist"):
        turns = {20000: [], 200000: []}
        for _ in range(options.rounds):
            for images, rates in turns.items():
                run = run_json(["build/dae-cl", "run", WORK[work][0], "--json", "--force", "--set", "compare=[]",
                                "--set", f"data={{source: digits, train: {images}, test: 128}}",
                                "--set", f"train.epochs={400000 // images}", "--out", os.path.join(PEERS, "growth")])
                rates.append(run and run["images_per_second"])
        few, many = (median(rates) for rates in turns.values())
        rows.append({"words": f"`{work}`, 20,000 and 200,000 images", "small": few, "large": many,
                     "ratio": many / few if few and many else None})
    found = []
    for filters in (16, 64):
        changes = ("--set", f"model.layers.0.conv2d.filters={filters}")
        plan = run_json(["build/dae-cl", "check", WORK["conv_mnist"][0], "--json", *changes])
        answer = bench(WORK["conv_mnist"][0], 128, None, changes)
        flops = sum(layer["flops"] for layer in plan["layers"]) if plan else None
        found.append(1e-9 * flops * answer["train_images_per_second"] if flops and answer else None)
    rows.append({"words": "`conv_mnist`, 16 and 64 filters, GFLOP/s of its forward pass", "small": found[0],
                 "large": found[1], "ratio": found[1] / found[0] if all(found) else None})
    return rows


def measure_memory():
    """Peak memory of a process that trains conv_mnist at batch 128."""
    answer = bench(WORK["conv_mnist"][0], 128)
    peer = Peer("torch_peer.py")
    other = peer.ask("conv_mnist", 128, "train", "eager", 1)
    peer.close()
    ours, theirs = answer and answer["peak_rss_bytes"], other and other["peak_rss_bytes"]
    return {"ours": ours, "pytorch": theirs, "ratio": ours / theirs if ours and theirs else None}


def write_json(result, part):
    with open(os.path.join(PEERS, slug_of(result) + ("-part.json" if part else ".json")), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        say(f"{os.path.relpath(file.name, ROOT)} is written")


def first_line(command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else ""


def instruction_set():
    """The one that decides how wide a vector is: machines of one name differ by it."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        flags = next((line.split() for line in file if line.startswith(("flags", "Features"))), [])
    return next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("avx", "AVX"), ("sse4_2", "SSE4.2"))
                 if flag in flags), platform.machine())


def find_facts(options, peers):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())
    listing = run_json(["build/dae-cl", "devices", "--json"]) or {"devices": []}
    wanted = os.environ.get("DAE_CL_PLATFORM", "").lower()
    usable = [d for d in listing["devices"] if d["usable"]]
    named = [d for d in usable if wanted and wanted.split(":")[0] in (d["platform"] + d["vendor"] + d["name"]).lower()]
    device = (named or usable or [{"platform": "no device", "name": "none", "driver": "none"}])[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = first_line(["git", "rev-parse", "--short", "HEAD"])
    return {"date": time.strftime("%Y-%m-%d"), "others": 0, "instructions": options.instructions,
            "machine": f"{model} with {options.instructions}, {len(os.sched_getaffinity(0))} processors used, {memory:.0f} GiB, Linux "
                       f"{platform.release().split('-')[0]}",
            "dae_cl": first_line(["build/dae-cl", "--version"]).replace("dae-cl ", "") + (f" ({commit})" if commit else ""),
            "platform": device["platform"], "device": device["name"], "driver": device["driver"],
            "versions": {name: peer.version for name, peer in peers.items()}, "rounds": options.rounds, "threads": THREADS}


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short turn per row")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose name contains TEXT; no document")
    parser.add_argument("--platform", default="", metavar="NAME", help="sets DAE_CL_PLATFORM")
    options = parser.parse_args()
    options.rounds, options.seconds = (1, 0.3) if options.quick else (5, 0.5)
    options.instructions = instruction_set()
    GOALS.setdefault(options.instructions, {})
    return options


def prepare(options):
    if not os.path.exists(os.path.join(PEERS, "rates")) or not os.path.exists(os.path.join(ROOT, "build", "dae-cl")):
        sys.exit("compare.py: build/dae-cl or build/peers/rates is missing; run: make peers")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PEER_THREADS", "POCL_MAX_PTHREAD_COUNT"):
        os.environ[name] = str(THREADS)
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(PEERS, "cache", "inductor")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = os.path.join(PEERS, "cache", "jax")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.3"
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # nothing may be left in tools
    if options.platform:
        os.environ["DAE_CL_PLATFORM"] = options.platform
    if not shutil.which("c++"):
        say("no C++ compiler: torch.compile will not work")


def main():
    options = read_options()
    prepare(options)
    begin = time.time()
    prepare_models()
    peers = {name: Peer(script) for name, script in PROGRAMS.items()}
    result = {"facts": find_facts(options, peers), "rows": [], "gemm": [], "start": [], "streaming": [], "growth": [],
              "memory": None}
    benches, quiet = {}, Quiet()
    try:
        for work, batch, whats in SUBJECTS:
            if options.only in work:
                say(f"{work}, batch {batch} ({time.time() - begin:.0f} s)")
                quiet.wait()
                result["rows"] += measure_subject(work, batch, whats, peers, options, benches)
        for work in ONE:
            if options.only in f"{work} one":
                say(f"{work}, one sample ({time.time() - begin:.0f} s)")
                quiet.wait()
                result["rows"].append(measure_one(work, peers, options))
        if options.only in "large":
            say(f"a large image ({time.time() - begin:.0f} s)")
            quiet.wait()
            result["rows"].append(measure_large(peers, options))
        if options.only in "gemm":
            say(f"matrix products ({time.time() - begin:.0f} s)")
            quiet.wait()
            result["gemm"] = measure_gemm(peers["OpenBLAS"], options)
        if options.only in "start":
            say(f"start and memory ({time.time() - begin:.0f} s)")
            quiet.wait()
            result["start"] = measure_start(options)
            result["streaming"] = measure_streaming(options)
            result["growth"] = measure_growth(options)
            result["memory"] = measure_memory()
    finally:
        for peer in peers.values():
            peer.close()
    result["benches"] = [{"work": work, "batch": batch, **last} for (work, batch), all_of in benches.items()
                         for last in all_of[-1:] if last]
    result["facts"].update(seconds=time.time() - begin, others=quiet.worst, is_quiet=quiet.worst <= 2 * QUIET)
    part = bool(options.only or options.quick)
    write_json(result, part)
    if not part:
        write_document(result)
        say("docs/performance.md is written")
    say(f"done in {time.time() - begin:.0f} s")
    print("\n".join(to_markdown(result)))


if __name__ == "__main__":
    main()
