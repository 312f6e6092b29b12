#!/usr/bin/env python3
"""Kills dae-cl at random moments, continues, and compares the bytes.

    tests/faults/kills.py [--kills N | --minutes M] [--seed S] [--jobs J]

A training is killed up to three times, each time continued with --resume from what is there, and then runs to its end; a
study, too. The model, the numbers of run.json and of the study must be those of an undisturbed run, and nothing else may lie
in the folder or in the folder of temporary files. Of denoise and impute each result is whole or absent after the kill, and
the next run writes all of them. Ends with a table and with status 1 if anything differed.
"""
import argparse
import concurrent.futures
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import stage

COMMANDS = ["run", "resume", "run", "resume", "study", "denoise", "rows", "impute"]  # training twice as often
TRAINING = {"run", "resume", "study"}
# What a killed run has already told stays in the log, and how it was divided shows in the report.
NARRATIVE = ("log.jsonl", "report.html", ".report/0-run", ".report/9-run")


def killed(folder, arguments, seconds):
    """Runs dae-cl and kills it and its children after so long; False if it ended before."""
    with subprocess.Popen([stage.DAE_CL] + arguments, cwd=folder, env=stage.environment(folder), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as child:
        try:
            child.wait(timeout=seconds)
            return False
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
    return True


def continuation(folder, arguments):
    """The command that goes on from what the kill has left: --force while there is no checkpoint."""
    out = os.path.join(folder, arguments[arguments.index("--out") + 1])
    plain = [argument for argument in arguments if argument not in ("--resume", "--force")]
    if not os.path.isdir(out):
        return plain
    found = [file for _, _, names in os.walk(out) for file in names if file == "model.safetensors"]
    return plain + ["--resume" if found else "--force"]


def whole(reference, folder, outputs, only_these):
    """What is wrong with the files in a folder, or None."""
    found = stage.files(folder, outputs)
    for name in found:
        if name not in reference.files:
            return "%s is left" % name
        difference = None if name.endswith(NARRATIVE) else reference.difference(name, found[name])
        if difference:
            return "%s differs: %s" % (name, difference)
    missing = reference.files.keys() - found.keys()
    if only_these and missing:
        return "%s is missing" % ", ".join(sorted(missing))
    return None


def torment(ground, name, seed):
    """Returns the number of kills and what went wrong, or None."""
    draw = random.Random(seed)
    command, reference, seconds = stage.COMMANDS[name], ground[1][name], ground[2][name]
    with tempfile.TemporaryDirectory(dir=os.path.dirname(ground[0])) as top:
        folder = stage.copy(ground[0], os.path.join(top, "case"))
        arguments, kills, problem = command.arguments, 0, None
        for _ in range(draw.choice([1, 1, 2, 3]) if name in TRAINING else 1):
            kills += killed(folder, arguments, draw.uniform(0, 1.1 * seconds))
            if name in TRAINING:
                arguments = continuation(folder, arguments)
            else:
                temporary = {file for file in stage.files(folder, command.outputs) if ".tmp." in file}
                problem = problem or whole_but(reference, folder, command.outputs, temporary)
        status, _, err = stage.dae_cl(folder, arguments)
        if status != 0:
            return kills, "%s ends with %s: %s" % (" ".join(arguments), status, err.strip()[-400:])
        problem = problem or whole(reference, folder, command.outputs, True)
        left = os.listdir(os.path.join(folder, "tmp"))
        return kills, problem or ("temporary files are left: %s" % ", ".join(left) if left else None)


def whole_but(reference, folder, outputs, temporary):
    for file in temporary:
        os.rename(os.path.join(folder, file), os.path.join(folder, "aside"))
    problem = whole(reference, folder, outputs, False)
    for file in temporary:
        os.rename(os.path.join(folder, "aside"), os.path.join(folder, file))
    return problem


def prepare(folder):
    """The stage, the reference of each command and how long it takes."""
    place = os.path.join(folder, "stage")
    stage.build(place)
    references, durations = {}, {}
    for name in set(COMMANDS):
        results = []
        for _ in range(2):
            case = stage.copy(place, os.path.join(folder, "reference"))
            start = time.monotonic()
            status, out, err = stage.dae_cl(case, stage.COMMANDS[name].arguments)
            durations[name] = time.monotonic() - start
            if status != 0:
                raise SystemExit("%s fails undisturbed: %s" % (name, err))
            results.append((out, err, stage.files(case, stage.COMMANDS[name].outputs)))
        references[name] = stage.Reference(results)
    return place, references, durations


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, help="end after so many")
    parser.add_argument("--minutes", type=float, help="end after so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    folder = tempfile.mkdtemp()
    kills, cases, bad = 0, 0, 0
    try:
        ground = prepare(folder)
        end = time.monotonic() + 60 * (options.minutes or 1e6)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            running, number = {}, 0
            while True:
                while len(running) < options.jobs and kills < (options.kills or 1e9) and time.monotonic() < end:
                    seed, name = options.seed * 1000003 + number, COMMANDS[number % len(COMMANDS)]
                    running[pool.submit(torment, ground, name, seed)] = name, seed
                    number += 1
                if not running:
                    break
                ended, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in ended:
                    name, seed = running.pop(future)
                    some, problem = future.result()
                    kills, cases = kills + some, cases + 1
                    if problem:
                        bad += 1
                        print("FAIL %s, seed %d: %s" % (name, seed, problem), flush=True)
    finally:
        shutil.rmtree(folder)
    print("%d kills in %d commands that were continued or repeated" % (kills, cases))
    print("%d passed, %d failed, 0 skipped" % (cases - bad, bad))
    sys.exit(1 if bad or not kills else 0)


main()
