"""What compare.py has measured, as Markdown: a section of docs/performance.md for each OpenCL platform and instruction set."""

import os
import re

DOCUMENT = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "docs", "performance.md")
# 10^6 operations of one sample's step, where a GFLOP/s says more than images/s: 2 x 3 (forward, dx, dw) x 9 taps
MFLOP = {"conv32": 2 * 3 * 9 * 1600 * 32 * 32 / 1e6, "conv64": 2 * 3 * 9 * 1600 * 64 * 64 / 1e6,
         "residual": 2 * 9 * 1600 * (3 * (5 * 32 * 32 + 32) + 2 * 32) / 1e6}
LARGE_MEMORY_GOAL = 2**30
GEMM_GOAL = (0.9, 1.1)


def number(value):
    if value is None:
        return "?"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def verdict(ratio, at_least, aim, less_is_better=False):
    if ratio is None or at_least is None:
        return ""
    if less_is_better:
        return "aim" if ratio <= aim else "yes" if ratio <= at_least else "**no**"
    return "aim" if ratio >= aim else "yes" if ratio >= at_least else "**no**"


def with_gflops(row, rate):
    if rate is None or row["work"] not in MFLOP:
        return number(rate)
    return f"{number(rate)} ({number(rate * MFLOP[row['work']] / 1e3)} GFLOP/s)"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def of_peer(row, name):
    """A peer's rate and its fastest mode; "" if this work is not its."""
    return f"{with_gflops(row, row['peers'][name])} {row['modes'][name] or ''}".strip() if name in row["peers"] else ""


BUSY = " (**too much: do not rely on these figures**)"


def to_markdown(result):
    facts = result["facts"]
    versions = facts["versions"]
    lines = [f"## {facts['platform']}, {facts['instructions']}", "",
             f"Measured {facts['date']} on {facts['machine']}; {facts['threads']} threads each; other programs took at most "
             f"{100 * facts['others']:.0f} % of these processors{'' if facts['is_quiet'] else BUSY}. dae-cl {facts['dae_cl']}; OpenCL driver {facts['driver']}, device {facts['device']}. "
             f"PyTorch {versions['PyTorch']}, JAX {versions['JAX']}, {versions['ONNX']}, NumPy {versions['OpenBLAS']}. Medians of "
             f"{facts['rounds']} turns; rates are samples per second.", ""]
    lines += table(["work", "batch", "dae-cl", "PyTorch", "JAX", "ONNX runtimes", "ratio to the best", "at least", "aim", "reached"], [
        [r["words"], str(r["batch"]), with_gflops(r, r["ours"]), *(of_peer(r, name) for name in ("PyTorch", "JAX", "ONNX")),
         number(r["ratio"]), number(r["at_least"]) if r["at_least"] else "", number(r["aim"]) if r["aim"] else "",
         verdict(r["ratio"], r["at_least"], r["aim"])] for r in result["rows"]])
    for r in result["rows"]:
        if r["work"] == "large":
            lines += ["", "The large image's row times one `dae-cl denoise` of a grey PGM, including start, reading and writing; for "
                      "the peers it times only the tiles, with the overlap that the network needs, cut from memory and written back. "
                      f"Peak memory of that `dae-cl denoise`: {mib(r['peak_rss_bytes'])}; goal at most "
                      f"{mib(LARGE_MEMORY_GOAL)} ({verdict(r['peak_rss_bytes'], LARGE_MEMORY_GOAL, LARGE_MEMORY_GOAL, True)})."]
    if result["gemm"]:
        lines += ["", "Matrix products C (M,N) = op(A) op(B), op(A) (M,K), GFLOP/s, each launch on its own against OpenBLAS. "
                  f"Every ratio must be at least {GEMM_GOAL[0]}; the aim is {GEMM_GOAL[1]}.", ""]
        lines += table(["op", "MxNxK", "dae-cl", "OpenBLAS", "ratio", "reached"], [
            [*r["item"].split(":"), number(r["ours"]), number(r["openblas"]), number(r["ratio"]),
             verdict(r["ratio"], *GEMM_GOAL)] for r in result["gemm"]])
    if result["start"]:
        lines += ["", "Seconds from the command to the first trained batch, at batch 128. Goals: 0.3 (aim 0.1) with a warm "
                  "kernel cache, 3 (aim 1.5) with a cold one. A device's first use adds the probe of its driver and the check of its numbers.", ""]
        rows = []
        for r in result["start"]:
            for state, goal in (("warm", (0.3, 0.1)), ("cold", (3, 1.5))):
                s = r[state]
                if s:
                    rows.append([f"`{r['work']}`", state, number(s["total"]), number(s["platform"]), number(s["build"]),
                                 number(s["load"]), number(s["first_step"]), verdict(s["total"], *goal, True)])
        lines += table(["work", "kernel cache", "total", "platform", "build", "load", "first step", "reached"], rows)
    if result["streaming"]:
        lines += ["", "Training at batch 128 with the data on the device, and streamed to it through two slots because they may "
                  "take only 3 MiB of its memory. The ratio must be at least 0.9.", ""]
        lines += table(["work", "resident", "streamed", "ratio", "reached"], [
            [f"`{r['work']}`", number(r["resident"]), number(r["streamed"]), number(r["ratio"]),
             verdict(r["ratio"], 0.9, 0.9)] for r in result["streaming"]])
    if result["growth"]:
        lines += ["", "Cost grows with the work: training speed at ten times the images, and operations a second at four times "
                  "the channels. A ratio of 1 is linear.", ""]
        lines += table(["work", "small", "large", "ratio"], [
            [r["words"], number(r["small"]), number(r["large"]), number(r["ratio"])] for r in result["growth"]])
    if result["memory"]:
        m = result["memory"]
        lines += ["", f"Peak memory of a process that trains `conv_mnist` at batch 128: dae-cl {mib(m['ours'])}, PyTorch "
                  f"(eager) {mib(m['pytorch'])}: {number(m['ratio'])} of it; goal at most 0.6, aim 0.35"
                  f" ({verdict(m['ratio'], 0.6, 0.35, True) or 'not known'})."]
    lines += ["", "How dae-cl's training step spends its time, by OpenCL's clock (the slowest kernels; share of the kernels' time; "
              "GFLOP/s, also as a share of the device's measured peak):", ""]
    lines += table(["work", "batch", "launches", "kernel", "ms", "share", "GFLOP/s", "of peak"], kernel_rows(result))
    return lines


def mib(value):
    return f"{value / 2**20:.0f} MiB" if value else "?"


def kernel_rows(result):
    rows = []
    for r in result["benches"]:
        peak = r["gemm_gflops_peak"]
        for i, kernel in enumerate(k for k in r["kernels"][:4] if k["share"] >= 0.02):
            known = kernel["gflops"]
            rows.append([f"`{r['work']}`" if i == 0 else "", str(r["batch"]) if i == 0 else "",
                         number(r["launches_per_step"]) if i == 0 else "", kernel["name"], number(kernel["milliseconds"]),
                         f"{100 * kernel['share']:.0f} %", number(known) if known else "",
                         f"{100 * known / peak:.0f} %" if known else ""])
    return rows


def slug_of(result):
    facts = result["facts"]
    return re.sub(r"[^a-z0-9]+", "-", f"{facts['platform']} {facts['instructions']}".lower()).strip("-")


def write_document(result):
    slug = slug_of(result)
    begin, end = f"<!-- begin {slug}: written by tools/peers/compare.py -->", f"<!-- end {slug} -->"
    section = "\n".join([begin, *to_markdown(result), end])
    text = "# Performance\n"
    if os.path.exists(DOCUMENT):
        with open(DOCUMENT, encoding="utf-8") as file:
            text = file.read()
    if begin in text and end in text:
        head, rest = text.split(begin, 1)
        text = head + section + rest.split(end, 1)[1]
    else:
        text = text.rstrip("\n") + "\n\n" + section + "\n"
    os.makedirs(os.path.dirname(DOCUMENT), exist_ok=True)
    with open(DOCUMENT + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(DOCUMENT + ".new", DOCUMENT)
