#!/usr/bin/env python3
"""Opens reports in headless Chromium, light and dark, 1200 and 360 pixels wide, and says what is wrong with them.

    tools/pages.py [--pictures FOLDER] [--seconds N] REPORT.html...

Wrong are: what axe-core finds (accessibility), any request, a page that is wider than the window, and a first screen
that takes longer than a second (or --seconds). --pictures also writes what each page looks like. Exit status: 0 nothing is wrong,
1 something is, 77 Chromium or axe-core is missing. axe-core comes from the Python package axe-playwright-python, of which
only axe.min.js is used: pip install --no-deps axe-playwright-python.
"""
import argparse
import base64
import importlib.util
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

SCHEMES, WIDTHS, HEIGHT = ("light", "dark"), (1200, 360), 900
PATIENCE = 60  # seconds for one answer


def missing(what):
    print(f"pages.py: skipped: {what}")
    sys.exit(77)


class Browser:
    """Chromium over the two pipes of its debugging protocol: JSON texts that end in a zero byte."""

    def __init__(self, program, folder):
        to_child, self.to = os.pipe()
        self.back, from_child = os.pipe()

        def connect():  # the protocol's files are 3 and 4; moved first, so that neither overwrites the other
            read, write = os.dup(to_child), os.dup(from_child)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self.child = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe",
             f"--user-data-dir={folder}", "about:blank"],
            preexec_fn=connect, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_child)
        os.close(from_child)
        self.left, self.n, self.session, self.events = b"", 0, None, []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def message(self):
        while b"\0" not in self.left:
            if not select.select([self.back], [], [], PATIENCE)[0]:
                raise TimeoutError(f"Chromium has not answered for {PATIENCE} s")
            some = os.read(self.back, 1 << 20)
            if not some:
                raise EOFError("Chromium has ended")
            self.left += some
        text, self.left = self.left.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **parameters):
        self.n += 1
        request = {"id": self.n, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.to, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.n:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message())

    def value(self, expression):
        result = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"].get("description", expression[:80]))
        return result["result"].get("value")

    def end(self):
        self.child.kill()
        self.child.wait()


def open_page(browser, url, scheme, width):
    """Returns the requests besides the page itself, and the seconds until its first screen was there."""
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=HEIGHT, deviceScaleFactor=1, mobile=False)
    browser.ask("Page.navigate", url="about:blank")
    browser.wait("Page.loadEventFired")
    browser.events.clear()
    start = time.monotonic()
    browser.ask("Page.navigate", url=url)
    browser.wait("Page.loadEventFired")
    browser.value("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    seconds = time.monotonic() - start
    asked = [event["params"]["request"]["url"] for event in browser.events
             if event.get("method") == "Network.requestWillBeSent"]
    return [one for one in asked if one != url and not one.startswith("data:")], seconds


def faults(browser, axe, url, scheme, width, limit):
    requests, seconds = open_page(browser, url, scheme, width)
    found = [f"asks for {one[:200]}" for one in requests]
    if not seconds <= limit:
        found.append(f"the first screen takes {seconds:.2f} s")
    wide = browser.value("document.documentElement.scrollWidth")
    if wide > width:
        found.append(f"the page is {wide} pixels wide")
    browser.value(axe + "\n;0")
    result = browser.value("axe.run(document, {resultTypes: ['violations']}).then(r => ({n: r.passes.length, "
                           "violations: r.violations.map(v => [v.id, v.help, v.nodes.map(n => n.html)])}))")
    if result["n"] == 0:
        found.append("axe checked nothing")
    for rule, words, nodes in result["violations"]:
        found.append(f"axe {rule}: {words}: {len(nodes)} times, first {nodes[0][:160]}")
    return found, seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures")
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("reports", nargs="+")
    arguments = parser.parse_args()
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    package = importlib.util.find_spec("axe_playwright_python")
    if not program:
        missing("there is no chromium (Debian: apt install chromium)")
    if not package:
        missing("there is no axe-core (pip install --no-deps axe-playwright-python)")
    axe = (pathlib.Path(package.origin).parent / "axe.min.js").read_text()
    wrong = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(program, folder)
        try:
            for domain in ("Page", "Network", "Runtime"):
                browser.ask(domain + ".enable")
            for path in map(pathlib.Path, arguments.reports):
                for scheme in SCHEMES:
                    for width in WIDTHS:
                        found, seconds = faults(browser, axe, path.resolve().as_uri(), scheme, width,
                                                arguments.seconds)
                        wrong += len(found)
                        print(f"{path} {scheme} {width}: {seconds:.2f} s, {path.stat().st_size} bytes, "
                              f"{len(found)} faults", *found, sep="\n    ", flush=True)
                        if arguments.pictures:
                            picture = browser.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]
                            name = f"{path.resolve().parent.name}_{path.stem}_{scheme}_{width}.png"
                            pathlib.Path(arguments.pictures, name).write_bytes(base64.b64decode(picture))
        finally:
            browser.end()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
