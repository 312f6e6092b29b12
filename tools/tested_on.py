#!/usr/bin/env python3
"""Writes the table "tested on" into a document, between its two markers, from what tests/platforms.py found.

    tools/tested_on.py SUMMARY DOCUMENT
"""
import json
import os
import sys

BEGIN, END = "<!-- tested-on: begin -->\n", "<!-- tested-on: end -->\n"


def conformance(platform):
    tasks = [task for task in platform["tasks"] if task["comparisons"] > 0]
    total = sum(task["comparisons"] for task in tasks)
    failed = sum(task["verdict"] != "passed" for task in tasks)
    return "%s%s" % (format(total, ","), ", not all of them passed" if failed else "")


def others(platform):
    """What is not the conformance suite: tests passed, and each task that did not pass with its reason."""
    passed = sum(task["tests"] for task in platform["tasks"])
    refused = {}
    for task in platform["tasks"]:
        if task["verdict"] != "passed":
            refused.setdefault("%s: %s" % (task["verdict"], task["reason"].replace("|", "/")), []).append(task["task"])
    return "; ".join(["%d passed" % passed] + ["%d %s" % (len(tasks), why) for why, tasks in sorted(refused.items())])


def error_of(platform, config):
    found = [task["test_mse"] for task in platform["tasks"] if task["task"] == config and "test_mse" in task]
    return "%.5f" % found[0] if found else ""


def table(summary):
    rows = ["| implementation | version | device | comparisons passed | tests | `conv_mnist` | `fc_mnist` |",
            "| --- | --- | --- | --- | --- | --- | --- |"]
    for platform in summary["platforms"]:
        if "unusable" in platform:
            continue
        device = platform["device"]
        rows.append("| %s | %s, %s | %s | %s | %s | %s | %s |" % (
            device["platform"], device["version"].split(" PoCL")[0], device["driver"], device["name"],
            conformance(platform), others(platform), error_of(platform, "conv_mnist"), error_of(platform, "fc_mnist")))
    return "\n".join(rows) + "\n"


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: %s SUMMARY DOCUMENT" % sys.argv[0])
    with open(sys.argv[1]) as file:
        summary = json.load(file)
    with open(sys.argv[2]) as file:
        text = file.read()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        sys.exit("%s has no markers %s and %s" % (sys.argv[2], BEGIN.strip(), END.strip()))
    text = text[:text.index(BEGIN) + len(BEGIN)] + table(summary) + text[text.index(END):]
    with open(sys.argv[2] + ".tmp", "w") as file:
        file.write(text)
    os.replace(sys.argv[2] + ".tmp", sys.argv[2])


if __name__ == "__main__":
    main()
