#!/usr/bin/env python3
"""Trains for long and looks at the memory in use.

    tests/faults/memory.py [--epochs N]

A small network is trained for N epochs (1500) of 27 steps, each with a checkpoint and a line in the log. The resident memory after
a fifth of them and at the end may differ by a quarter of a megabyte, which is less than 8 bytes a step: a page or two more of
the allocator's is no leak, anything that is kept for each step is.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

import stage

STEPS = 27
MOST = 256 * 1024


def resident(process):
    with open("/proc/%d/status" % process, encoding="ascii") as file:
        return next((1024 * int(line.split()[1]) for line in file if line.startswith("VmRSS:")), None)


def lines(path):
    try:
        with open(path, "rb") as file:
            return file.read().count(b"\n")
    except FileNotFoundError:
        return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=1500)
    epochs = parser.parse_args().epochs
    seen = {}
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "tmp"))
        stage.write(folder, "images.yaml", (stage.IMAGES % epochs).replace("train: 64", "train: %d" % (16 * STEPS)))
        with subprocess.Popen([stage.DAE_CL, "run", "images.yaml", "--out", "out", "--set", "compare=[]"], cwd=folder,
                              env=stage.environment(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
            while child.poll() is None:
                epoch, now = lines(os.path.join(folder, "out", "log.jsonl")), resident(child.pid)
                if now is not None and epoch < epochs:
                    seen[epoch] = now
                time.sleep(0.05)
    early = [seen[epoch] for epoch in seen if epochs / 5 <= epoch < epochs / 4]
    late = [seen[epoch] for epoch in seen if epoch >= epochs * 19 / 20]
    if child.returncode != 0 or not early or not late:
        sys.exit("the training ended with status %s, and was seen %d times" % (child.returncode, len(seen)))
    growth, steps = max(late) - max(early), 0.75 * epochs * STEPS
    print("%d steps, %d checkpoints: %.1f MB after a fifth, %.1f MB at the end, %.1f bytes a step" % (
        epochs * STEPS, epochs, max(early) / 1e6, max(late) / 1e6, growth / steps))
    sys.exit(1 if growth > MOST else 0)


main()
