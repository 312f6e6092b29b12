#!/usr/bin/env python3
"""Makes calls of dae-cl fail one by one (tests/faults/fail.c), and looks at what it does then.

    tests/faults/faults.py [--faults N | --minutes M] [--seed S] [--only COMMAND] [--jobs J]

First each command runs undisturbed and lists every place in dae-cl's code that asks for memory, files, processes, JSON,
YAML, LAPACK or OpenCL. Then, in a random order that the seed fixes, up to six calls of each place fail, each alone, and
two of them with all calls of that function after it. Without --faults or --minutes all of this runs, which takes hours.

A command must end in time, by no signal, and
- with status 0: what it wrote and printed is what it writes and prints undisturbed, or a line on stderr says what is not;
- with another status: it is a documented one other than 1 (a bug), the message on stderr says why, no temporary file is
  left, and whatever output there is is whole.
Every fault that breaks a rule is printed with the command that repeats it. Ends with a table and with status 1 if any did.
"""
import collections
import itertools
import os
import random
import re
import subprocess
import sys
import tempfile
import time

import stage

# A file of a run that grows, or that a next run replaces, may be at any stage of its life.
GROWING = re.compile(r"(^|/)(log\.jsonl|config\.yaml|\.lock|checkpoint/model\.safetensors|\.report/.*)$")
# What cleans up: when it fails, what it should have removed stays.
CLEANERS = {"unlink", "remove", "rmdir", "opendir", "scandir", "nftw", "lstat", "fstatat"}
# The second place of the kernel cache, which is kept as the first is.
KEPT = "dae-cl-%d" % os.getuid()
STATUSES = {2, 3, 4, 5, 6, 7, 8, 9, 10}

Fault = collections.namedtuple("Fault", "command function call for_good")


def compile_stand_ins(folder):
    path = os.path.join(folder, "fail.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fail.c")
    subprocess.run(["cc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-builtin", "-shared", "-fPIC", "-o",
                    path, source], check=True)
    return path


class Ground:
    """A folder with the stage, the stand-ins and each command's reference."""

    def __init__(self, folder, names):
        self.folder = folder
        self.stage = os.path.join(folder, "stage")
        self.stand_ins = compile_stand_ins(folder)
        stage.build(self.stage)
        self.reference, self.places = {}, {}
        for name in names:
            counts = os.path.join(folder, name + ".counts")
            case = os.path.join(folder, "reference")
            self.reference[name], _ = stage.reference(self.stage, case, name, LD_PRELOAD=self.stand_ins,
                                                      FAIL_COUNTS=counts)
            with open(counts, encoding="utf-8") as file:
                self.places[name] = [line.split() for line in file]

    def faults(self):
        """Every fault once: of a child and its parent the same place may be counted twice."""
        found = set()
        for name, places in self.places.items():
            for function, _, _, first, last in places:
                first, last = int(first), int(last)
                middle = (first + last) // 2
                for call in {first, first + 1, (first + middle) // 2, middle, (middle + last) // 2, last}:
                    found.add(Fault(name, function, min(call, last), False))
                for call in {first, middle}:
                    found.add(Fault(name, function, call, True))
        return sorted(found)

    def n_places(self):
        return len({(function, object_, offset) for places in self.places.values() for function, object_, offset, _, _ in
                    places})


def spoken(text):
    """Lines without numbers: times and counts differ between runs."""
    return collections.Counter(stage.blur(line.encode()) for line in re.split(r"[\r\n]+", text) if line.strip())


def examine(reference, fault, status, err, out, found, temporary):
    """What is wrong with how the command ended, or None."""
    if status is None:
        return "it hangs"
    if status < 0 or status > 128:
        return "it died of signal %d" % (-status if status < 0 else status - 128)
    more = spoken(err) - spoken(reference.err)
    if status == 0:
        if fault.command == "devices" and fault.function in ("clGetDeviceInfo", "clGetPlatformInfo"):
            return None  # what a driver does not answer is not listed
        same = found.keys() == reference.files.keys() and all(reference.same(name, found[name]) for name in found)
        if not (same and spoken(out) == spoken(reference.out)) and not more:
            return "exit status 0 and another result, without a word"
        return None
    if status not in STATUSES:
        return "exit status %d" % status
    if "error: " not in err and fault.function not in ("fprintf", "fputs", "fwrite", "fputc", "fflush"):
        return "exit status %d without a message" % status
    for name in found:
        if GROWING.search(name):
            continue
        if name not in reference.files and fault.function not in CLEANERS:
            return "%s is left" % name
        if name in reference.files and not reference.same(name, found[name]):
            return "%s is not what it should be" % name
    if temporary and fault.function not in CLEANERS:
        return "temporary files are left: %s" % ", ".join(sorted(temporary))
    return None


def call_of(fault):
    """As fail.c reads it from FAIL_CALL."""
    return "%s:%d%s" % (fault.function, fault.call, "+" if fault.for_good else "")


def provoke(ground, fault):
    """How the command ended: its status, its stderr and what is wrong, or None."""
    with tempfile.TemporaryDirectory(dir=ground.folder) as folder:
        case = stage.copy(ground.stage, os.path.join(folder, "case"))
        command = stage.COMMANDS[fault.command]
        status, out, err = stage.dae_cl(case, command.arguments, LD_PRELOAD=ground.stand_ins, FAIL_CALL=call_of(fault))
        found = stage.files(case, command.outputs)
        temporary = set(os.listdir(os.path.join(case, "tmp"))) - {KEPT}
        return status, err, examine(ground.reference[fault.command], fault, status, err, out, found, temporary)


def main():
    parser = stage.parser(__doc__)
    parser.add_argument("--faults", type=int, help="how many faults, of all that there are")
    parser.add_argument("--only", choices=stage.COMMANDS, action="append", help="of this command")
    options = parser.parse_args()
    statuses, bad = collections.Counter(), 0
    with tempfile.TemporaryDirectory() as folder:
        end = time.monotonic() + 60 * options.minutes
        ground = Ground(folder, options.only or list(stage.COMMANDS))
        every = ground.faults()
        random.Random(options.seed).shuffle(every)
        chosen = itertools.takewhile(lambda _: time.monotonic() < end, every[:options.faults])
        for fault, (status, err, problem) in stage.in_parallel(lambda f: provoke(ground, f), chosen, options.jobs):
            statuses[status] += 1
            if problem:
                bad += 1
                print("FAIL FAIL_CALL=%s %s: %s\n     %s" % (call_of(fault), fault.command, problem,
                                                           err.strip()[-400:].replace("\n", "\n     ")), flush=True)
    done = sum(statuses.values())
    print("%d places call; %d of %d faults; they ended with %s" % (
        ground.n_places(), done, len(every),
        ", ".join("%s: %d" % (status, statuses[status]) for status in sorted(statuses, key=str))))
    print("%d passed, %d failed, 0 skipped" % (done - bad, bad))
    sys.exit(1 if bad or not done else 0)


main()
