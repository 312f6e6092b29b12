#!/usr/bin/env python3
"""check.py FOLDER [TARGET...]: compiles the programs of FOLDER/programs.json, which tests/gpu/generated wrote, for GPUs that
are not here, and prints for each kernel the registers, spills, bytes of private and of local memory, the work-groups that
stay resident on a GPU of that kind, and the lanes in flight.

A figure above its limit fails, unless tests/gpu/exceptions.txt has it, with exactly this value: the list may only shrink.
So does a program that does not compile. Results are kept in FOLDER/cache by what they depend on. The environment: JOBS
compilers at once (2), PTXAS the assembler for NVIDIA's targets; without one, their programs are only translated to PTX.
"""
import concurrent.futures
import hashlib
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

CLANG = "clang-15"
LIBRARIES = pathlib.Path("/usr/lib/clc")
EXCEPTIONS = pathlib.Path(__file__).with_name("exceptions.txt")
FLAGS = ["-x", "cl", "-O3", "-Xclang", "-finclude-default-header", "-Werror", "-Wno-linker-warnings"]

# AMD's compiler may put a private array into local memory, which would hide it.
IN_PRIVATE = ["-mllvm", "-disable-promote-alloca-to-lds"]

# GPUs by their published limits (NVIDIA: CUDA C++ Programming Guide, technical specifications per compute capability; AMD:
# the LLVM AMDGPU user guide and the ISA manuals): units, and of one unit the registers, waves, groups and bytes of local
# memory; registers are given to a wave in whole grains.
GPUS = {
    "sm_75": dict(gpu="T4", units=40, wave=32, registers=65536, grain=256, waves=32, groups=16, local=64 << 10),
    "sm_80": dict(gpu="A100", units=108, wave=32, registers=65536, grain=256, waves=64, groups=32, local=164 << 10),
    "sm_90": dict(gpu="H100", units=132, wave=32, registers=65536, grain=256, waves=64, groups=32, local=228 << 10),
    "gfx900": dict(gpu="Vega 64", units=64, wave=64, registers=65536, grain=256, waves=40, groups=40, local=64 << 10),
    "gfx906": dict(gpu="MI50", units=60, wave=64, registers=65536, grain=256, waves=40, groups=40, local=64 << 10),
    "gfx1030": dict(gpu="RX 6800 XT", units=72, wave=32, registers=65536, grain=512, waves=32, groups=32, local=64 << 10),
    "spir64": None,
}
TRANSLATED = {"sm_90": "sm_80"}  # the newest of NVIDIA's that the compiler knows; ptxas assembles its PTX for both

# The most of each figure. Lanes in flight are counted on the GPU that was played, which has the units of an H100.
LIMITS = {"sm_80": dict(registers=128, spills=0, private=0), "gfx1030": dict(registers=128, spills=0, private=0)}
LEAST_LANES = 60000
IN_FLIGHT = "sm_90"


def kind_of(program):
    """What a program is to its config, by the kernels that were taken from it."""
    first = program["kernels"][0]["name"] if program["kernels"] else "unused"
    for start, kind in (("step_reduce", "optimizer"), ("step_", ""), ("gemm_finish", "finished products"), ("gemm_", "products")):
        if first.startswith(start):
            return kind
    return first.split("_")[0]


def read_programs(folder):
    document = json.loads((folder / "programs.json").read_text())
    seen = {}
    for program in document["programs"]:
        name = " ".join((program["label"] + " " + kind_of(program)).split())
        seen[name] = seen.get(name, 0) + 1
        program["name"] = name if seen[name] == 1 else f"{name} {seen[name]}"
        program["source"] = (folder / program["file"]).read_text()
    return document["programs"]


def run(command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError("\n".join((result.stderr or result.stdout).splitlines()[:20]))
    return result.stdout + result.stderr


def library(target):
    """libclc's file for a target."""
    file = LIBRARIES / ("nvptx64--nvidiacl.bc" if target.startswith("sm_") else "amdgcn--amdhsa.bc")
    if not file.exists():
        raise RuntimeError(f"{file} is missing; `bash tools/packages.sh gpu` installs it")
    return file


def command_for(target, options, source, out):
    command = [CLANG, *FLAGS, *options.split(), source, "-o", out]
    if target == "spir64":
        return [*command, "-target", "spir64", "-emit-llvm", "-c"]
    command += ["-S", "-Xclang", "-mlink-builtin-bitcode", "-Xclang", str(library(target))]
    if target.startswith("sm_"):
        translated = TRANSLATED.get(target, target)
        return [*command, "-target", "nvptx64-nvidia-nvcl", "-Xclang", "-target-cpu", "-Xclang", translated]
    return [*command, "-target", "amdgcn--amdhsa", f"-mcpu={target}", "-nogpulib", *IN_PRIVATE]


def read_ptxas(text):
    """{kernel: figures} of what `ptxas -v` says."""
    figures, name = {}, None
    for line in text.splitlines():
        if match := re.search(r"Compiling entry function '(\w+)'", line):
            name = match[1]
            figures[name] = dict(registers=0, spills=0, private=0, local=0)
        elif match := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            figures[name].update(private=int(match[1]), spills=int(match[2]))
        elif match := re.search(r"Used (\d+) registers", line):
            figures[name]["registers"] = int(match[1])
            shared = re.search(r"(\d+) bytes smem", line)
            figures[name]["local"] = int(shared[1]) if shared else 0
    return figures


def read_amdgpu(text):
    """The same of the metadata in AMD's assembly."""
    keys = {"vgpr_count": "registers", "vgpr_spill_count": "spills", "private_segment_fixed_size": "private",
            "group_segment_fixed_size": "local"}
    figures = {}
    block = text[text.index(".amdgpu_metadata"):text.index(".end_amdgpu_metadata")]
    for kernel in re.split(r"^  - ", block, flags=re.M)[1:]:
        name = re.search(r"^ *\.name: +(\w+)", kernel, re.M)
        if name:
            figures[name[1]] = {key: int(re.search(rf"^ *\.{row}: +(\d+)", kernel, re.M)[1]) for row, key in keys.items()}
    return figures


def figures_of(program, target):
    with tempfile.TemporaryDirectory() as folder:
        source, out = f"{folder}/program.cl", f"{folder}/program.s"
        pathlib.Path(source).write_text(program["source"])
        run(command_for(target, program["options"], source, out))
        if target == "spir64":
            return {}
        if not target.startswith("sm_"):
            return read_amdgpu(pathlib.Path(out).read_text())
        ptxas = os.environ.get("PTXAS")
        return read_ptxas(run([ptxas, "-v", f"-arch={target}", "-o", "/dev/null", out])) if ptxas else {}


def compile_one(cache, versions, program, target):
    """The figures of a program's kernels, or the compiler's message; and whether they were known."""
    what = [versions, program["source"], command_for(target, program["options"], "", ""), target, figures_text()]
    key = hashlib.sha256(json.dumps(what).encode()).hexdigest()
    file = cache / f"{key}.json"
    if file.exists():
        return json.loads(file.read_text())
    try:
        found = figures_of(program, target)
    except RuntimeError as error:
        return str(error)
    part = cache / f"{key}.{os.getpid()}.part"
    part.write_text(json.dumps(found))
    part.rename(file)
    return found


def figures_text():
    """What reads the figures: a change of it makes the cache useless."""
    return pathlib.Path(__file__).read_text()


def resident_groups(gpu, figures, group):
    """Work-groups of `group` lanes that stay on one unit at once."""
    waves = math.ceil(group / gpu["wave"])
    each = math.ceil(max(figures["registers"], 1) * gpu["wave"] / gpu["grain"]) * gpu["grain"]
    groups = min(gpu["groups"], gpu["waves"] // waves, gpu["registers"] // each // waves)
    return min(groups, gpu["local"] // figures["local"]) if figures["local"] else groups


def largest_launch(kernel):
    """(groups, lanes of a group) of the kernel's largest launch, or None."""
    sizes = [(math.prod(x["global"]) // math.prod(x["local"]), math.prod(x["local"])) for x in kernel["launches"]]
    return max(sizes, default=None, key=lambda size: size[0] * size[1])


def row_of(program, kernel, target, figures):
    row = dict(program=program["name"], kernel=kernel["name"], target=target, **figures)
    launch, gpu = largest_launch(kernel), GPUS[target]
    if launch:
        groups, group = launch
        row["resident"] = resident_groups(gpu, figures, group)
        row["lanes"] = min(groups, row["resident"] * gpu["units"]) * group
        on = GPUS[IN_FLIGHT]
        row["in_flight"] = min(groups, resident_groups(on, figures, group) * on["units"]) * group
    return row


def excesses(row):
    """The (figure, value) pairs of a row that are beyond their limits. The lanes of a segment, whose work grows with the
    batch, must fill the GPU; other kernels have a lane for each number that they write."""
    limits = LIMITS.get(row["target"], {})
    found = [(figure, row[figure]) for figure, most in limits.items() if row[figure] > most]
    segment = re.fullmatch(r"step_\d+", row["kernel"])
    if segment and row["target"] == "sm_80" and row.get("in_flight", LEAST_LANES) < LEAST_LANES:
        found.append(("lanes", row["in_flight"]))
    return found


def read_exceptions(targets):
    """{(program, kernel, target, figure): value} of the targets that are compiled."""
    listed = {}
    for number, line in enumerate(EXCEPTIONS.read_text().splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            parts = [part.strip() for part in line.split("|")]
            if len(parts) != 5 or not parts[4].isdigit():
                sys.exit(f"{EXCEPTIONS}:{number}: expects 'program | kernel | target | figure | value'")
            if parts[2] in targets:
                listed[tuple(parts[:4])] = int(parts[4])
    return listed


def judge(rows, listed):
    """The lines that say what is wrong."""
    found = {(row["program"], row["kernel"], row["target"], figure): value for row in rows for figure, value in excesses(row)}
    problems = []
    for key, value in sorted(found.items()):
        if key not in listed:
            problems.append(f"beyond its limit: {' | '.join(key)} | {value}")
        elif value != listed[key]:
            worse = (value < listed[key]) == (key[3] == "lanes")
            what = "worse than in the list" if worse else "better than in the list, which must be changed"
            problems.append(f"{what} ({listed[key]}): {' | '.join(key)} | {value}")
    problems += [f"within its limit now, so the list must not have it: {' | '.join(key)}" for key in sorted(listed) if key not in found]
    return problems


def print_table(rows):
    header = ["program", "kernel", "target", "registers", "spills", "private", "local", "GPU", "resident", "lanes", "in flight"]
    table = [header]
    for row in rows:
        gpu = GPUS[row["target"]]["gpu"] if "resident" in row else ""
        keys = ("registers", "spills", "private", "local")
        table.append([row["program"], row["kernel"], row["target"], *(str(row[key]) for key in keys), gpu,
                      *(str(row.get(key, "")) for key in ("resident", "lanes", "in_flight"))])
    widths = [max(len(line[i]) for line in table) for i in range(len(header))]
    for line in table:
        print("  ".join(cell.ljust(width) if i < 3 or i == 7 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))).rstrip())


def versions():
    text = run([CLANG, "--version"])
    return text + run([os.environ["PTXAS"], "--version"]) if os.environ.get("PTXAS") else text


def main():
    folder, targets = pathlib.Path(sys.argv[1]), sys.argv[2:] or list(GPUS)
    unknown = [target for target in targets if target not in GPUS]
    if unknown:
        sys.exit(f"check.py: unknown target {unknown[0]}; there are {', '.join(GPUS)}")
    programs = read_programs(folder)
    cache = folder / "cache"
    cache.mkdir(exist_ok=True)
    known = versions()
    rows, problems = [], []
    work = [(program, target) for program in programs for target in targets]
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", 2))) as pool:
        results = list(pool.map(lambda item: compile_one(cache, known, *item), work))
    for (program, target), result in zip(work, results):
        if isinstance(result, str):
            problems.append(f"{program['name']} does not compile for {target}:\n{result}")
            continue
        rows += [row_of(program, kernel, target, result[kernel["name"]]) for kernel in program["kernels"] if result]
    print_table(rows)
    measured = {row["target"] for row in rows}
    problems += judge(rows, read_exceptions(measured))
    print(f"{len(programs)} programs for {len(targets)} targets, {len(rows)} kernels measured, {len(problems)} problems")
    if not os.environ.get("PTXAS") and any(target.startswith("sm_") for target in targets):
        print("no ptxas: NVIDIA's programs were translated to PTX and not measured")
    for problem in problems:
        print(problem)
    return 1 if problems or not programs else 0


if __name__ == "__main__":
    sys.exit(main())
