#!/usr/bin/python3
"""lies.py QLAW [N [SEED [FIRST]]] - random histories under a Slurm that says anything.

Between statuses, collects, submits, cancels and runs with this and another
database, squeue, scontrol and sacct answer with nothing, a banner, a cut list,
the list of another cluster, one of a while ago, garbage, an error or never;
tasks are called over while their workers live, workers are killed, and what was
missed is made to have been missed long ago.  The trainer ends with another loss
each time, so that a run that is trained twice shows.

After each history, honest answers must bring every run to an end: no record that
was once finished is lost, each run has one, and its loss is what the database
has.
"""
import glob
import json
import os
import random
import signal
import shutil
import sys
import tempfile
import time

from histories import Cluster

GRID = """[grid]
name = lies
[trainer]
kind = exec
command = %s/tr.sh
[model]
n_layer = 1
n_head = 1
d_model = 16
seq_len = 16
[train]
batch = 8
tokens = 1024
[sweep]
train.lr = 0.01, 0.02, 0.03, 0.04
[slurm]
target = 2s
max_running = 3
"""

TRAINER = """#!/bin/bash
echo '{"step":1,"tokens":128,"train_loss":5}' >>$QLAW_METRICS
sleep 0.$((RANDOM % 7))
echo "{\\"final\\":true,\\"loss\\":2.$RANDOM,\\"steps\\":8,\\"tokens\\":1024}" >>$QLAW_METRICS
"""

ANSWERS = {
    "squeue": ["ok", "fail", "empty", "banner", "cut", "other", "garbage",
               "stale", "hang"],
    "scontrol": ["ok", "fail", "forgetful", "other", "garbage", "hang"],
    "sacct": ["ok", "fail", "empty", "other", "garbage", "hang"],
}
ENDS = ["NODE_FAIL", "TIMEOUT", "PREEMPTED", "CANCELLED", "FAILED",
        "COMPLETED", "COMPLETING", "PENDING", None]


class Lies(Cluster):
    def __init__(self, qlaw, folder, rng):
        super().__init__(qlaw, folder, rng, GRID % folder)
        with open(os.path.join(folder, "tr.sh"), "w") as f:
            f.write(TRAINER)
        os.chmod(os.path.join(folder, "tr.sh"), 0o755)

    def fresh(self):
        super().fresh()
        for path in glob.glob(os.path.join(self.dir, "other.db*")):
            os.unlink(path)
        state = self.read()
        if self.rng.random() < 0.5:
            state["cluster"] = "alpha"
        self.write(state)
        self.workers = []  # (task, process)
        self.finished = {}  # folder -> {token: loss}, of our database
        self.count = {"finished": 0, "lies": 0, "kills": 0}

    def set_mode(self, **modes):
        super().set_mode(**modes)
        self.env.pop("QLAW_SLURM_PATIENCE", None)
        if "hang" in modes.values():
            self.env["QLAW_SLURM_PATIENCE"] = "0.5"

    def submit(self, kill_after=None):
        return self.call("submit", "grid.ini", "--retry-failed",
                         kill_after=kill_after)

    # --- what is on record -------------------------------------------------------

    def look(self):
        """Note each record of a worker of ours that has come to its end."""
        store = self.sql("select value from meta where key='store'")
        for path in glob.glob(os.path.join(self.dir, "runs", "*-*",
                                           "*.jsonl")):
            folder = os.path.dirname(path)
            try:
                with open(path) as f:
                    lines = f.read().split("\n")
            except FileNotFoundError:
                continue  # just collected
            self.note(folder, lines, store)

    def note(self, folder, lines, store):
        begin = loss = None
        for line in lines[:-1]:
            r = json.loads(line)
            if "begin" in r:
                begin, loss = r, None
            elif r.get("final"):
                loss = r["loss"]
            elif "end" in r and r["state"] == "done" and (
                    begin and begin["store"] == store):
                self.finished.setdefault(folder, {})[begin["token"]] = loss

    # --- what happens ----------------------------------------------------------------

    def begin(self):
        waiting = [t for t in self.read()["tasks"] if t["state"] == "PENDING"]
        if waiting:
            task = self.rng.choice(waiting)
            self.set_task(task, "RUNNING")
            self.workers.append((task, self.worker(task)))

    def wait(self):
        """A worker comes to its end, and Slurm hears of it."""
        if self.workers:
            task, p = self.workers.pop(self.rng.randrange(len(self.workers)))
            p.communicate(timeout=120)
            self.set_task(task, "COMPLETED" if p.returncode == 0 else "FAILED")

    def slander(self):
        """A task is called over, or forgotten, while its worker lives."""
        if self.workers:
            self.fate(self.rng.choice(self.workers)[0])

    def fate(self, task):
        end = self.rng.choice(ENDS)
        if end:
            self.set_task(task, end)
        else:
            self.forget(task)

    def kill(self):
        if self.workers:
            task, p = self.workers.pop(self.rng.randrange(len(self.workers)))
            os.killpg(p.pid, signal.SIGKILL)
            p.communicate(timeout=30)
            self.count["kills"] += 1
            self.fate(task)

    def lie(self):
        self.count["lies"] += 1
        self.set_mode(**{command: self.rng.choice(answers)
                         for command, answers in ANSWERS.items()})

    def age(self):
        """What was missed was missed long ago."""
        self.sql("update attempt set heartbeat_at='2026-01-01T00:00:00.000Z' "
                 "where outcome is null and heartbeat_at is not null")

    def collect(self):
        self.call(self.rng.choice(["collect", "status"]))

    def break_collect(self):
        self.call("collect", kill_after=self.rng.random() * 0.2)

    def cancel(self):
        self.call("cancel", "lies", "--where",
                  "run_id %% 4 = %d" % self.rng.randrange(4))

    def retry(self):
        self.call("retry", "lies", "--cancelled", "--paused")

    def run_here(self):
        self.call("run", "grid.ini", "--slots", "1", "--retry-failed",
                  kill_after=self.rng.random())

    def run_there(self):
        self.call("--db", "other.db", "run", "grid.ini", "--slots", "1",
                  kill_after=self.rng.random())

    def happen(self):
        kinds = ([self.begin] * 5 + [self.collect] * 4 + [self.lie] * 4 +
                 [self.wait, self.slander, self.age] * 2 +
                 [self.kill, self.break_collect, self.cancel, self.retry,
                  self.submit, self.run_here, self.run_there])
        kind = self.rng.choice(kinds)
        kind()
        self.look()
        return kind.__name__

    def settle(self):
        """Honest answers, and everybody comes to an end."""
        while self.workers:
            self.wait()
        self.set_mode()
        self.look()
        for _ in range(30):
            self.call("collect")
            self.age()
            self.call("collect")
            if self.sql("select count(*) from run where state<>'done'") == "0":
                return
            self.call("retry", "lies", "--cancelled", "--paused")
            code, err = self.submit()
            assert code == 0, err
            for t in self.read()["tasks"]:
                if t["state"] in ("PENDING", "RUNNING", "COMPLETING"):
                    self.finish(t)
            self.look()
        raise AssertionError("it does not come to an end: " + self.sql(
            "select state, state_reason from run"))

    def check(self):
        rows = self.sql("select point_id, seed, loss, token from run join "
                        "result using(run_id) join attempt using(run_id) "
                        "where outcome='ok'").split("\n")
        assert len(rows) == 4, rows
        for row in rows:
            point, seed, loss, token = row.split("|")
            done = self.finished[os.path.join(
                self.dir, "runs", "%s-%s" % (point[:12], seed))]
            assert len(done) == 1, "trained twice: %s" % done
            assert float(loss) == done[token], (row, done)
            self.count["finished"] += 1
        assert len(self.finished) == 4, self.finished
        assert self.sql("pragma integrity_check") == "ok"
        assert self.sql("select count(*) from attempt where outcome is null "
                        "or (outcome='ok') <> (number=(select attempts from "
                        "run r where r.run_id=attempt.run_id))") == "0"
        code, err = self.call("--db", "again.db", "db", "rebuild")
        assert code == 0, err
        dump = "select point_id, seed, state from run order by 1,2"
        assert self.sql(dump) == self.sql(dump, "again.db")
        os.unlink(os.path.join(self.dir, "again.db"))


def main():
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    folder = tempfile.mkdtemp(prefix="qlaw-lies-")
    c = Lies(os.path.abspath(sys.argv[1]), folder, random.Random(seed))
    total = {"finished": 0, "lies": 0, "kills": 0}
    since = time.time()
    for i in range(first, first + n):
        c.rng = random.Random(seed * 1000003 + i)
        c.fresh()
        happened = ["submit"]
        try:
            code, err = c.submit()
            assert code == 0, err
            for _ in range(c.rng.randrange(4, 16)):
                happened.append(c.happen())
            c.settle()
            c.check()
        except BaseException:
            print("history %d of seed %d: %s\nleft in %s"
                  % (i, seed, ", ".join(happened), folder))
            for _, p in c.workers:
                os.killpg(p.pid, signal.SIGKILL)
            raise
        for key, value in c.count.items():
            total[key] += value
    shutil.rmtree(folder)
    print("%d histories in %.0f s: %d sets of answers, %d workers killed, %d "
          "records finished, 0 lost" % (n, time.time() - since, total["lies"],
                                        total["kills"], total["finished"]))


if __name__ == "__main__":
    main()
