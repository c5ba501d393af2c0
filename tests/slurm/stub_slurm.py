#!/usr/bin/python3
"""stub_slurm.py - plays sbatch, squeue, scontrol, sacct and scancel.

Called by one of these names (links in a folder that is first in PATH).  The
folder $STUB_SLURM holds its state, state.json:

    {"next": 100, "max_array": 1001, "mode": {"sbatch": "ok", ...},
     "tasks": [{"job", "task", "state", "name", "script", "limit_s"}]}

It runs nothing: whoever drives a test changes the states of tasks, runs
workers or not, and sets modes, which say how a command misbehaves:

    sbatch   ok refuse odd late-taken late-lost
    squeue   ok fail empty banner cut other garbage stale hang
    scontrol ok fail forgetful other garbage hang
    sacct    fail ok empty other garbage hang

"other" is the cluster next door, which has jobs of the same numbers and not
ours; "stale" the answer of a while ago.

What it answers has the form that Slurm 22.05 gave on Debian 12.
"""
import contextlib
import fcntl
import json
import os
import re
import sys
import time

HOME = os.environ["STUB_SLURM"]
ALIVE = ("PENDING", "RUNNING", "REQUEUED")


@contextlib.contextmanager
def state(write=False):
    with open(os.path.join(HOME, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = os.path.join(HOME, "state.json")
        with open(path) as f:
            s = json.load(f)
        yield s
        if write:
            with open(path + ".new", "w") as f:
                json.dump(s, f)
            os.replace(path + ".new", path)


def mode(s, name, usual):
    return s.get("mode", {}).get(name, usual)


def fail(text, code=1):
    print(text, file=sys.stderr)
    sys.exit(code)


def lie(how, lines):
    """Prints lines as asked, and exits 0 whatever it prints."""
    text = "".join(line + "\n" for line in lines)
    if how == "hang":
        time.sleep(60)
    elif how == "banner":
        text = "Welcome to alpha.  Maintenance on Monday.\n" + text
    elif how == "cut":
        text = text[:len(text) * 2 // 3]
    elif how == "empty":
        text = ""
    elif how == "other":
        text = "".join("%s|%d|RUNNING|theirs\n" % (line.split("|")[0], i)
                       for i, line in enumerate(lines)) + "7|N/A|RUNNING|x\n"
    elif how == "garbage":
        text = "\x1b[1m\x80|\x01|%s|\n\n||||\n9999999999999|0|RUNNING|\n"
    sys.stdout.buffer.write(text.encode("latin-1"))


def sbatch(args):
    if args == ["--version"]:
        print("slurm 22.05.8")
        return
    script = open(args[-1]).read()
    option = dict(re.findall(r'^#SBATCH --([a-z-]+)=(.*)$', script, re.M))
    m = re.fullmatch(r"0-(\d+)(?:%(\d+))?", option.get("array", ""))
    last = int(m[1]) if m else 0
    d = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):(\d+)", option["time"])
    limit = ((int(d[1] or 0) * 24 + int(d[2])) * 60 + int(d[3])) * 60 + int(d[4])
    with state(write=True) as s:
        how = mode(s, "sbatch", "ok")
        if last >= s.get("max_array", 1001):
            fail("sbatch: error: Batch job submission failed: Invalid job "
                 "array specification")
        if how == "refuse":
            fail("sbatch: error: Batch job submission failed: Job violates "
                 "accounting/QOS policy (job submit limit, user's size and/or "
                 "time limits)")
        if how == "late-lost":
            fail("sbatch: error: Batch job submission failed: Socket timed "
                 "out on send/recv operation")
        job = s["next"]
        s["next"] += last + 2
        for i in range(last + 1):
            s["tasks"].append({"job": job, "task": i if m else -1,
                               "state": "PENDING", "name": option["job-name"],
                               "script": args[-1], "limit_s": limit,
                               "args": args[1:-1]})
    if how == "late-taken":
        fail("sbatch: error: Batch job submission failed: Socket timed out on "
             "send/recv operation")
    print("Submitted, I think" if how == "odd" else job)


def squeue(args):
    with state() as s:
        if mode(s, "squeue", "ok") == "fail":
            fail("slurm_load_jobs error: Unable to contact slurm controller "
                 "(connect failure)")
        assert args[-1] == "%F|%K|%T|%j", args
        lines = ["%d|%s|%s|%s" % (t["job"],
                                  t["task"] if t["task"] >= 0 else "N/A",
                                  t["state"], t["name"])
                 for t in s["tasks"] if t["state"] in ALIVE]
        how = mode(s, "squeue", "ok")
    path = os.path.join(HOME, "squeue.last")
    if how == "ok":
        with open(path, "w") as f:
            f.write("\n".join(lines))
    if how == "stale":
        lines = open(path).read().split("\n") if os.path.exists(path) else []
        lines = [line for line in lines if line]
    lie(how, lines)


def scontrol(args):
    with state() as s:
        how = mode(s, "scontrol", "ok")
        if how == "fail":
            fail("slurm_load_jobs error: Unable to contact slurm controller")
        if how in ("garbage", "hang"):
            lie(how, [])
            return
        if args[:2] == ["show", "config"]:
            print("Configuration data as of 2026-11-24T13:00:00")
            if s.get("cluster"):
                print("ClusterName             = %s"
                      % ("next-door" if how == "other" else s["cluster"]))
            print("MaxArraySize            = %d\nMaxJobCount             = "
                  "10000" % s.get("max_array", 1001))
            return
        assert args[:3] == ["-o", "show", "job"], args
        tasks = [t for t in s["tasks"] if t["job"] == int(args[3])]
        if how == "forgetful" or not tasks:
            fail("slurm_load_jobs error: Invalid job id specified")
        for t in tasks:
            print("JobId=%d ArrayJobId=%d ArrayTaskId=%d JobName=%s "
                  "UserId=root(0) JobState=%s Reason=None ExitCode=0:0"
                  % (t["job"] + t["task"] + 1, t["job"], t["task"],
                     *(("theirs", "FAILED") if how == "other" else
                       (t["name"], t["state"]))))


def sacct(args):
    with state() as s:
        how = mode(s, "sacct", "fail")
        if how == "fail":
            fail("Slurm accounting storage is disabled")
        if how in ("empty", "garbage", "hang"):
            lie(how, [])
            return
        job = int(args[args.index("-j") + 1])
        for t in s["tasks"]:
            if t["job"] == job:
                print("%d_%d|%s|%s" % (job, t["task"], t["state"] + (
                    " by 0" if t["state"] == "CANCELLED" else ""), t["name"])
                      if how == "ok" else
                      "%d_%d|COMPLETED|qlaw:else:0123abcd" % (job, t["task"]))


def scancel(args):
    m = re.fullmatch(r"(\d+)_\[([\d,-]+)\]", args[-1])
    job = int(m[1] if m else args[-1])
    tasks = set()
    for part in m[2].split(",") if m else []:
        a, _, b = part.partition("-")
        tasks.update(range(int(a), int(b or a) + 1))
    with state(write=True) as s:
        for t in s["tasks"]:
            if t["job"] == job and (not m or t["task"] in tasks) and (
                    t["state"] in ALIVE):
                t["state"] = "CANCELLED"


{"sbatch": sbatch, "squeue": squeue, "scontrol": scontrol, "sacct": sacct,
 "scancel": scancel}[os.path.basename(sys.argv[0])](sys.argv[1:])
