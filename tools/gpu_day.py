"""gpu_day.py FOLDER: sums up what gpu_day.sh left there, as summary.json and section.md."""

import glob
import json
import os
import sys


def read(folder):
    """{task: what it printed}, and {task: why there is nothing}."""
    done, missing = {}, {}
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        name = os.path.basename(path)[:-5]
        if name != "summary":
            with open(path) as file:
                done[name] = json.load(file)
    for path in sorted(glob.glob(os.path.join(folder, "*.why"))):
        with open(path) as file:
            missing[os.path.basename(path)[:-4]] = file.read().strip()
    return done, missing


def number(value):
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def verified(done):
    names = [name for name in done if name.startswith("verify-")]
    rows = [(name[7:], str(done[name]["numbers"]), "yes" if done[name]["passed"] else "**no**") for name in names]
    return table(("config", "numbers", "all correct"), rows) if rows else []


def rates(done):
    """Of each config at a batch of 128: as it was, tuned, and PyTorch's. image_gray is the peers' "residual"."""
    rows = []
    for name in (name for name in done if name.startswith("bench-")):
        config = name[6:]
        work = "residual" if config == "image_gray" else config
        for what, key in (("train", "train_images_per_second"), ("infer", "infer_images_per_second")):
            peers = [done.get(f"torch-{work}-{what}-{mode}", {}).get("rate") for mode in ("eager", "graphs")]
            rows.append((config, what, number(done[name][key]), number(done.get(f"tuned-{config}", {}).get(key)),
                         *map(number, peers)))
    header = ("config", "what", "samples/s", "tuned", "PyTorch, eager", "PyTorch, graphs")
    return table(header, rows) if rows else []


def products(done):
    """The kernels of products that both ways have in common."""
    of = [{row["name"]: row["gflops"] for row in done.get(f"products-{way}", {}).get("kernels", [])
           if row["name"].startswith("gemm ")} for way in ("own", "clblast")]
    peak = [done.get(f"products-{way}", {}).get("gemm_gflops_peak") for way in ("own", "clblast")]
    rows = [(name[5:], number(of[0][name]), number(of[1][name])) for name in of[0] if name in of[1]]
    if all(peak):
        rows.append(("1008x1008x1008", *map(number, peak)))
    return table(("product", "own, GFLOP/s", "CLBlast, GFLOP/s"), rows) if rows else []


def section(done, missing):
    machine = done.get("machine", {})
    conformance = [name for name in done if name.startswith("conformance-")]
    lines = [f"## {machine.get('gpu') or 'A rehearsal without a GPU'}", "",
             f"Commit {machine.get('commit', '?')}, {machine.get('system', '?')}; written by tools/gpu_day.sh.", ""]
    lines += verified(done) + rates(done) + products(done)
    lines.append(f"Of the conformance suite, {len(conformance)} of 16 parts passed on work-groups.")
    late = [name for name, why in missing.items() if why.endswith(": no time")]
    failed = [why for name, why in missing.items() if name not in late]
    if late:
        lines += ["", "No time was left for " + ", ".join(late) + "."]
    if failed:
        lines += [""] + [f"- {why}" for why in failed]
    return "\n".join(lines) + "\n"


def main():
    folder = sys.argv[1]
    done, missing = read(folder)
    with open(os.path.join(folder, "summary.json"), "w") as file:
        json.dump({"done": done, "missing": missing}, file, indent=1)
    with open(os.path.join(folder, "section.md"), "w") as file:
        file.write(section(done, missing))


if __name__ == "__main__":
    main()
