"""The commands that the proving ground runs, with the files that they read: each small enough to run thousands of times."""
import argparse
import collections
import concurrent.futures
import glob
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import time

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
DAE_CL = os.path.join(BUILD, "dae-cl")
LIMIT = 60  # seconds; a command of the stage takes about one

IMAGES = """name: images
data: {source: digits, train: 64, test: 32}
corruption: {gaussian: {sigma: 0.3}}
model:
  input: [28, 28, 1]
  layers: [conv2d: {filters: 2, kernel: 3, pad: 1}, relu, conv2d: {filters: 1, kernel: 3, pad: 1}, sigmoid]
train: {loss: mse, optimizer: {adam: {lr: 0.01}}, batch: 16, epochs: %d}
"""
TABLE = """name: table
data: {source: csv, path: train.csv, returns: none, train_until: 2001-05-01}
corruption: {masking: {p: [0.05, 0.5]}}
model:
  input: [3]
  layers:
    - {dense: {units: 3}, name: guess, from: input}
    - {multiply: {}, name: gaps, from: [mask, guess]}
    - {add: {}, from: [input, gaps]}
    - dense: {units: 3}
train: {loss: {mse: {unmasked_weight: 0}}, optimizer: {adam: {lr: 0.01}}, batch: 16, epochs: 2}
"""

# A command: its arguments, and the files and folders that it writes.
Command = collections.namedtuple("Command", "arguments outputs")
COMMANDS = {
    "check": Command(["check", "images.yaml"], []),
    "devices": Command(["devices", "--json"], []),
    "run": Command(["run", "images.yaml", "--out", "out"], ["out"]),
    "resume": Command(["run", "long.yaml", "--out", "stopped", "--resume"], ["stopped"]),
    "table": Command(["run", "table.yaml", "--out", "out"], ["out"]),
    "study": Command(["study", "noise_levels", "images.yaml", "--out", "out"], ["out"]),
    "denoise": Command(["denoise", "images.safetensors", "a.pgm", "b.pgm", "-o", "out"], ["out"]),
    "rows": Command(["denoise", "table.safetensors", "whole.csv", "-o", "out"], ["out"]),
    "impute": Command(["impute", "table.safetensors", "holes.csv", "-o", "out.csv"], ["out.csv", "out.uncertainty.csv"]),
    "export": Command(["export", "images.safetensors", "-o", "out.onnx"], ["out.onnx"]),
    "import": Command(["import", "images.onnx", "-o", "out"], ["out"]),
    "verify": Command(["verify", "images.yaml"], []),
}


def environment(folder, **more):
    """Of a command in `folder`: its temporary files and what it remembers of devices lie there."""
    own = dict(os.environ, LC_ALL="C", TMPDIR=os.path.join(folder, "tmp"), DAE_CL_CACHE_DIR=os.path.join(folder, "cache"),
               DAE_CL_PLUGINS=os.path.join(BUILD, "plugins"), DAE_CL_PLATFORM="cpu")
    own.pop("DAE_CL_KERNELS", None)
    own.update(more)
    return own


def dae_cl(folder, arguments, **more):
    """Runs dae-cl in `folder`; the status is None if it did not end in time."""
    with subprocess.Popen([DAE_CL] + arguments, cwd=folder, env=environment(folder, **more), text=True, errors="replace",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True) as child:
        try:
            out, err = child.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            out, err = child.communicate()
            return None, out, err
    return child.returncode, out, err


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def rows(first, count, holes):
    """Dates and three columns, each a mixture of two sines."""
    lines = ["date,a,b,c"]
    for i in range(first, first + count):
        cells = ["%.4f" % (10 + j + ((i * (j + 3)) % 17) / 5 - ((i * 7) % 5) / 3) for j in range(3)]
        if holes and i % 4 == 0:
            cells[i % 3] = ""
        lines.append("20%02d-%02d-%02d,%s" % (1 + i // 336, 1 + i // 28 % 12, 1 + i % 28, ",".join(cells)))
    return "\n".join(lines) + "\n"


def picture(width, height):
    pixels = " ".join(str((x * 13 + y * 29) % 256) for y in range(height) for x in range(width))
    return "P2\n%d %d\n255\n%s\n" % (width, height, pixels)


def must(result):
    if result[0] != 0:
        raise SystemExit("the stage could not be built: " + result[2])


def build(folder):
    """Writes what the commands read, trained models and a stopped run included."""
    os.makedirs(os.path.join(folder, "tmp"))
    write(folder, "images.yaml", IMAGES % 2)
    write(folder, "long.yaml", IMAGES.replace("images", "long") % 400)
    write(folder, "table.yaml", TABLE)
    write(folder, "train.csv", rows(0, 150, True))
    write(folder, "holes.csv", rows(150, 40, True))
    write(folder, "whole.csv", rows(150, 40, False))
    write(folder, "a.pgm", picture(31, 23))
    write(folder, "b.pgm", picture(40, 40))
    for name in ["images", "table"]:
        must(dae_cl(folder, ["run", name + ".yaml", "--out", "trained"]))
        shutil.copy(os.path.join(folder, "trained", "model.safetensors"), os.path.join(folder, name + ".safetensors"))
        shutil.rmtree(os.path.join(folder, "trained"))
    must(dae_cl(folder, ["export", "images.safetensors", "-o", "images.onnx"]))
    with subprocess.Popen([DAE_CL, "run", "long.yaml", "--out", "stopped"], cwd=folder, env=environment(folder),
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        while child.poll() is None and not glob.glob(os.path.join(folder, "stopped", "checkpoint", "*")):
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
    if child.returncode != 130:
        raise SystemExit("the stage's long run could not be stopped: status %s" % child.returncode)
    for command in COMMANDS.values():  # what a first use remembers of a device, each later one finds
        trial = copy(folder, folder + ".trial")
        must(dae_cl(trial, command.arguments))
        shutil.rmtree(os.path.join(folder, "cache"))
        shutil.copytree(os.path.join(trial, "cache"), os.path.join(folder, "cache"))
        shutil.rmtree(trial)


def copy(folder, to):
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to, symlinks=True)
    return to


def files(folder, names):
    """path -> bytes of all regular files."""
    found = {}
    for name in names:
        path = os.path.join(folder, name)
        inner = [os.path.join(top, file) for top, _, inside in os.walk(path) for file in inside]
        for file in inner if os.path.isdir(path) else [path] if os.path.exists(path) else []:
            with open(file, "rb") as stream:
                found[os.path.relpath(file, folder)] = stream.read()
    return found


def leaves(value, path=""):
    """(path, value) of all numbers and texts of a JSON value."""
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], path + "/" + key)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from leaves(item, "%s/%d" % (path, i))
    else:
        yield path, value


def parse(name, content):
    """What is compared: the leaves of JSON, else the bytes."""
    try:
        if name.endswith(".json"):
            return dict(leaves(json.loads(content)))
        if name.endswith(".jsonl"):
            return dict(leaves([json.loads(line) for line in content.splitlines()]))
    except ValueError:
        pass
    return content


# Of run.json: measured over the steps of one process, which a continued run shares with its predecessor; its last command
# and its end.
OF_ONE_PROCESS = {"/launches_per_step", "/host_waits_per_step", "/command", "/finished"}


class Reference:
    """What a command prints and writes when nothing fails. What two such runs do not share (times) is not compared."""

    def __init__(self, results):
        (self.out, self.err, self.files), (_, _, again) = results
        self.varying = {}
        self.blurred = set()
        for name in self.files:
            one, two = parse(name, self.files[name]), parse(name, again[name])
            if isinstance(one, dict):
                self.varying[name] = {path for path in one if one[path] != two.get(path)} | OF_ONE_PROCESS
            elif one != two or name.endswith(".html") or ".report" in name:
                self.blurred.add(name)

    def difference(self, name, content):
        """Where a file is not what it is in an undisturbed run, or None."""
        if name not in self.files:
            return "it is not there otherwise"
        mine, other = parse(name, self.files[name]), parse(name, content)
        if isinstance(mine, dict) and isinstance(other, dict):
            differing = {path for path in mine.keys() | other.keys() if mine.get(path) != other.get(path)}
            told = sorted(differing - self.varying[name])
            return ", ".join(told[:3] + ["..."] * (len(told) > 3)) or None
        if name in self.blurred:
            mine, other = blur(mine), blur(other)
        if mine == other:
            return None
        lines = zip(mine.splitlines(), other.splitlines())
        return "its bytes, %s" % next((repr(b[:100]) for a, b in lines if a != b), "its length")

    def same(self, name, content):
        return self.difference(name, content) is None


def blur(content):
    return re.sub(rb"[0-9][0-9.,:]*", b"#", content)


def reference(place, case, name, **more):
    """Runs a command of the stage at `place` twice in copies at `case`: its Reference, and the seconds that it takes."""
    results = []
    for _ in range(2):
        copy(place, case)
        start = time.monotonic()
        status, out, err = dae_cl(case, COMMANDS[name].arguments, **more)
        seconds = time.monotonic() - start
        if status != 0:
            raise SystemExit("%s fails undisturbed: %s" % (name, err))
        results.append((out, err, files(case, COMMANDS[name].outputs)))
    return Reference(results), seconds


def parser(description):
    """The options that both programs have."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=1e6, help="stop after this many minutes")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many commands run at once")
    return options


def in_parallel(work, tasks, jobs):
    """(task, work(task)) of each task as it ends, `jobs` at once; a task is taken when a worker is free."""
    tasks, running = iter(tasks), {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        while True:
            running.update((pool.submit(work, task), task) for task in itertools.islice(tasks, jobs - len(running)))
            if not running:
                return
            for future in concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
