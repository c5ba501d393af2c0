#!/usr/bin/env python3
"""Reports on grids of all kinds, with gnuplot and without.

    pages.py QLAW SOURCE_ROOT
"""
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from page import Place, check, fail, read_csv, read_page, read_svg


def report(place, kind, *args, **more):
    db = place.path(kind + ".db")
    if not os.path.exists(db):
        place.make_db(kind)
    out, err = place.run("--db", db, "report", kind, "--out", "out", *args,
                         **more)
    return out, err


def section(page, name):
    return page.text.split(name, 2)[2]


def in_json(place, page):
    """The same for programs: paths, and the sentences of the page."""
    out, _ = report(place, "rich", "--format", "html,md", "--json")
    said = json.loads(out)
    check(out.count("\n") == 1 and said["schema"] == "qlaw/report/1", out[:200])
    check(said["files"] == ["out/rich.html", "out/rich.md"],
          "files: %s" % said["files"])
    words = " ".join(page.text.split())
    check(len(said["answer"]) >= 4, "the answer: %s" % said["answer"])
    for part in said["answer"]:
        check(" ".join(part["text"].split()) in words,
              "not on the page: " + part["text"])
    figures = json.loads(place.run("plot", "--json")[0])["figures"]
    drawn = {f["figure"] for f in said["figures"]}
    check(len(figures) > 20 and drawn < {f["figure"] for f in figures},
          "figures: %s" % drawn)
    for figure in said["figures"]:
        check(figure["finding"] and os.path.exists(place.path(figure["data"])),
              "figure: %s" % figure)


def rich(place):
    db = place.make_db("rich")
    place.run("--db", db, "fit", "rich", "--where",
              "arm like '%W+A %' or is_base")
    out, err = report(place, "rich", "--format", "html,md")
    check(out == "out/rich.html\nout/rich.md\n", "stdout holds the paths: " + out)
    check(err == "", "nothing to warn of: " + err)
    page = read_page(place.path("out", "rich.html"))
    in_json(place, page)
    for name in ("The answer", "What was run", "The law", "How good it is",
                 "What each format costs", "Predictions",
                 "Failures and divergences", "Cost", "How to do it again",
                 "All points"):
        check(name in page.text, "no section '%s'" % name)
    check("703 of 707 runs are finished, 2 diverged, 1 failed, 1 is waiting"
          in page.text, "the count of runs is wrong")
    laws = {r[0]: r for r in page.table("parameter")[1:]}
    # The constants that the losses were made with (make_db.py).
    for name, true in (("E", 1.2), ("alpha", 0.34), ("beta", 0.30),
                       ("gN", 0.22), ("gD", 0.09), ("gG", 0.8)):
        low, high = float(laws[name][3]), float(laws[name][4])
        width = high - low
        check(low - width < true < high + width,
              "%s = %g is far outside %g .. %g" % (name, true, low, high))
    points = read_csv(next(b for b in page.blocks
                           if b.startswith("point_id,")))
    check(len(points) == 1 + 473, "%d points in the CSV" % (len(points) - 1))
    check(len(page.images) >= 18, "%d figures" % len(page.images))
    check("qlaw fit rich '--where=arm like" in "".join(page.blocks),
          "the command of the fit is there, quoted for a shell")
    check("[grid]" in "".join(page.blocks), "the text of the grid is there")
    check("ab" * 32 in page.text, "the hash of the data is there")
    check("abc123" in page.text, "the commit is there")


def redraw(place):
    """`gnuplot NAME.gp` in the folder draws every picture again."""
    folder = place.path("out", "rich-figures")
    copy = place.path("copy")
    shutil.copytree(folder, copy)
    n = 0
    for name in sorted(os.listdir(copy)):
        if not name.endswith(".gp") or name in ("style.gp", "panels.gp"):
            continue
        stem = name[:-3]
        for theme, file in (("light", stem + ".svg"),
                            ("dark", stem + "-dark.svg")):
            os.remove(os.path.join(copy, file))
            args = ["gnuplot", name] if theme == "light" else \
                ["gnuplot", "-c", name, stem + ".dat", file, "svg", "dark"]
            done = subprocess.run(args, cwd=copy, capture_output=True)
            check(done.returncode == 0 and not done.stderr,
                  "%s: %s" % (name, done.stderr.decode()))
            a = open(os.path.join(folder, file), "rb").read()
            b = open(os.path.join(copy, file), "rb").read()
            check(a == b, "%s is drawn differently" % file)
            n += 1
    check(n >= 36, "only %d pictures were redrawn" % n)
    for name in os.listdir(folder):
        if name.endswith(".svg"):
            check(len(read_svg(os.path.join(folder, name))) > 3,
                  "%s has no text" % name)


def other_rows(place):
    """A fit of other rows than the grid has now is named, and not used."""
    db = place.make_db("rich")
    place.run("--db", db, "fit", "rich", "--where",
              "arm like '%W+A %' or is_base")
    sql = sqlite3.connect(db)
    n, = sql.execute("select n_points from fit order by fit_id desc").fetchone()
    gone, = sql.execute("select count(*) from fit_point join run using(run_id) "
                        "where role='train' and seed=1 and fit_id=(select "
                        "max(fit_id) from fit)").fetchone()
    sql.execute("update grid_point set seeds='[2,3]'")
    sql.commit()
    sql.close()
    check(0 < gone < n, "%d of %d rows are of seed 1" % (gone, n))
    report(place, "rich")
    page = read_page(place.path("out", "rich.html"))
    check("is left out here: it was made from %d runs, and its selection has "
          "%d now; this fits them: qlaw fit rich '--where=arm like" %
          (n, n - gone) in page.text, "the stale fit is not named: " +
          section(page, "The law")[:300])
    check("std. error" not in page.text, "parameters of a stale fit")
    check("Predictions" not in page.text, "predictions of a stale fit")
    _, err = place.run("--db", db, "plot", "residuals", "rich", code=2)
    check("was made from %d runs" % n in err, err)


def terminals(place):
    """Each figure in each format; files begin as such files do."""
    db = place.path("rich.db")
    figures, _ = place.run("plot")
    names = [line.split()[0] for line in figures.splitlines()]
    check(len(names) >= 20, "%d figures" % len(names))
    for name in names:
        if name == "precision-compute":  # this law does not know bits
            place.run("--db", db, "plot", name, "rich", code=2)
            continue
        for term, magic in (("png", b"\x89PNG"), ("pdf", b"%PDF-"),
                            ("svg", b"<?xml")):
            out, _ = place.run("--db", db, "plot", name, "rich", "--term",
                               term, "--theme", "dark", "--out", "figs")
            check(out == "figs/%s-dark.%s\n" % (name, term), out)
            data = open(place.path("figs", "%s-dark.%s" % (name, term)),
                        "rb").read()
            check(data.startswith(magic), "%s is no %s" % (name, term))
        out, _ = place.run("--db", db, "plot", name, "rich", "--term", "dumb",
                           "--out", "figs")
        check(len(out.splitlines()) >= 20, "%s is not drawn in text" % name)


def choices(place):
    db = place.path("rich.db")

    def plot(*args, code=0):
        return place.run("--db", db, "plot", *args, "--term", "dumb", "--out",
                         "figs", code=code)
    out, _ = plot("delta-vs-N", "rich", "--by", "fmt,G", "--at", "D=262k")
    check("D = 262k" in out and "G = 32" in out, "--by and --at are followed")
    out, _ = plot("delta-vs-N", "rich", "--json")
    told = json.loads(out)
    check(told["schema"] == "qlaw/plot/1" and told["finding"], out)
    for key in ("picture", "data", "script"):
        check(os.path.getsize(place.path(told[key])) > 0, "no %s" % key)
    out, _ = plot("delta-vs-N", "rich", "--no-fit")
    check("qat-delta" not in out, "--no-fit draws no law")
    for args, text in (
            (["delta-vs-M", "rich"], "did you mean 'delta-vs-N'"),
            (["delta-vs-N", "rich", "--by", "Q"], "is not N, D, G or fmt"),
            (["delta-vs-N", "rich", "--by", "N"], "is shown twice"),
            (["delta-vs-N", "rich", "--at", "D=5"], "the values are 262k"),
            (["delta-vs-N", "rich", "--at", "x"], "is not N=, D=, G= or fmt="),
            (["delta-vs-N", "poor"], "no grid 'poor'"),
            (["delta-vs-N", "rich", "--fit", "77"], "holds no fit 77"),
            (["delta-vs-N", "rich", "--theme", "pink"], "not light or dark")):
        _, err = plot(*args, code=2)
        check(text in err, "'%s' is not said but: %s" % (text, err))


def little(place):
    """Nothing, one point, one seed, all diverged: pages that say so."""
    for kind, text in (
            ("empty", "0 of 2 runs are finished, 2 are waiting"),
            ("one", "This grid holds no quantized run"),
            ("single", "in nats per token: int4 W costs 0.461"),
            ("diverged", "All 2 quantized runs diverged")):
        report(place, kind)
        page = read_page(place.path("out", kind + ".html"))
        check(text in page.text, "%s: '%s' is not said" % (kind, text))
        check("nan" not in page.text.lower().replace("nats", ""),
              "%s: a NaN is shown" % kind)


def stub(place, name, text):
    path = place.path(name)
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, stat.S_IRWXU)
    return path


ANSWER = "[ \"$2\" = -e ] && { echo 5.4; echo ' svg dumb '; exit 0; }\n"


def without_gnuplot(place):
    """The page, its tables, data and scripts are there; one warning."""
    cases = (
        ("missing", {"PATH": "/nonexistent", "QLAW_GNUPLOT": ""},
         "gnuplot-nox"),
        ("failing", {"QLAW_GNUPLOT": stub(place, "f", ANSWER + "exit 7\n")},
         "ended with status 7"),
        ("empty", {"QLAW_GNUPLOT": stub(place, "e", ANSWER + ": > \"$5\"\n")},
         "drew nothing"),
        ("old", {"QLAW_GNUPLOT": stub(place, "o", "echo 4.6\n")},
         "not version 5.2"),
    )
    for name, env, text in cases:
        shutil.rmtree(place.path("out"), ignore_errors=True)
        _, err = report(place, "single", env=env)
        check(err.count("warning") == 1 and text in err,
              "%s: one warning with '%s', not: %s" % (name, text, err))
        page = read_page(place.path("out", "single.html"))
        check(text in page.text, "%s: the page does not say why" % name)
        check(not page.images, "%s: there are images" % name)
        check(page.table("what"), "%s: the tables are missing" % name)
        files = os.listdir(place.path("out", "single-figures"))
        check("loss-curves.dat" in files and "loss-curves.gp" in files and
              "style.gp" in files, "%s: data and scripts are missing" % name)
        check(not [f for f in files if f.endswith((".svg", ".part"))],
              "%s: half a picture is left: %s" % (name, files))
        report(place, "single", "--plots", "require", env=env, code=4)
    db = place.path("single.db")
    _, err = place.run("--db", db, "plot", "coverage", "single",
                       env={"PATH": "/nonexistent", "QLAW_GNUPLOT": ""}, code=4)
    check("gnuplot-nox" in err and "coverage.gp and .dat are written" in err,
          err)


def on_paper(place):
    """PDF through what is found; the page stays only when it was asked for."""
    tools = place.path("tools")
    os.mkdir(tools)
    for name in ("gnuplot", "sh", "cp"):
        os.symlink(shutil.which(name), os.path.join(tools, name))
    env = {"PATH": tools}
    shutil.rmtree(place.path("out"), ignore_errors=True)
    _, err = report(place, "single", "--format", "pdf", env=env, code=4)
    check("apt-get install weasyprint" in err, err)
    check(os.listdir(place.path("out")) == ["single-figures"],
          "what was not asked for is left")
    shutil.move(stub(place, "w", "cp \"$1\" \"$2\"\n"),
                os.path.join(tools, "weasyprint"))
    out, _ = report(place, "single", "--format", "pdf", env=env)
    check(out == "out/single.pdf\n", out)
    check(sorted(os.listdir(place.path("out"))) ==
          ["single-figures", "single.pdf"], "what was not asked for is left")
    out, _ = report(place, "single", "--format", "html,pdf", env=env)
    check(open(place.path("out", "single.pdf")).read() ==
          open(place.path("out", "single.html")).read(),
          "the page is what is converted")


def watching(place):
    """A change of the database brings a new page."""
    db, page = place.path("single.db"), place.path("out", "single.html")
    if os.path.exists(page):
        os.remove(page)
    child = subprocess.Popen([place.qlaw, "--db", db, "report", "single",
                              "--out", "out", "--watch"], cwd=place.dir,
                             stdout=subprocess.DEVNULL)

    def wait_for(condition, what):
        for _ in range(600):
            if condition():
                return
            time.sleep(0.1)
        child.kill()
        fail(what)
    wait_for(lambda: os.path.exists(page), "no page is written")
    check('http-equiv="refresh"' in open(page).read(), "the page is not read "
          "again")
    first = os.stat(page).st_ino
    os.utime(db)
    wait_for(lambda: os.stat(page).st_ino != first, "no new page is written")
    child.terminate()
    child.wait()


def odd_places(place):
    """Folders that gnuplot would take for commands are names like others."""
    for folder in ("<touch CANARY", "|touch CANARY", "a'b\"c `touch CANARY`",
                   "-e", "new/deep/er"):
        place.run("--db", place.path("single.db"), "report", "single",
                  "--out=" + folder)
        check(os.path.exists(place.path(folder, "single-figures",
                                        "coverage.svg")), folder)
    for base, _, files in os.walk(place.dir):
        check("CANARY" not in files, "a folder's name ran as a command")
    place.run("--db", place.path("single.db"), "report", "single", "--out",
              "/proc/nowhere", code=7)
    place.run("--db", place.path("none.db"), "report", code=5)


def main():
    place = Place(*sys.argv[1:3])
    rich(place)
    redraw(place)
    choices(place)
    little(place)
    without_gnuplot(place)
    on_paper(place)
    watching(place)
    odd_places(place)
    if os.environ.get("QLAW_SLOW"):
        terminals(place)
    other_rows(place)
    place.done()


main()
