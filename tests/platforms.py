#!/usr/bin/env python3
"""Runs the conformance suite, all kernels, the tests of products, randomness and training, and both MNIST configs for one
epoch on every OpenCL implementation here. Each task is a process of its own with a time limit, so that a driver that
crashes or hangs is reported and the rest goes on. docs/platforms.md says how to read the result.

    tests/platforms.py [NAME...]       in the checkout; BUILD names the build folder, JOBS how many run at once; TESTED=pocl
                                       omits the programs that `make test` has just run on it

NAME: pocl, intel, oclgrind, rusticl, or the path of an .icd file; these must be usable and pass. Without names: pocl,
intel and oclgrind must, and rusticl and every other .icd file of /etc/OpenCL/vendors are tried where they can be had. Of
rusticl's driver less is expected: its cases are counted, and what did not pass is named with the reason; of dae-cl on it, a
clear end. Writes $BUILD/platforms/summary.json.
"""
import concurrent.futures
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

BUILD = os.environ.get("BUILD", "build")
OUT = os.path.abspath(os.path.join(BUILD, "platforms"))
EXAMPLES = os.path.join(OUT, "sdk", "plugins")
VENDORS = "/etc/OpenCL/vendors"
OCLGRIND = "/usr/lib/oclgrind/liboclgrind-rt-icd.so"
CONFIGS = ["conv_mnist", "fc_mnist"]
# rusticl's compiler takes minutes for most kernels, and does not finish those with wide vectors. So a few small cases run,
# for half a minute each, on work-groups of the 32 work-items that its kernels accept (tests/device/lowered.c reports this for
# the device); and dae-cl's behaviour is tested with such a driver, and with Clover, which is in the same package and has no
# device.
RUSTICL_CASES = ["mse grid", "bce grid", "sgd grid", "adam grid", "adamw grid", "flatten grid", "add grid", "sgd wide"]
OWN_TASKS = ["devices", "doctor", "clover"]
CLOVER = """set -o pipefail; "$0" devices 2>&1 | tee >(cat >&2) |
    awk '/mesa.icd is not used: platform .Clover. has no device/ { a = 1 } /^without --platform, device: .*Portable/ { b = 1 }
         END { exit !(a && b) }'"""
MSE_TOLERANCE = 0.02  # between platforms, from the same seed


class Unusable(Exception):
    pass


def icd_folder(name, library):
    """A folder whose one .icd file names the library: the loader sees nothing else."""
    folder = os.path.join(OUT, name, "vendors")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name + ".icd"), "w") as file:
        file.write(library + "\n")
    return {"OCL_ICD_VENDORS": folder}


def clover_beside_pocl():
    """A folder with Clover's .icd file, which tools/rusticl.sh has written, and PoCL's."""
    folder = os.path.join(OUT, "rusticl", "clover", "beside")
    os.makedirs(folder, exist_ok=True)
    for path in [os.path.join(OUT, "rusticl", "clover", "vendors", "mesa.icd"), os.path.join(VENDORS, "pocl.icd")]:
        shutil.copy(path, folder)
    return folder


def lower_groups(environment, size):
    """The variables by which a device says that its work-groups are of that size at most, beside what is preloaded."""
    library = os.path.join(OUT, "lowered.so")
    subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-shared", "-fPIC", "-o", library, "tests/device/lowered.c", "-ldl"],
                   check=True)
    return {"LD_PRELOAD": "%s %s" % (environment["LD_PRELOAD"], library), "LOWERED_GROUP": str(size)}


def library_of(path):
    if not os.path.isfile(path):
        raise Unusable("%s is missing" % path)
    with open(path) as file:
        return file.read().strip()


def enter(name):
    """What a platform needs in the environment; Unusable with the reason where it is not installed."""
    if name == "pocl":
        return icd_folder(name, library_of(os.path.join(VENDORS, "pocl.icd")))
    if name in ("intel", "rusticl"):
        script = "tools/%s.sh" % name
        done = subprocess.run(["bash", script, os.path.join(OUT, name)], capture_output=True, text=True)
        if done.returncode:
            raise Unusable((done.stderr.strip() or script + " failed").splitlines()[-1])
        return dict(word.split("=", 1) for word in done.stdout.split()[1:])
    if name == "oclgrind":
        if not os.path.exists(OCLGRIND):
            raise Unusable("%s is missing" % OCLGRIND)
        return {"OCL_ICD_VENDORS": OCLGRIND}
    return icd_folder(label(name), library_of(name))


def label(name):
    return os.path.basename(name).removesuffix(".icd")


def run(command, environment, limit, log):
    """Runs a child; (verdict, reason, seconds of processors). Its whole process group goes with it."""
    with open(log, "w") as file:
        child = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT,
                                 stdin=subprocess.DEVNULL, start_new_session=True)
    stopped = threading.Event()

    def stop():
        stopped.set()
        with contextlib.suppress(ProcessLookupError): # it has just ended
            os.killpg(child.pid, signal.SIGKILL)

    timer = threading.Timer(limit, stop)
    timer.start()
    _, status, usage = os.wait4(child.pid, 0) # not child.wait: that does not say what the child used
    timer.cancel()
    code = child.returncode = os.waitstatus_to_exitcode(status)
    busy = usage.ru_utime + usage.ru_stime
    if stopped.is_set():
        return "stopped", "did not end within %d s" % limit, busy
    if code < 0:
        return "crashed", "killed by %s" % signal.Signals(-code).name, busy
    if code == 0:
        return "passed", "", busy
    with open(log, errors="replace") as file:
        said = [line.strip() for line in file if re.search(r"error|failed", line, re.I)]
    refused = said and code in (3, 7) or any("dae-cl: error: " in line or "clBuildProgram failed" in line for line in said)
    return "refused" if refused else "failed", "exit status %d: %s" % (code, said[0] if said else "no word why"), busy


def describe(name, environment):
    """The device that the tests will take, from `dae-cl devices --json` in a child."""
    log = os.path.join(OUT, name, "devices.json")
    verdict, reason, _ = run([BUILD + "/dae-cl", "devices", "--json"], environment, 60, log)
    try:
        with open(log) as file:
            text = file.read()
        devices = json.loads(text[text.index("{"):text.rindex("}") + 1])["devices"]
    except (ValueError, KeyError):
        devices = []
    usable = [device for device in devices if device["usable"]]
    if not usable:
        raise Unusable(devices[0]["reason"] if devices else reason if verdict != "failed" else "it has no device")
    return usable[0]


def tasks_of(name, environment, every_shape):
    """(task, command, extra environment, time limit) of a platform, the longest first."""
    conformance = BUILD + "/tests/graph/test_conformance"
    if name == "oclgrind":
        return [("simulated", ["bash", "tests/oclgrind.sh", conformance], {}, 3000)]
    if name == "rusticl":
        cli = BUILD + "/dae-cl"
        lowered = lower_groups(environment, 32)
        return [("doctor", [cli, "doctor"], {}, 150),
                ("clover", ["bash", "-c", CLOVER, cli], {"OCL_ICD_VENDORS": clover_beside_pocl()}, 60),
                ("devices", [cli, "devices"], {}, 60),
                ("verify fc_mnist", [cli, "verify", "configs/fc_mnist.yaml", "--platform", "rusticl"], {}, 30),
                ("run small", [cli, "run", "tests/cli/small.yaml", "--platform", "rusticl", "--out",
                               os.path.join(OUT, name, "run")], {}, 30)] + [
            (case, [conformance], dict(lowered, DAE_CL_CASES=case.split()[0], DAE_CL_SHAPE=case.split()[1],
                                       DAE_CL_REDUCED="1"), 30) for case in RUSTICL_CASES]
    runs = [(config, [BUILD + "/dae-cl", "run", "configs/%s.yaml" % config, "--set", "train.epochs=1", "--set", "compare=[]",
                      "--out", os.path.join(OUT, name, config)], {}, 1200) for config in CONFIGS]
    if name in os.environ.get("TESTED", "").split():
        return runs
    # PoCL compiles three times as slowly as Intel's runtime. Without names, it runs each case on one of the two shapes.
    shapes = ["grid", "wide"] if every_shape else [None]
    return [(" ".join(["conformance", shape or ""]).strip(), [conformance], {"DAE_CL_SHAPE": shape} if shape else {}, 4000)
            for shape in shapes] + runs + [
        ("examples", [conformance, EXAMPLES], {"DAE_CL_SHAPE": "both"}, 1200),
        ("gemm", [BUILD + "/tests/device/test_gemm"], {}, 1200),
        ("kernels", [BUILD + "/tests/kernels/test_kernels"], {}, 1200),
        ("training", [BUILD + "/tests/train/test_trainer"], {}, 1200),
        ("philox", [BUILD + "/tests/device/test_philox"], {}, 600)]


def sum_of(pattern, text):
    return sum(int(number) for number in re.findall(pattern, text))


def perform(platform, task, command, extra, limit):
    log = os.path.join(OUT, platform["name"], task.replace(" ", "_") + ".log")
    started = time.monotonic()
    verdict, reason, busy = run(command, dict(platform["environment"], **extra), limit, log)
    with open(log, errors="replace") as file:
        text = file.read()
    result = {"task": task, "verdict": verdict, "reason": reason, "seconds": round(time.monotonic() - started),
              "processor_seconds": round(busy),
              "comparisons": sum_of(r"(\d+) comparisons of", text),
              "tests": sum_of(r"\[  PASSED  \] (\d+) test", text)}
    if task in CONFIGS and verdict == "passed":
        with open(os.path.join(OUT, platform["name"], task, "run.json")) as file:
            record = json.load(file)
        result["test_mse"] = record["test"]["model"]["mse"]
        result["data"] = record["data"]
    print("%-8s %-9s %-17s %4d s, %4d s of processors%s" % (verdict, platform["name"], task, result["seconds"],
          result["processor_seconds"], "  " + reason if reason else ""), flush=True)
    result["strict"] = platform["strict"] or task in OWN_TASKS
    if verdict != "passed" and result["strict"]:
        print("\n".join("    " + line for line in text.splitlines()[-15:]), flush=True)
    platform["tasks"].append(result)


def open_platform(name, needed):
    platform = {"name": label(name), "needed": needed, "strict": label(name) != "rusticl", "tasks": []}
    os.makedirs(os.path.join(OUT, platform["name"]), exist_ok=True)
    try:
        environment = dict(os.environ, DAE_CL_PLUGINS=BUILD + "/plugins",
                           DAE_CL_CACHE_DIR=os.path.join(OUT, "cache"))
        for word in ("DAE_CL_PLATFORM", "DAE_CL_KERNELS", "MAKEFLAGS", "MAKELEVEL"):
            environment.pop(word, None)
        environment.setdefault("POCL_CACHE_DIR", os.path.abspath(BUILD + "/pocl-cache"))
        os.makedirs(environment["POCL_CACHE_DIR"], exist_ok=True)
        environment.update(enter(name))
        platform["environment"] = environment
        platform["device"] = describe(platform["name"], environment)
    except Unusable as reason:
        platform["unusable"] = str(reason)
        print("%-8s %-9s %s" % ("missing" if needed else "skipped", platform["name"], reason))
    return platform


def agreement(platforms):
    """All devices at once in one process: noise, dropping and order agree."""
    environment = dict(platforms[0]["environment"])
    folder = os.path.join(OUT, "together")
    os.makedirs(folder, exist_ok=True)
    for path in glob.glob(folder + "/*.icd"):
        os.unlink(path)
    libraries = []
    for platform in platforms:
        for path in glob.glob(platform["environment"]["OCL_ICD_VENDORS"] + "/*.icd"):
            with open(path) as file, open(os.path.join(folder, os.path.basename(path)), "w") as copy:
                copy.write(file.read())
        libraries.append(platform["environment"].get("LD_LIBRARY_PATH", ""))
    environment.update(OCL_ICD_VENDORS=folder, LD_LIBRARY_PATH=":".join(filter(None, libraries)))
    together = {"name": "together", "strict": True, "environment": environment, "tasks": []}
    perform(together, "agreement", [BUILD + "/tests/graph/test_agreement"], {}, 600)
    return together["tasks"]


def compare_errors(platforms):
    """The test errors of each config, against the first platform's."""
    rows = []
    for config in CONFIGS:
        mse = [(p["name"], t["test_mse"]) for p in platforms for t in p["tasks"] if t["task"] == config and "test_mse" in t]
        for name, value in mse[1:]:
            difference = abs(value / mse[0][1] - 1)
            rows.append({"config": config, "platforms": [mse[0][0], name], "difference": difference,
                         "verdict": "passed" if difference <= MSE_TOLERANCE else "failed"})
            print("%-8s %s: test MSE %.6g on %s, %.6g on %s, %.2g %% apart" %
                  (rows[-1]["verdict"], config, mse[0][1], mse[0][0], value, name, 100 * difference))
    return rows


def main():
    subprocess.run(["bash", "tests/sdk.sh", os.path.dirname(EXAMPLES)], check=True)
    names = sys.argv[1:]
    needed = names or ["pocl", "intel", "oclgrind"]
    known = ["pocl.icd", "mesa.icd", "rusticl.icd"]
    others = [] if names else ["rusticl"] + [path for path in sorted(glob.glob(VENDORS + "/*.icd"))
                                             if os.path.basename(path) not in known]
    platforms = [open_platform(name, name in needed) for name in needed + others]
    usable = [platform for platform in platforms if "unusable" not in platform]
    real = [platform for platform in usable if platform["name"] not in ("oclgrind", "rusticl")]
    work = [(platform, *task) for platform in usable
            for task in tasks_of(platform["name"], platform["environment"], names or platform["name"] != "pocl")]
    # Long tasks first, so that none is left alone at the end.
    work.sort(key=lambda item: -item[4])
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", os.cpu_count()))) as pool:
        for future in [pool.submit(perform, *item) for item in work]:
            future.result()
    summary = {"platforms": platforms, "agreement": agreement(real) if real else [], "test_mse": compare_errors(real)}
    failed = sum(platform["needed"] for platform in platforms if "unusable" in platform)
    failed += sum(task["verdict"] != "passed" and task["strict"] for platform in usable for task in platform["tasks"])
    failed += sum(row["verdict"] != "passed" for row in summary["agreement"] + summary["test_mse"])
    for platform in platforms:
        platform.pop("environment", None)
    with open(os.path.join(OUT, "summary.json"), "w") as file:
        json.dump(summary, file, indent=1)
        file.write("\n")
    comparisons = sum(task["comparisons"] for platform in real for task in platform["tasks"])
    tests = sum(task["tests"] for platform in usable for task in platform["tasks"])
    print("%d comparisons with references on %d real platforms, %d tests, %d failed" % (comparisons, len(real), tests, failed))
    return failed > 0 or not usable


if __name__ == "__main__":
    sys.exit(main())
