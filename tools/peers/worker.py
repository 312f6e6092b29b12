"""What the peers share: the networks' sizes, and a loop that answers compare.py.

A peer is a process of its own. It reads one JSON object a line, {"work", "batch", "what", "mode", "seconds"}, and
answers with one: {"rate"} in samples per second, or {"error"}, and the peak of its memory. `what` is "train",
"infer" or "one" (one sample from the caller's memory and back); of the work "large", a 6000x4000 image through "residual" in tiles, "batch" is a tile's side, a unit of work
one tile, and the rate in pixels of the result per second. The first answer to a question warms up (and compiles); later ones measure at once. With 0 seconds the answer
comes after one step, without a rate.
"""

import json
import resource
import sys
import time

SAMPLES = 16384
DENSE = [784, 256, 128, 64, 128, 256, 784]
RESIDUAL = [1, 32, 32, 32, 32, 32, 32, 1]
SIGMA = {"conv_mnist": 0.3, "fc_mnist": 0.3, "residual": 25 / 255, "conv32": 0, "conv64": 0,
         "depthwise64": 0, "conv3d16": 0, "conv1d64": 0, "attention64": 0, "gru64": 0}
SHAPE = {"conv_mnist": (28, 28, 1), "fc_mnist": (784,), "residual": (40, 40, 1), "conv32": (40, 40, 32),
         "conv64": (40, 40, 64), "depthwise64": (40, 40, 64), "conv3d16": (32, 32, 32, 16),
         "conv1d64": (128, 64), "attention64": (128, 64), "gru64": (128, 64)}
SEQUENCES = ("attention64", "gru64")  # whose channels come last in PyTorch, too
ONE_LAYER = ("conv32", "conv64", "depthwise64", "conv3d16", "conv1d64", *SEQUENCES)  # whose input has a gradient as well
REACH = 7  # of seven 3x3 convolutions: tiles overlap by twice as much
LARGE = (4000, 6000)
WARM_SECONDS = 0.3


def samples_of(work, batch):
    """As many as `dae-cl bench` makes up, in whole batches."""
    length = 1
    for side in SHAPE[work]:
        length *= side
    return max(4, min(SAMPLES, (64 << 20) // length) // batch) * batch


def tile_places(side):
    """Where the tiles of the large image begin, (row, column)."""
    step = side - 2 * REACH
    return [(y, x) for y in range(0, LARGE[0] - side + 1, step) for x in range(0, LARGE[1] - side + 1, step)]


def window(enqueue, wait, seconds):
    """How often a second. `enqueue` does one unit of work, `wait` returns when all of it is done."""
    times, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        enqueue()
        times += 1
    wait()
    return times / (time.perf_counter() - start)


def serve(make):
    """make(work, batch, what, mode) returns (enqueue, wait)."""
    ready, subject = {}, None
    for line in sys.stdin:
        question = json.loads(line)
        key = tuple(question[k] for k in ("work", "batch", "what", "mode"))
        if key[:2] != subject:
            ready, subject = {}, key[:2]  # the networks of the last subject may go
        try:
            if key not in ready:
                enqueue, wait = ready[key] = make(*key)
                enqueue()
                wait()
                if question["seconds"] > 0:
                    window(enqueue, wait, WARM_SECONDS)
            enqueue, wait = ready[key]
            answer = {"rate": None}
            if question["seconds"] > 0:
                unit = (question["batch"] - 2 * REACH) ** 2 if question["work"] == "large" else question["batch"]
                answer["rate"] = window(enqueue, wait, question["seconds"]) * unit
        except Exception as problem:  # a mode that does not work here is a result too
            answer = {"error": f"{type(problem).__name__}: {problem}"[:300]}
        answer["peak_rss_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(answer), flush=True)
