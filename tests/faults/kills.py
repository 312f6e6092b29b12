#!/usr/bin/env python3
"""Kills or stops dae-cl at random moments, continues, and compares the bytes.

    tests/faults/kills.py [--stops] [--kills N | --minutes M] [--seed S] [--jobs J]

A training is killed up to three times, each time continued with --resume from what is there, and then runs to its end; a
study, too. The model, the numbers of run.json and of the study must be those of an undisturbed run, and nothing else may lie
in the folder or in the folder of temporary files. Of denoise and impute each result is whole or absent after the kill, and
the next run writes all of them.

With --stops it is SIGINT, SIGTERM, SIGHUP, SIGUSR1 or SIGUSR2. Then the command must also end by itself, with 128 and the
signal's number as its status and a line that says so, without temporary files; the longest that this took is printed. A
signal that comes before the program listens, while nothing is written yet, may end it at once; under nohup SIGHUP ends
nothing. Ends with a table and with
status 1 if anything was wrong.
"""
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import stage

COMMANDS = ["run", "resume", "run", "resume", "study", "denoise", "rows", "impute"]  # training twice as often
TRAINING = {"run", "resume", "study"}
# The log keeps what a killed run reported, and the report shows how the run was split.
NARRATIVE = ("log.jsonl", "report.html", ".report/0-run", ".report/9-run")


STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2]


class End:
    """How a command ended that was to end before its time."""

    def __init__(self, sent, status, err, seconds):
        self.sent, self.status, self.err, self.seconds = sent, status, err, seconds  # sent: None if it was over before


def ended(folder, arguments, seconds, number):
    """Runs dae-cl and sends it a signal after so long; SIGKILL reaches its children, too."""
    with subprocess.Popen([stage.DAE_CL] + arguments, cwd=folder, env=stage.environment(folder), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
                          start_new_session=True) as child:
        try:
            _, err = child.communicate(timeout=seconds)
            return End(None, child.returncode, err, 0)
        except subprocess.TimeoutExpired:
            pass
        if number == signal.SIGKILL:
            os.killpg(child.pid, number)
        else:
            child.send_signal(number)
        begin = time.monotonic()
        try:
            _, err = child.communicate(timeout=stage.LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            return End(number, None, child.communicate()[1], stage.LIMIT)
        return End(number, child.returncode, err, time.monotonic() - begin)


def fault_of_stop(end, folder, changed):
    """What is wrong with how a stopped command ended, or None. changed: whether it had begun to write."""
    if end.sent in (None, signal.SIGKILL) or end.status == 0:  # over before the signal, or all done when it came
        return None
    if end.status == -end.sent:
        return "it died of %s after it had begun to write" % end.sent.name if changed else None
    if end.status is None:
        return "it does not end after %s" % end.sent.name
    if end.status != 128 + end.sent:
        return "status %s after %s: %s" % (end.status, end.sent.name, end.err.strip()[-400:])
    if "stopped" not in end.err:
        return "no word about %s: %s" % (end.sent.name, end.err.strip()[-400:])
    left = os.listdir(os.path.join(folder, "tmp"))
    return "temporary files are left by %s: %s" % (end.sent.name, ", ".join(left)) if left else None


def continuation(folder, arguments):
    """The command that goes on from what the kill has left: --force while there is no checkpoint."""
    out = os.path.join(folder, arguments[arguments.index("--out") + 1])
    plain = [argument for argument in arguments if argument not in ("--resume", "--force")]
    if not os.path.isdir(out):
        return plain
    found = [file for _, _, names in os.walk(out) for file in names if file == "model.safetensors"]
    return plain + ["--resume" if found else "--force"]


def fault_of(reference, found):
    """What is wrong with the files that were found, or None."""
    for name, content in found.items():
        if name not in reference.files:
            return "%s is left" % name
        difference = None if name.endswith(NARRATIVE) else reference.difference(name, content)
        if difference:
            return "%s differs: %s" % (name, difference)
    return None


def torment(ground, name, seed, signals):
    """Returns the number of kills, the seconds of the slowest end, and what went wrong, or None."""
    draw = random.Random(seed)
    command, (reference, seconds) = stage.COMMANDS[name], ground.reference[name]
    with tempfile.TemporaryDirectory(dir=ground.folder) as top:
        folder = stage.copy(ground.stage, os.path.join(top, "case"))
        arguments, kills, slowest, problem = command.arguments, 0, 0, None
        for _ in range(draw.choice([1, 1, 2, 3]) if name in TRAINING else 1):
            before = stage.files(folder, command.outputs)
            end = ended(folder, arguments, draw.uniform(0, 1.1 * seconds), draw.choice(signals))
            kills, slowest = kills + (end.sent is not None), max(slowest, end.seconds)
            changed = stage.files(folder, command.outputs) != before
            problem = problem or fault_of_stop(end, folder, changed)
            if name in TRAINING:
                arguments = continuation(folder, arguments)
            else:
                found = stage.files(folder, command.outputs)
                problem = problem or fault_of(reference, {file: found[file] for file in found if ".tmp." not in file})
        status, _, err = stage.dae_cl(folder, arguments)
        if status != 0:
            return kills, slowest, problem or "%s ends with %s: %s" % (" ".join(arguments), status, err.strip()[-400:])
        found = stage.files(folder, command.outputs)
        missing, left = reference.files.keys() - found.keys(), os.listdir(os.path.join(folder, "tmp"))
        problem = problem or fault_of(reference, found)
        problem = problem or ("missing: %s" % ", ".join(sorted(missing)) if missing else None)
        return kills, slowest, problem or ("temporary files are left: %s" % ", ".join(left) if left else None)


class Ground:
    """A folder with the stage, and each command's reference and seconds."""

    def __init__(self, folder):
        self.folder = folder
        self.stage = os.path.join(folder, "stage")
        stage.build(self.stage)
        self.reference = {name: stage.reference(self.stage, os.path.join(folder, "reference"), name)
                          for name in sorted(set(COMMANDS))}


def main():
    parser = stage.parser(__doc__)
    parser.add_argument("--stops", action="store_true", help="with the signals that ask a program to end")
    parser.add_argument("--kills", type=int, default=10**9, help="stop after this many kills")
    options = parser.parse_args()
    kills, cases, bad, slowest = 0, 0, 0, 0
    signals = STOPS if options.stops else [signal.SIGKILL]
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(folder)
        end = time.monotonic() + 60 * options.minutes

        def tasks():
            for number in itertools.count():
                if kills >= options.kills or time.monotonic() >= end:
                    return
                yield COMMANDS[number % len(COMMANDS)], options.seed * 1000003 + number

        for (name, seed), (some, seconds, problem) in stage.in_parallel(lambda task: torment(ground, *task, signals), tasks(),
                                                                        options.jobs):
            kills, cases, slowest = kills + some, cases + 1, max(slowest, seconds)
            if problem:
                bad += 1
                print("FAIL %s, seed %d: %s" % (name, seed, problem), flush=True)
    print("%d %s in %d commands that were continued or repeated; the slowest end took %.1f s" % (
        kills, "stops" if options.stops else "kills", cases, slowest))
    print("%d passed, %d failed, 0 skipped" % (cases - bad, bad))
    sys.exit(1 if bad or not kills else 0)


main()
