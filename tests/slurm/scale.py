#!/usr/bin/python3
"""scale.py QLAW [RUNS [POINTS]] - how submitting and collecting grow.

A grid of RUNS runs (10000) is submitted to stub_slurm.py, the records that
workers would leave are written (POINTS curve rows a run, 20), and collected
twice: the second time nothing may come.  Prints times and sizes.  Without RUNS a
grid of half the size is measured, too: how long it takes is the machine's, but a
run of the larger grid may cost at most 1.25 times the processor time of one of
the smaller (where work grew with the square of the runs, it would be twice).
"""
import glob
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

GRID = """[grid]
name = scale
[data]
path = text.txt
val_tokens = 1k
[model]
n_layer = 1
n_head = 1
seq_len = 16
[train]
batch = 4
[sweep]
model.d_model = 16, 32, 48, 64, 80
train.tokens = 16k, 32k, 64k, 128k, 256k, 512k, 1M, 2M
train.lr = log(1e-4, 1e-2, %d)
[seeds]
count = 10
[budget]
max_runs = 10M
[slurm]
target = 10m
max_running = 50
"""

END = ('{"attempt":%d,"end":"2026-11-24T10:00:00.000Z","outcome":"ok",'
       '"state":"done","exit_code":0,"wall_s":9.1,"cpu_s":9,"max_rss":12345}\n')


def write_records(folder, store, points):
    """As slurm/worker.c leaves them."""
    n = 0
    for path in sorted(glob.glob(os.path.join(folder, "runs/bundles/*.jsonl"))):
        with open(path) as f:
            lines = f.read().splitlines()
        for k, line in enumerate(lines[1:]):
            for run in json.loads(line):
                d = "%s/runs/%s-%d" % (folder, run["point"][:12], run["seed"])
                os.makedirs(d, exist_ok=True)
                loss = 1 + int(run["point"][:6], 16) / 2 ** 25
                s = [('{"attempt":%d,"begin":"2026-11-24T09:00:00.000Z",'
                      '"token":"%s","store":"%s","point":"%s","pid":1,'
                      '"start_ticks":1,"boot":"b","host":"node7","env":"",'
                      '"slurm_job":"100_%d"}\n'
                      % (run["attempt"], run["token"], store, run["point"], k))]
                for i in range(1, points + 1):
                    step = run["steps"] * i // points
                    s.append('{"step":%d,"tokens":%d,"train_loss":%.6f,'
                             '"val_loss":null,"lr":0.001,"grad_norm":1.25,'
                             '"wall_s":%.2f}\n' % (step, step * 64,
                                                   loss + 1 / i, i * 0.1))
                s.append('{"final":true,"loss":%.17g,"loss_se":0.01,"steps":%d,'
                         '"tokens":%d,"flops":1e9,"wall_s":9.1}\n'
                         % (loss, run["steps"], run["tokens"]))
                s.append(END % run["attempt"])
                with open("%s/claim-%s.jsonl" % (d, run["token"][:16]),
                          "w") as f:
                    f.write("".join(s))
                n += 1
    return n


def measure(qlaw, runs, points):
    """Seconds of CPU for all of qlaw's own work."""
    folder = tempfile.mkdtemp(prefix="qlaw-scale-",
                              dir=os.environ.get("SCALE_DIR"))
    for name in ("sbatch", "squeue", "scontrol", "sacct", "scancel"):
        os.makedirs(os.path.join(folder, "bin"), exist_ok=True)
        os.symlink(os.path.join(HERE, "stub_slurm.py"),
                   os.path.join(folder, "bin", name))
    with open(os.path.join(folder, "state.json"), "w") as f:
        json.dump({"next": 100, "tasks": [], "max_array": 1001}, f)
    with open(os.path.join(folder, "text.txt"), "w") as f:
        f.write("the quick brown fox jumps over the lazy dog\n" * 400)
    with open(os.path.join(folder, "grid.ini"), "w") as f:
        f.write(GRID % (runs // 400))
    env = dict(os.environ, STUB_SLURM=folder,
               PATH=os.path.join(folder, "bin") + ":" + os.environ["PATH"])

    def cpu():
        r = resource.getrusage(resource.RUSAGE_CHILDREN)
        return r.ru_utime + r.ru_stime

    def timed(*args):
        start, used = time.monotonic(), cpu()
        p = subprocess.run([qlaw, *args], cwd=folder, env=env,
                           capture_output=True)
        took, used = time.monotonic() - start, cpu() - used
        assert p.returncode == 0, p.stderr.decode()
        print("%8d runs  %-8s %6.1f s, %6.1f s of CPU"
              % (runs, args[0], took, used), flush=True)
        return used, p.stdout.decode() + p.stderr.decode()

    def sql(query):
        return subprocess.run(["sqlite3", "qlaw.db", query], cwd=folder,
                              check=True, capture_output=True).stdout.decode()

    submit, said = timed("submit", "grid.ini", "--speed", "1e8")
    with open(os.path.join(folder, "state.json")) as f:
        tasks = len(json.load(f)["tasks"])
    timed("status")
    n = write_records(folder, sql("select value from meta where key='store'")
                      .strip(), points)
    assert n == runs, (n, runs, said)
    with open(os.path.join(folder, "state.json")) as f:
        s = json.load(f)
    for t in s["tasks"]:
        t["state"] = "COMPLETED"
    with open(os.path.join(folder, "state.json"), "w") as f:
        json.dump(s, f)
    collect, said = timed("collect", "--json")
    assert json.loads(said.splitlines()[0])["done"] == runs, said
    again, _ = timed("collect")
    status, _ = timed("status")
    _, said = timed("submit", "grid.ini", "--speed", "1e8")
    assert "nothing to submit" in said, said
    assert sql("select count(*), sum(loss>0) from result").strip() == (
        "%d|%d" % (runs, runs))
    assert int(sql("select count(*) from curve")) == runs * points
    assert not glob.glob(os.path.join(folder, "runs/*/claim-*"))
    size = os.path.getsize(os.path.join(folder, "qlaw.db"))
    rss = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    total = submit + collect + again + status
    print("%8d runs  %d tasks, database %.0f MB, memory %.0f MB, all but the "
          "nodes' work %.1f s of CPU"
          % (runs, tasks, size / 1e6, rss / 1e3, total))
    shutil.rmtree(folder)
    return total


def main():
    qlaw = os.path.abspath(sys.argv[1])
    if len(sys.argv) > 2:
        measure(qlaw, int(sys.argv[2]),
                int(sys.argv[3]) if len(sys.argv) > 3 else 20)
        return
    small, large = 4800, 10000
    a, b = measure(qlaw, small, 20) / small, measure(qlaw, large, 20) / large
    print("CPU a run: %.2f ms and %.2f ms" % (1e3 * a, 1e3 * b))
    assert b <= 1.25 * a, (a, b)


main()
