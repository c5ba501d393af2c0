"""One byte of one record of a finished grid is changed, or its end cut off, and
the database made again from the folder: every other run is back with its loss,
what is damaged is named, the exit is not 0, no number is wrong.

  damage.py QLAW [COUNT [SEED]]     COUNT (default 40) of each kind
"""
import collections
import glob
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

GRID = """[data]
path = text.txt
val_tokens = 1k
[model]
n_layer = 1
n_head = 1
d_model = 16
seq_len = 16
[train]
batch = 4
tokens = 4k
[sweep]
train.lr = 1e-3, 2e-3
quant.w = none, int4/g8
"""


def losses(path):
    try:
        return dict(((p, s), x) for p, s, x in sqlite3.connect(path).execute(
            "SELECT point_id, seed, loss FROM run JOIN result USING(run_id)"))
    except sqlite3.Error:
        return {}


def damage(path, kind, pick):
    data = bytearray(open(path, "rb").read())
    at = pick.randrange(len(data))
    if pick.random() < 0.05:  # the end of the last line
        at = len(data) - 1
    if kind == "byte":
        data[at] ^= 1 << pick.randrange(8)
    else:
        del data[at:]
    open(path, "wb").write(data)


def judge(qlaw, base, work, kind, pick, good):
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(base, work)
    for name in glob.glob(work + "/qlaw.db*"):
        os.remove(name)
    path = pick.choice(sorted(glob.glob(work + "/runs/**/*.json*",
                                        recursive=True)))
    before = open(path, "rb").read()
    damage(path, kind, pick)
    out = subprocess.run([qlaw, "db", "rebuild"], cwd=work,
                         capture_output=True)
    text = (out.stdout + out.stderr).decode(errors="replace")
    text = "".join(text.split())  # sentences are broken at blanks
    got = losses(work + "/qlaw.db")
    wrong = [k for k, x in got.items() if good.get(k) != x]
    lost = len(good) - len(set(good) & set(got))
    name = os.path.relpath(path, work)
    run = os.path.basename(os.path.dirname(path))
    if wrong or lost > 1:
        return "%s: %d runs lost, wrong: %s" % (name, lost, wrong)
    # Records that end earlier are those of a scheduler that was killed.
    killed = kind == "cut" and path.endswith("metrics.jsonl")
    if lost and not killed and not (out.returncode and run in text):
        return "%s: a run is lost, exit %d: %s" % (name, out.returncode, text)
    # A path in a configuration is nothing that a rebuild takes, and a sum whose
    # name is damaged is none.
    seal = before.rstrip()[-18:]
    harmless = (path.endswith("config.json") or killed or
                seal not in open(path, "rb").read())
    if out.returncode == 0 and not harmless:
        return "%s: nothing is said" % name
    return None


def no_loss(qlaw, base, work, good):
    """Records of a time without sums, whose last line says what is no loss: the
    run is to be done again, and the others are there."""
    for said in ("21e999", "-1e400", "null"):
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(base, work)
        for name in glob.glob(work + "/qlaw.db*"):
            os.remove(name)
        path = sorted(glob.glob(work + "/runs/*/metrics.jsonl"))[0]
        text = re.sub(r',"sum":"[0-9a-f]*"', "", open(path).read())
        open(path, "w").write(re.sub(r'("final":true,"loss":)[^,]*', r"\g<1>" + said, text))
        out = subprocess.run([qlaw, "db", "rebuild"], cwd=work, capture_output=True, text=True)
        now = losses(work + "/qlaw.db")
        states = sqlite3.connect(work + "/qlaw.db").execute(
            "SELECT state, count(*) FROM run GROUP BY 1 ORDER BY 1").fetchall()
        if out.returncode or states != [("done", 3), ("pending", 1)] or \
                any(good[k] != x for k, x in now.items()):
            return "a loss of %s: %s %s" % (said, states, out.stdout + out.stderr)
    return None


def main():
    qlaw = os.path.realpath(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    pick = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    top = tempfile.mkdtemp(prefix="qlaw-damage-")
    base, failed = top + "/base", collections.Counter()
    os.mkdir(base)
    with open(base + "/text.txt", "w") as f:
        f.write("".join(chr(97 + int(pick.random() * pick.random() * 20))
                        for _ in range(60000)))
    with open(base + "/g.ini", "w") as f:
        f.write(GRID)
    subprocess.run([qlaw, "-q", "run", "g.ini"], cwd=base, check=True)
    good = losses(base + "/qlaw.db")
    assert len(good) == 4, good
    for kind in ("byte", "cut"):
        for _ in range(count):
            why = judge(qlaw, base, top + "/work", kind, pick, good)
            if why:
                failed[kind] += 1
                print("%s: %s" % (kind, why))
    why = no_loss(qlaw, base, top + "/work", good)
    if why:
        failed["loss"] += 1
        print(why)
    shutil.rmtree(top)
    print("%d changed bytes, %d cut files: %d failures" %
          (count, count, sum(failed.values())))
    return 1 if failed else 0


sys.exit(main())
