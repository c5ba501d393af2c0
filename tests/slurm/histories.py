#!/usr/bin/python3
"""histories.py QLAW [N [SEED]] - random histories of a cluster, one end state.

Slurm's commands are played by stub_slurm.py, nodes by this script: it starts
real workers, kills them and their tasks at random moments, runs a task twice at
once, requeues it, loses it, lets a stopped worker come back after its run was
given to another, and lets every command misbehave in its own way; it also kills
qlaw itself while it submits and collects.  After each history the same two
commands, submit and collect, must bring the end state of an undisturbed local
run: every run done once, the same losses and weights bit for bit, whole curves.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COMMANDS = ("sbatch", "squeue", "scontrol", "sacct", "scancel")

GRID = """[grid]
name = hist
[data]
path = text.txt
val_tokens = 1k
[model]
n_layer = 1
n_head = 1
seq_len = 16
[train]
batch = 4
lr = 0.01
[sweep]
model.d_model = 16, 32
train.tokens = 8k, 24k
[block "int4"]
quant.w = int4
quant.x = int4
quant.group = 8
[run]
checkpoint = 0.02s
log_every = 20
[slurm]
target = 2s
max_running = 7
"""

DUMP = """select p.arm, p.n_body, p.tokens, r.seed, r.state, x.loss,
    x.weights_sha256, x.steps,
    (select count(*) from curve c where c.run_id=r.run_id),
    (select max(step) from curve c where c.run_id=r.run_id)
    from run r join point p using(point_id) left join result x using(run_id)
    order by 1,2,3,4"""


def text():
    rng, c, out = random.Random(7), 0, []
    for i in range(60000):
        c = (c * 3 + 1) % 20 if rng.random() < 0.75 else rng.randrange(20)
        out.append(chr(97 + c) + ("\n" if i % 61 == 60 else ""))
    return "".join(out)


class Cluster:
    def __init__(self, qlaw, folder, rng, grid=GRID):
        self.qlaw, self.dir, self.rng = qlaw, folder, rng
        self.stub = os.path.join(folder, "stub")
        self.bin = os.path.join(folder, "bin")
        os.makedirs(self.stub)
        os.makedirs(self.bin)
        for name in COMMANDS:
            os.symlink(os.path.join(HERE, "stub_slurm.py"),
                       os.path.join(self.bin, name))
        self.env = dict(os.environ, STUB_SLURM=self.stub, OMP_NUM_THREADS="1",
                        PATH=self.bin + ":" + os.environ["PATH"])
        for name in ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "QLAW_METRICS"):
            self.env.pop(name, None)
        self.zombies = []
        with open(os.path.join(folder, "text.txt"), "w") as f:
            f.write(text())
        with open(os.path.join(folder, "grid.ini"), "w") as f:
            f.write(grid)

    def fresh(self):
        for name in os.listdir(self.dir):
            if name.startswith("qlaw.db"):
                os.unlink(os.path.join(self.dir, name))
        shutil.rmtree(os.path.join(self.dir, "runs"), ignore_errors=True)
        self.write({"next": 100, "tasks": [],
                    "max_array": self.rng.choice([2, 3, 1001])})

    def read(self):
        with open(os.path.join(self.stub, "state.json")) as f:
            return json.load(f)

    def write(self, state):
        path = os.path.join(self.stub, "state.json")
        with open(path + ".new", "w") as f:
            json.dump(state, f)
        os.replace(path + ".new", path)

    def set_mode(self, **modes):
        s = self.read()
        s["mode"] = modes
        self.write(s)

    def set_task(self, task, state):
        s = self.read()
        for t in s["tasks"]:
            if (t["job"], t["task"]) == (task["job"], task["task"]):
                t["state"] = state
        self.write(s)

    def forget(self, task):
        s = self.read()
        s["tasks"] = [t for t in s["tasks"]
                      if (t["job"], t["task"]) != (task["job"], task["task"])]
        self.write(s)

    def start(self, *args, **env):
        return subprocess.Popen([self.qlaw, *args], cwd=self.dir,
                                env=dict(self.env, **env),
                                stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, start_new_session=True)

    def call(self, *args, kill_after=None):
        p = self.start(*args)
        try:
            _, err = p.communicate(timeout=kill_after or 120)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            _, err = p.communicate()
            assert kill_after, args
        return p.returncode, err.decode()

    def submit(self, kill_after=None):
        return self.call("submit", "grid.ini", "--speed", "2e8",
                         "--retry-failed", kill_after=kill_after)

    def worker(self, task):
        bundle = task["script"].replace(".sh", ".jsonl")
        return self.start("worker", "--bundle", bundle, "--task",
                          str(max(0, task["task"])),
                          SLURM_ARRAY_JOB_ID=str(task["job"]))

    # --- what happens to tasks ------------------------------------------------

    def finish(self, task):
        self.set_task(task, "RUNNING")
        p = self.worker(task)
        p.communicate(timeout=120)
        self.set_task(task, "COMPLETED" if p.returncode == 0 else "FAILED")

    def break_off(self, task, sig):
        """A worker that is killed, or asked, in the middle."""
        self.set_task(task, "RUNNING")
        p = self.worker(task)
        time.sleep(self.rng.random() * 0.4)
        if self.rng.random() < 0.3:
            self.call("collect")
        try:
            (os.killpg if sig == signal.SIGKILL else os.kill)(p.pid, sig)
        except ProcessLookupError:
            pass
        p.communicate(timeout=30)
        fate = self.rng.choice(["NODE_FAIL", "PENDING", "TIMEOUT", "PREEMPTED",
                                "CANCELLED", "FAILED", None])
        if fate:
            self.set_task(task, fate)
        else:
            self.forget(task)

    def twice(self, task):
        self.set_task(task, "RUNNING")
        a, b = self.worker(task), self.worker(task)
        a.communicate(timeout=120)
        b.communicate(timeout=120)
        self.set_task(task, "COMPLETED")

    def come_back(self, task):
        """Stopped, given up, continued when its run belongs to another."""
        self.set_task(task, "RUNNING")
        p = self.worker(task)
        time.sleep(self.rng.random() * 0.3)
        os.killpg(p.pid, signal.SIGSTOP)
        self.zombies.append(p)
        self.set_task(task, "NODE_FAIL")
        self.call("collect")

    def wake(self):
        for p in self.zombies:
            try:
                os.killpg(p.pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        for p in self.zombies:
            p.communicate(timeout=120)
        self.zombies = []

    def happen(self):
        rng = self.rng
        waiting = [t for t in self.read()["tasks"] if t["state"] == "PENDING"]
        kind = rng.choice(["submit", "submit", "kill submit", "collect",
                           "kill collect", "modes", "finish", "finish",
                           "kill", "kill", "term", "twice", "cancel task",
                           "come back", "wake", "cancel run", "lose"])
        task = rng.choice(waiting) if waiting else None
        if kind == "submit":
            self.submit()
        elif kind == "kill submit":
            self.submit(kill_after=rng.random() * 0.25)
        elif kind == "collect":
            self.call(rng.choice(["collect", "status"]))
        elif kind == "kill collect":
            self.call("collect", kill_after=rng.random() * 0.15)
        elif kind == "modes":
            self.set_mode(sbatch=rng.choice(["ok", "ok", "refuse", "odd",
                                             "late-taken", "late-lost"]),
                          squeue=rng.choice(["ok", "ok", "fail"]),
                          scontrol=rng.choice(["ok", "fail", "forgetful"]),
                          sacct=rng.choice(["ok", "fail"]))
        elif kind == "wake":
            self.wake()
        elif kind == "cancel run":
            self.call("cancel", "hist", "--where",
                      "r.run_id %% 4 = %d" % rng.randrange(4)
                      if rng.random() < 0 else "run_id %% 4 = %d" %
                      rng.randrange(4))
        elif not task:
            self.submit()
        elif kind == "finish":
            self.finish(task)
        elif kind == "kill":
            self.break_off(task, signal.SIGKILL)
        elif kind == "term":
            self.break_off(task, signal.SIGTERM)
        elif kind == "twice":
            self.twice(task)
        elif kind == "cancel task":
            self.set_task(task, "CANCELLED")
        elif kind == "lose":
            self.forget(task)
        elif kind == "come back":
            self.come_back(task)
        return kind

    def settle(self):
        """The world is in order again: submit, run, collect until done."""
        self.wake()
        self.set_mode()
        for _ in range(30):
            self.call("collect")
            self.sql("update attempt set heartbeat_at='2026-01-01T00:00:00Z' "
                     "where outcome is null and heartbeat_at is not null")
            self.call("collect")
            self.call("retry", "hist", "--cancelled", "--paused")
            code, err = self.submit()
            assert code == 0, err
            for t in self.read()["tasks"]:
                if t["state"] in ("PENDING", "RUNNING"):
                    self.finish(t)
            self.call("collect")
            if self.sql("select count(*) from run where state<>'done'") == "0":
                return
        raise AssertionError("it does not come to an end: " + self.sql(
            "select state, state_reason from run"))

    def sql(self, query, db="qlaw.db"):
        return subprocess.run(["sqlite3", db, query], cwd=self.dir, check=True,
                              capture_output=True).stdout.decode().strip()


def check(c, want):
    got = c.sql(DUMP)
    assert got == want, "another end state:\n%s\nnot\n%s" % (got, want)
    assert c.sql("pragma integrity_check") == "ok"
    assert c.sql("select count(*) from attempt where outcome is null") == "0"
    assert c.sql("select count(*) from (select run_id from attempt where "
                 "outcome='ok' group by run_id having count(*)<>1)") == "0"
    assert c.sql("select count(*) from run r where attempts<>(select "
                 "max(number) from attempt a where a.run_id=r.run_id)") == "0"
    code, err = c.call("--db", "again.db", "db", "rebuild")
    assert code == 0, err
    again = c.sql(DUMP, "again.db")
    os.unlink(os.path.join(c.dir, "again.db"))
    assert again == want, "the records say\n%s\nnot\n%s" % (again, want)


def main():
    qlaw = os.path.abspath(sys.argv[1])
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    folder = tempfile.mkdtemp(prefix="qlaw-hist-")
    c = Cluster(qlaw, folder, random.Random(seed))
    c.fresh()
    code, err = c.call("run", "grid.ini", "--slots", "2")
    assert code == 0, err
    want = c.sql(DUMP)
    assert want.count("|done|") == 8, want
    for i in range(n):
        c.rng = random.Random(seed * 1000003 + i)
        c.fresh()
        happened = ["submit"]
        try:
            c.submit()
            for _ in range(c.rng.randrange(2, 12)):
                happened.append(c.happen())
            c.settle()
            check(c, want)
        except BaseException:
            print("history %d of seed %d: %s\nleft in %s"
                  % (i, seed, ", ".join(happened), folder))
            c.wake()
            raise
    shutil.rmtree(folder)
    print("%d histories, one end state" % n)


if __name__ == "__main__":
    main()
