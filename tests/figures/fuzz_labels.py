#!/usr/bin/env python3
"""A thousand labels that try to be commands, markup or formulas: none acts,
and parsers of each language read them back.

    fuzz_labels.py QLAW SOURCE_ROOT LABEL_PICTURE [SEED]
"""
import os
import random
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
from page import (HERE, Place, check, cut, fail, read_csv, read_page, read_svg,
                  visible)

CANARY = "CANARY"
PIECES = [
    "`touch CANARY`", "$(touch CANARY)", "';system('touch CANARY');'",
    "\"; system \"touch CANARY", "\nsystem 'touch CANARY'\n",
    "\n!touch CANARY\n", "<touch CANARY", "|touch CANARY", "< touch CANARY",
    "\nEOD\nsystem('touch CANARY')\n", "\\\nsystem('touch CANARY')", "@CANARY",
    "%s%d%n%%", "{/Symbol a}_x^y", "~a{.8-}", "<script>alert(1)</script>",
    "</pre></table><img src=x onerror=alert(1)>", "\" onmouseover=\"alert(1)",
    "&lt;&amp;&#39;&quot;", "<!--", "-->", "]]>", "=1+1", "+1", "-1", "@SUM(A1)",
    "| a | b |", "**bold** _it_ `code` [x](http://evil.example)",
    "![i](http://evil.example/x.png)", "# head", "1. one", "https://evil.example",
    "www.evil.example", "\u202egnp.exe", "\u2066\u2069\u200f", "\ufeff",
    "\x00", "\x1b]0;title\x07", "\x1b[31m", "\r\n", "\t", "\\", "\\\\", "\\n",
    "\\042", "\"", "'", "`", "\u00e9", "\u4e2d\u6587", "\U0001f600", "a" * 300,
    " lead", "trail ", "  ", "#", "# points", "\n\n\n# meta\n", "NaN", "1e999",
]


def labels(seed, n):
    rng = random.Random(seed)
    out = []
    for piece in PIECES:
        out.append(piece.encode("utf-8"))
    while len(out) < n:
        text = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 4)))
        raw = text.encode("utf-8")
        if rng.random() < 0.2:
            at = rng.randrange(len(raw) + 1)
            raw = raw[:at] + bytes(rng.randrange(256) for _ in range(3)) + \
                raw[at:]
        out.append(raw)
    return [x.replace(b"\0", b"\\0") + b" %d" % i for i, x in enumerate(out)]


def no_canary(place):
    for folder, _, files in os.walk(place.dir):
        for name in files:
            check(not name.startswith(CANARY),
                  "a label ran a command: %s/%s" % (folder, name))


def through_gnuplot(place, all_labels, helper):
    """Each label as a text in a picture, read back from the SVG."""
    folder = place.path("marks")
    os.mkdir(folder)
    subprocess.run([helper, folder], input=b"".join(x + b"\0"
                                                    for x in all_labels),
                   check=True)
    done = subprocess.run(["gnuplot", "-d", "cost.gp"], cwd=folder,
                          capture_output=True)
    check(done.returncode == 0, "gnuplot: %s" % done.stderr.decode())
    got = read_svg(os.path.join(folder, "cost.svg"))
    count = {}
    for text in got:
        count[text] = count.get(text, 0) + 1
    for raw in all_labels:
        want = cut(visible(raw), 26).replace("]]>", "]]\\x3e")
        check(count.get(want, 0) > 0, "gnuplot does not show %r" % want)
    no_canary(place)


def through_report(place, all_labels):
    db = place.make_db("hostile", b"\0".join(all_labels))
    place.run("--db", db, "report", "hostile", "--format", "html,md",
              "--out", "out")
    no_canary(place)
    page = read_page(place.path("out", "hostile.html"))
    want = [visible(x) for x in all_labels]

    cells = {row[0] for row in page.table("what")[1:]}
    for text in want:
        check(text in cells, "the table lost %r" % text)

    points = next(b for b in page.blocks if b.startswith("point_id,"))
    arms = {row[1] for row in read_csv(points)[1:]}
    for text in want:
        safe = "'" + text if text[0] in "=+-@" else text
        check(safe in arms, "the CSV lost %r" % safe)

    failures = {row[7] for row in page.table("run")[1:]}
    check(len(failures) == 100, "100 failures are listed")
    check(failures <= set(want), "a message was changed: %r" %
          sorted(failures - set(want))[:1])
    return db


def through_markdown(place, all_labels):
    """cmark-gfm is GitHub's own parser."""
    tool = shutil.which("cmark-gfm")
    if not tool:
        print("SKIPPED: Markdown is not read back (cmark-gfm is missing)")
        return
    done = subprocess.run([tool, "-e", "table", "-e", "autolink",
                           place.path("out", "hostile.md")],
                          capture_output=True, check=True)
    from page import Page
    page = Page("<body>" + done.stdout.decode("utf-8").replace(
        ' align="right"', "").replace(" />", ">") + "</body>")
    cells = {row[0] for row in page.table("what")[1:]}
    for raw in all_labels:
        text = visible(raw).strip()  # a cell has no space at its ends
        check(text in cells, "the Markdown table lost %r" % text)
    for link in page.links:
        check(link.startswith("hostile-figures/"), "a link to %s" % link)


def through_figures(place, db, all_labels):
    """As names of series and panels, and on the terminal."""
    for args in (["delta-vs-N", "--by", "fmt"], ["coverage"], ["loss-curves"],
                 ["delta-vs-D"], ["loss-vs-N"]):
        for term in ("svg", "dumb"):
            out = subprocess.run(
                [place.qlaw, "--db", db, "plot", args[0], "hostile", *args[1:],
                 "--term", term, "--out", "figs"], cwd=place.dir,
                capture_output=True)
            check(out.returncode == 0, "plot %s: %s" % (args[0], out.stderr))
            for byte in out.stdout + out.stderr:
                check(byte >= 0x20 or byte in b"\n\x0c",
                      "byte %d reaches the terminal" % byte)
    no_canary(place)
    shown = {cut(visible(x), 26) for x in all_labels}
    texts = set(read_svg(place.path("figs", "coverage.svg")))
    check(len(texts & shown) >= 30, "the coverage map lost its labels: %d" %
          len(texts & shown))
    for name in ("delta-vs-N", "loss-curves", "delta-vs-D", "loss-vs-N"):
        texts = set(read_svg(place.path("figs", name + ".svg")))
        check(texts & {cut(visible(x), n) for x in all_labels[:6]
                       for n in (26, 40)},
              "%s shows no label" % name)


def main():
    qlaw, root, helper = sys.argv[1:4]
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 20261124
    print("seed %d" % seed)
    place = Place(qlaw, root)
    all_labels = labels(seed, 1000)
    through_gnuplot(place, all_labels, os.path.abspath(helper))
    db = through_report(place, all_labels)
    through_markdown(place, all_labels)
    through_figures(place, db, all_labels)
    place.done()


main()
