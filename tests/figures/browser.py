#!/usr/bin/env python3
"""The report in a browser without network: no request, no console message, all
figures drawn, nothing wider than the window; light, dark and on paper.

    browser.py QLAW SOURCE_ROOT [FOLDER]     FOLDER keeps the screenshots

Needs chromium; QLAW_AXE may name axe.min.js of the npm package axe-core, whose
rules are then run too.
"""
import base64
import json
import os
import re
import select
import shutil
import struct
import subprocess
import sys
import time
import zlib

sys.dont_write_bytecode = True
from page import Place, check, fail, skip


class Browser:
    """Chromium over its own pipe, one JSON text after another, zero between."""

    def __init__(self, folder):
        name = shutil.which("chromium") or shutil.which("chromium-browser") \
            or shutil.which("google-chrome")
        if not name:
            skip("chromium is not installed: the report is not looked at")
        to_read, to_write = os.pipe()
        from_read, from_write = os.pipe()

        def pipes():
            os.dup2(to_read, 103)
            os.dup2(from_write, 104)
            os.dup2(103, 3)
            os.dup2(104, 4)

        self.child = subprocess.Popen(
            [name, "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-background-networking", "--no-first-run",
             "--disable-component-update", "--disable-sync",
             "--host-resolver-rules=MAP * ~NOTFOUND",
             "--proxy-server=127.0.0.1:1", "--remote-debugging-pipe",
             "--user-data-dir=" + folder],
            preexec_fn=pipes, pass_fds=(3, 4, to_read, from_write),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(to_read)
        os.close(from_write)
        self.out, self.inp, self.buffer = to_write, from_read, b""
        self.number, self.events, self.session = 0, [], None

    def next(self, limit=60):
        end = time.monotonic() + limit
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.inp], [], [],
                                        max(0, end - time.monotonic()))
            if not ready:
                fail("the browser does not answer")
            data = os.read(self.inp, 1 << 20)
            if not data:
                fail("the browser has ended")
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.next()
            if answer.get("id") == self.number:
                if "error" in answer:
                    fail("%s: %s" % (method, answer["error"]))
                return answer["result"]
            self.events.append(answer)

    def value(self, expression):
        got = self.ask("Runtime.evaluate", expression=expression,
                       returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in got:
            fail("%s: %s" % (expression[:60], got["exceptionDetails"]))
        return got["result"].get("value")

    def wait_for(self, event):
        while True:
            for seen in self.events:
                if seen.get("method") == event:
                    return
            self.events.append(self.next())

    def close(self):
        self.child.kill()
        self.child.wait()


def start_page(browser, path):
    target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
    browser.session = browser.ask("Target.attachToTarget", targetId=target,
                                  flatten=True)["sessionId"]
    for domain in ("Page", "Network", "Log", "Runtime"):
        browser.ask(domain + ".enable")
    browser.ask("Network.emulateNetworkConditions", offline=True, latency=0,
                downloadThroughput=0, uploadThroughput=0)
    browser.events = []
    browser.ask("Page.navigate", url="file://" + path)
    browser.wait_for("Page.loadEventFired")


def nothing_was_asked_for(browser, path):
    for event in browser.events:
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            check(url.startswith("data:") or url == "file://" + path,
                  "the page asks for %s" % url[:100])
        if method == "Log.entryAdded":
            fail("the console says: %s" % params["entry"]["text"])
        if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            fail("a script ran: %s" % params)


def brightness(png):
    """The mean of all samples of an 8-bit PNG, 0 .. 255."""
    data, at, body = png[8:], 0, b""
    width = height = channels = 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(
                ">IIBB", data[at + 8:at + 18])
            check(depth == 8, "an odd PNG")
            channels = {2: 3, 6: 4}[colour]
        if kind == b"IDAT":
            body += data[at + 8:at + 8 + size]
        at += 12 + size
    raw, stride = zlib.decompress(body), width * channels
    last, total = bytearray(stride), 0
    for y in range(height):
        kind = raw[y * (stride + 1)]
        line = bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            a = line[i - channels] if i >= channels else 0
            b, c = last[i], last[i - channels] if i >= channels else 0
            if kind == 1:
                line[i] = line[i] + a & 255
            elif kind == 2:
                line[i] = line[i] + b & 255
            elif kind == 3:
                line[i] = line[i] + (a + b) // 2 & 255
            elif kind == 4:
                p = a + b - c
                pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
                near = a if pa <= pb and pa <= pc else b if pb <= pc else c
                line[i] = line[i] + near & 255
        total += sum(v for i, v in enumerate(line) if i % channels != 3)
        last = line
    return total / (width * height * 3)


def look(browser, keep, name, theme, width=1000, height=900, scroll=0):
    browser.ask("Emulation.setDeviceMetricsOverride", width=width,
                height=height, deviceScaleFactor=1, mobile=width < 500)
    browser.ask("Emulation.setEmulatedMedia", media="", features=[
        {"name": "prefers-color-scheme", "value": theme}])
    browser.value("window.scrollTo(0, %d); new Promise(r => "
                  "requestAnimationFrame(() => requestAnimationFrame(r)))"
                  ".then(() => 1)" % scroll)
    png = base64.b64decode(browser.ask("Page.captureScreenshot")["data"])
    if keep:
        with open(os.path.join(keep, name + ".png"), "wb") as f:
            f.write(png)
    return png


def figures_are_drawn(browser):
    n = browser.value("Promise.all([...document.images].map(i => i.decode()))"
                      ".then(() => document.images.length)")
    check(n >= 5, "only %s figures" % n)
    bad = browser.value("[...document.images].filter(i => !i.naturalWidth || "
                        "!i.alt).length")
    check(bad == 0, "%s figures are broken or have no text" % bad)


def fits(browser, keep):
    for width in (1000, 390):
        look(browser, keep, "width-%d" % width, "light", width)
        wide = browser.value("document.scrollingElement.scrollWidth")
        check(wide <= width, "the page is %s wide in a window of %d" % (wide,
                                                                      width))


def both_themes(browser, keep):
    at = browser.value("Math.round(document.querySelector('figure')"
                       ".getBoundingClientRect().top + scrollY)")
    # A figure fills the window, so the picture itself must change.
    light = brightness(look(browser, keep, "light", "light", 900, 420, at))
    dark = brightness(look(browser, keep, "dark", "dark", 900, 420, at))
    check(light > 200, "a light page is %.0f bright" % light)
    check(dark < 70, "a dark page is %.0f bright" % dark)


def on_paper(browser, keep):
    # Even with a dark desktop the paper is white.
    browser.ask("Emulation.setEmulatedMedia", media="print", features=[])
    shown = browser.value("getComputedStyle(document.body).backgroundColor")
    check(shown == "rgb(255, 255, 255)", "paper is %s" % shown)
    pdf = base64.b64decode(browser.ask("Page.printToPDF",
                                       printBackground=True)["data"])
    pages = len(re.findall(rb"/Type\s*/Page[^s]", pdf))
    check(3 <= pages <= 60, "%d pages on paper" % pages)
    if keep:
        with open(os.path.join(keep, "print.pdf"), "wb") as f:
            f.write(pdf)


def without_images(browser):
    """Every figure says in words what it shows."""
    n = browser.value("[...document.querySelectorAll('figure')].filter(f => "
                      "f.querySelector('figcaption').textContent.length < 30)"
                      ".length")
    check(n == 0, "%s figures do not say what they show" % n)


def tables_sort_and_filter(browser):
    """A click on a number's head puts its column in order, another turns it
    round; a word leaves the rows that hold it."""
    column = ("[...document.querySelectorAll('table')].find(t => "
              "t.rows[0].cells.length > 4 && "
              "t.rows[0].cells[3].textContent == 'seeds')")
    head = column + ".tHead.rows[0].cells[4]"
    values = ("[...%s.tBodies[0].rows].map(r => "
              "parseFloat(r.cells[4].textContent))" % column)
    browser.value(head + ".querySelector('button').click()")
    up = browser.value(values)
    check(up == sorted(up) and len(up) > 2, "not sorted: %s" % up)
    browser.value(head + ".querySelector('button').click()")
    down = browser.value(values)
    check(down == sorted(down, reverse=True), "not turned round: %s" % down)
    check(browser.value(head + ".getAttribute('aria-sort')") == "descending",
          "the order is not said")
    rows = browser.value("(() => { const i = document.querySelector("
                         "'input[type=search]'); const t = "
                         "i.nextElementSibling.querySelector('table'); "
                         "const word = t.tBodies[0].rows[0].cells[0]"
                         ".textContent; i.value = word; i.dispatchEvent("
                         "new Event('input')); const n = "
                         "[...t.tBodies[0].rows].filter(r => !r.hidden && "
                         "!r.textContent.includes(word)).length; i.value = '';"
                         " i.dispatchEvent(new Event('input')); return n + "
                         "[...t.tBodies[0].rows].filter(r => r.hidden).length;"
                         " })()")
    check(rows == 0, "%s rows should not be there, or are not" % rows)


def by_keyboard(browser):
    n = browser.value("[...document.querySelectorAll('.scroll')].filter(d => "
                      "d.tabIndex != 0 || !d.getAttribute('aria-label')).length")
    check(n == 0, "%s parts scroll only with a mouse" % n)
    heads = browser.value("[...document.querySelectorAll('h1,h2,h3')].map(h => "
                          "+h.tagName[1])")
    check(heads[0] == 1 and heads.count(1) == 1, "one heading of the first rank")
    for a, b in zip(heads, heads[1:]):
        check(b <= a + 1, "a rank of headings is left out")


def axe(browser, theme):
    path = os.environ.get("QLAW_AXE")
    if not path:
        print("SKIPPED: QLAW_AXE does not name axe.min.js")
        return
    browser.ask("Emulation.setEmulatedMedia", media="", features=[
        {"name": "prefers-color-scheme", "value": theme}])
    browser.value(open(path, encoding="utf-8").read() + "\n;1")
    found = browser.value(
        "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations"
        ".map(v => v.id + ': ' + v.nodes.length + ' ' + v.nodes[0].html"
        ".slice(0, 120)))")
    check(found == [], "%s: %s" % (theme, "\n".join(found or ["no answer"])))
    print("axe: no violation in the %s page" % theme)


def one(browser, path, keep, full):
    start_page(browser, path)
    if full:
        figures_are_drawn(browser)
        fits(browser, keep)
        both_themes(browser, keep)
        without_images(browser)
        tables_sort_and_filter(browser)
    by_keyboard(browser)
    if full:
        on_paper(browser, keep)
    nothing_was_asked_for(browser, path)
    for theme in ("light", "dark"):
        axe(browser, theme)
    browser.session = None


def main():
    place = Place(*sys.argv[1:3])
    keep = sys.argv[3] if len(sys.argv) > 3 else None
    if keep:
        os.makedirs(keep, exist_ok=True)
    browser = Browser(place.path("profile"))
    try:
        for kind in ("rich", "empty", "diverged"):
            db = place.make_db(kind)
            place.run("--db", db, "report", kind, "--out", "out")
            one(browser, place.path("out", kind + ".html"), keep,
                kind == "rich")
    finally:
        browser.close()
    place.done()


main()
