#!/usr/bin/env python3
"""What is printed for people keeps to 80 columns, whatever it is about.

    columns.py QLAW SOURCE_ROOT

Every verb prints about a grid with a name of 75 characters, long arms, long
values, in a folder with a long path.  A line may be longer only where it is
one word, which nobody can break: a path, say.  What is written for programs
or to be read again (JSON, CSV, grid files, scripts) is left out: a case is only
here if people read it.

The verbs come from the program: one without a case fails.
"""
import os
import re
import sqlite3
import subprocess
import sys
import tempfile

QLAW, ROOT = os.path.realpath(sys.argv[1]), os.path.realpath(sys.argv[2])
COLUMNS = 80
NAME = "four-bit-weights-and-activations-of-small-models-on-prose-and-code-2026-11b"
ARM = "e2m1 weights and int8 activations with outliers kept, second try of May"
FOLDER = "a-folder-for-studies-with-a-name-that-is-long/the-second-series-of-them"
TEXT = FOLDER + "/prose-and-code-of-many-small-files-put-into-one.txt"
assert len(NAME) == 75 and len(ARM) > 60

GRID = """[grid]
name = %s
description = What do four-bit weights and activations cost in small models, \
and what of it comes back when the outliers are kept in eight bits?
law = qat-delta
[data]
path = %s
[model]
n_layer = 1
d_model = 16
n_head = 1
seq_len = 32
[train]
batch = 2
[trainer]
speed = 1G
[axis "tokens-of-training-and-the-rate-for-them"]
keys = train.tokens, train.lr
values = 2k, 0.003
         4k, 0.002
[block "one-format-for-weights-and-activations"]
quant.w = int4
quant.x = int4
quant.group = 4, 8
[block "some-operands-in-eight-bits"]
quant.w = e2m1
quant.x = e2m1
quant.group = 8
quant.fc2.x = int8
quant.first:1.qkv.w = int8
[filter]
exclude = D > 3k && bits == 4 && quant.group == 8 && model.d_model == 16 && \
model.n_layer < 12
""" % (NAME, TEXT)

BAD = "[data]\npath = %s\n[model]\nn_laye = 2\n[train]\nbatch = many\n" % TEXT


def sh(*args, **more):
    """One run of the program: its lines for people."""
    done = subprocess.run([QLAW] + list(args), capture_output=True, text=True,
                          errors="surrogateescape", stdin=subprocess.DEVNULL,
                          timeout=120, **more)
    return done.returncode, done.stdout + done.stderr


def need(*args):
    code, out = sh(*args)
    assert code == 0, (args, code, out)
    return out


def make_files():
    os.makedirs(FOLDER)
    with open(TEXT, "w") as f:
        for i in range(2500):
            f.write("line %d of a text that says little\n" % (i * i % 997))
    open("g.ini", "w").write(GRID)
    open("bad.ini", "w").write(BAD)
    long = FOLDER + "/a-grid-file-with-a-long-name.ini"
    open(long, "w").write(GRID)
    return long


def make_law_db():
    """A finished grid large enough for laws and figures, under our names."""
    subprocess.run([sys.executable, ROOT + "/tests/figures/make_db.py", ROOT,
                    "law.db", "rich"], check=True)
    db = sqlite3.connect("law.db")
    db.execute("UPDATE grid SET name = ?", (NAME,))
    db.execute("UPDATE fit SET name = ?, selection = ?",
               (NAME + " qat-delta", '{"grid":"%s"}' % NAME))
    db.execute("UPDATE point SET arm = ? || arm WHERE fmt LIKE 'int%'",
               (ARM + " ",))
    db.execute("UPDATE attempt SET message = ? WHERE message IS NOT NULL",
               ("gradient norm 412 > 100 at step 118 of 4096 while reading "
                "%s on a node that was slow" % TEXT,))
    db.commit()
    ids = [r[0] for r in db.execute("SELECT run_id FROM run WHERE state = "
                                    "'done' ORDER BY 1 LIMIT 2")]
    failed = db.execute("SELECT run_id FROM run WHERE state = 'failed'")
    ids.append(failed.fetchone()[0])
    db.close()
    return [str(i) for i in ids]


def cases(grid_file, runs):
    """VERB: its command lines, in the order in which they run."""
    law = ["--db", "law.db"]
    arms = [ARM + " int4 W+A", "e2m1 W+A"]
    figures = [x.split()[0] for x in need("plot").splitlines()]
    laws = [x.split()[0] for x in need("laws").splitlines()
            if re.match(r"[a-z]", x)]
    db = FOLDER + "/a-database-with-a-long-name-of-its-own.db"
    return {
        "doctor": [[]],
        "check": [["g.ini"], [grid_file], ["bad.ini"], ["no-" + grid_file],
                  ["g.ini", "--only", "D < 3k && bits == 4 && quant.group == 4 && "
                   "model.d_model == 16 && model.n_layer < 12"]],
        "config": [["g.ini", "--origin"], ["g.ini", "--origin", "data"]],
        "plan": [["g.ini"], ["g.ini", "--list"], ["g.ini", "--why", "POINT"],
                 [grid_file, "--skip", "D < 3k && bits == 4 && quant.group == 4 && "
                  "model.d_model == 16 && model.n_layer < 12"]],
        "run": [["g.ini", "--dry-run"], ["g.ini"], ["g.ini"], ["-v", grid_file],
                ["g.ini", "-s", "train.lr=1e-9", "--limit", "1"]],
        "submit": [["g.ini", "--dry-run", "-s", "train.lr=0.1"]],
        "collect": [[]],
        "calibrate": [["g.ini", "--dry-run", "-s", "train.lr=0.1"]],
        "worker": [[], ["--bundle", FOLDER + "/no-such.jsonl", "--task", "0"]],
        "status": [[], [NAME], law + [], ["no-" + NAME], law + [NAME]],
        "watch": [[], [NAME], law + [NAME, "--plot"]],
        "show": [["1"], ["POINT"], law + [runs[0]], law + [runs[2]],
                 ["no-" + NAME]],
        "cancel": [[NAME], ["no-" + NAME], law + [runs[2]]],
        "pause": [[NAME], ["no-" + NAME]],
        "retry": [[NAME], law + [NAME, "--diverged"], law + ["--where",
                  "no_such_column_of_the_views = 1 and outcome = 'signal'"]],
        "query": [[]] + [law + [q] for q in (
            "failures", "losses", "cost", "best-split", "progress", "fits",
            "noise", "posts", "select * from runs limit 4", "select * from cells "
            "limit 4", "select * from points limit 3", "select * from grid",
            "select nothing from no_such_table_of_this_database_at_all")] +
            [["progress"], ["losses"], ["select * from run_grid"],
             law + ["cost", NAME], law + ["cost", "no-" + NAME]],
        "fit": [law + [NAME], law + [NAME, "--paired"],
                law + [NAME, "--test", "gG=0", "--no-store"],
                law + [NAME, "--holdout", "N>=1M", "--no-store"],
                law + [NAME, "--compare", "chinchilla,qat-delta", "--where",
                       "loss is not null and N > 1000 and D > 1000 and "
                       "fmt <> 'no-such-format'", "--no-store"],
                law + [NAME, "--formula", "loss = the_floor_of_it + "
                       "of_the_model/N^its_exponent_of_N + of_the_data/"
                       "D^its_exponent_of_D", "--no-store"],
                ["no-" + NAME], [NAME]],
        "predict": [law + ["--fit", "1", "N=200k", "D=2M", "fmt=e2m1", "G=32"],
                    law + ["--fit", "1", "--solve", "D-crit", "N=200k",
                           "fmt=e2m1", "G=32"],
                    law + ["--fit", "77", "N=1"]],
        "design": [law + ["g.ini", "--fit", "1", "--runs", "3"],
                   ["g.ini", "--law", "qat-delta", "--param", "gG"]],
        "plot": [[]] + [law + [f, NAME, "--out", "figures"] for f in figures] +
                [law + ["loss-vs-N", NAME, "--term", "dumb"],
                 law + ["loss-vs-N", NAME, "--out", FOLDER + "/figures"],
                 ["no-such-figure-" + NAME, NAME]],
        "report": [law + [NAME, "--format", "html,md"],
                   law + [NAME, "--out", FOLDER + "/report"],
                   ["no-" + NAME]],
        "compare": [law + runs[:2], law + ["--arms"] + arms,
                    law + [NAME, NAME], law + ["--arms", "--grid", NAME] + arms,
                    ["1", "2"], [NAME, NAME], law + ["--arms", "e9", arms[1]]],
        "export": [[NAME], [NAME, "-o", FOLDER + "/out"], ["no-" + NAME]],
        "import": [[NAME, "--db", "in.db"], ["csv", "t.csv", "--db", "in.db",
                   "--grid", NAME + "2"], ["no-" + NAME],
                   ["csv", "t.csv", "--map", "loss=a_column_that_is_not_there_"
                    "at_all_whatever_is_tried", "--db", "in.db"]],
        "db": [["info"], ["check"], ["list"], ["list", NAME], ["rename", NAME,
               "b" + NAME[1:]], ["tag", "b" + NAME[1:], "+a-tag-of-the-year"],
               ["list"], ["backup", db], ["delete", "b" + NAME[1:]],
               ["list", "--deleted"], ["undelete", "b" + NAME[1:]],
               ["merge", db], ["vacuum"], ["vacuum", "--yes"],
               ["rebuild", "--db", "again.db"], ["info", "--db", db],
               law + ["list", NAME], law + ["list"]],
        "fetch": [["http://127.0.0.1:9/" + NAME + ".txt", "--tries", "1"]],
        "train": [["-s", "data.path=" + TEXT, "-s", "train.tokenz=2k"],
                  ["-s", "data.path=" + TEXT + ".none"]],
        "bench": [["quant"], ["step", "--rounds", "1", "--d-model", "32",
                  "--n-layer", "1", "--quant", "w4a4:32", "--batch", "1"]],
        "formats": [[], ["mxfp4"], ["e4m3"], ["--grid", "g.ini"], ["nvfp4"]],
        "qsnr": [["1", "--formats", "int4/g4,e2m1/g4"],
                 ["1", "--formats", "int4/g4,e2m1/g4", "--rotate", "2"],
                 ["no-" + NAME]],
        "laws": [[]] + [[x] for x in laws],
        "methods": [[]],
        "keys": [[], ["quant.*"], ["data"]],
        "completion": [[]],
        "version": [[]],
        "help": [[], ["codes"]],
    }


def too_long(text):
    """The lines that people cannot read at once and somebody could break."""
    for line in text.splitlines():
        line = re.sub(r"\033\[[0-9;]*[A-Za-z]", "", line.split("\r")[-1])
        if len(line) > COLUMNS and len(line.split()) > 1:
            yield line


def main():
    os.environ.pop("QLAW_DB", None)
    verbs = re.findall(r"^  ([a-z]+) ", need("help").split("verbs:")[1]
                       .split("\n\n")[0], re.M)
    grid_file = make_files()
    runs = make_law_db()
    open("t.csv", "w").write("N,D,loss\n1000,2000,3.5\n2000,2000,3.4\n")
    point = need("plan", "g.ini", "--list").splitlines()[1].split()[1]
    table = cases(grid_file, runs)
    bad = ["no case for the verb " + v for v in verbs if v not in table]
    lines = 0
    for verb in verbs:
        for args in [["--help"]] + table.get(verb, []):
            args = [point if a == "POINT" else a for a in args]
            code, out = sh(verb, *args)
            lines += out.count("\n")
            if code < 0 or (args == ["--help"] and not out):
                bad.append("%s %s: ended with %d, said '%s'" %
                           (verb, args, code, out))
            bad += ["%s %s: %d columns\n  %s" % (verb, " ".join(args), len(x), x)
                    for x in too_long(out)]
            if os.environ.get("COLUMNS_SHOW") == verb:
                print("$ qlaw", verb, *args, "  ->", code)
                print(out)
    assert lines > 1000, lines
    print("\n".join(bad) or "%d verbs, %d lines" % (len(verbs), lines))
    return 1 if bad else 0


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    result = main()
    os.chdir("/")
sys.exit(result)
