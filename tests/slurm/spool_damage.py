#!/usr/bin/python3
"""spool_damage.py QLAW [N [SEED]] - what nodes recorded, damaged before it is
collected.

One bit of a worker's file is changed, or its end cut off, at N places each:
every other result is collected, the damaged one is named or its numbers are
right, collect ends with 1 when it named one, and trained again the run is done.
"""
import glob
import os
import random
import shutil
import sys
import tempfile

from histories import Cluster
from lies import GRID, TRAINER

WANT = "select point_id, loss, steps from result join run using(run_id)"


class Damage(Cluster):
    def __init__(self, qlaw, folder):
        super().__init__(qlaw, folder, random.Random(1), GRID % folder)
        with open(os.path.join(folder, "tr.sh"), "w") as f:
            f.write(TRAINER.replace("RANDOM % 7", "0"))
        os.chmod(os.path.join(folder, "tr.sh"), 0o755)

    def work(self):
        code, err = self.call("submit", "grid.ini")
        assert code == 0, err
        for task in self.read()["tasks"]:
            if task["state"] == "PENDING":
                self.finish(task)

    def save(self):
        shutil.copytree(os.path.join(self.dir, "runs"),
                        os.path.join(self.dir, "runs.keep"))
        shutil.copy(os.path.join(self.dir, "qlaw.db"),
                    os.path.join(self.dir, "qlaw.keep"))

    def restore(self):
        shutil.rmtree(os.path.join(self.dir, "runs"))
        shutil.copytree(os.path.join(self.dir, "runs.keep"),
                        os.path.join(self.dir, "runs"))
        for path in glob.glob(os.path.join(self.dir, "qlaw.db*")):
            os.unlink(path)
        shutil.copy(os.path.join(self.dir, "qlaw.keep"),
                    os.path.join(self.dir, "qlaw.db"))


def check(c, want, path, what):
    code, err = c.call("collect")
    got = dict(row.split("|", 1) for row in c.sql(WANT).split("\n"))
    hit = os.path.basename(os.path.dirname(path))[:12]
    said = "".join(err.split())
    for point, value in want.items():
        if point[:12] == hit:
            named = os.path.basename(path) in said
            assert got.get(point, value) == value, (what, got)
            assert named == (code == 1), (what, code, err)
            assert point in got or named or "cut" in what, (what, code, err)
        else:
            assert got.get(point) == value, (what, got, err)
    assert code in (0, 1), (what, code, err)
    return code == 1


def main():
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    folder = tempfile.mkdtemp(prefix="qlaw-spool-")
    c = Damage(os.path.abspath(sys.argv[1]), folder)
    c.fresh()
    c.work()
    c.save()
    code, err = c.call("collect")
    assert code == 0, err
    want = dict(row.split("|", 1) for row in c.sql(WANT).split("\n"))
    assert len(want) == 4, want
    named = 0
    for i in range(2 * n):
        c.restore()
        path = rng.choice(sorted(glob.glob(os.path.join(
            folder, "runs", "*-*", "claim-*.jsonl"))))
        with open(path, "rb") as f:
            data = bytearray(f.read())
        at, bit = rng.randrange(len(data)), rng.randrange(8)
        what = "%s: bit %d of byte %d" % (path, bit, at)
        if i % 2:
            what, data = "%s: cut at %d" % (path, at), data[:at]
        else:
            data[at] ^= 1 << bit
        with open(path, "wb") as f:
            f.write(data)
        try:
            named += check(c, want, path, what)
        except BaseException:
            print("left in %s: %s" % (folder, what))
            raise
    c.work()  # once more, of the last
    c.call("collect")
    assert c.sql("select count(*) from run where state='done'") == "4"
    shutil.rmtree(folder)
    print("%d bits changed, %d files cut: %d named, no wrong number"
          % (n, n, named))


main()
