#!/usr/bin/env python3
"""Make a database as a finished grid leaves it, from a law and a seed.

    make_db.py SOURCE_ROOT OUT KIND

KIND: rich      formats, group sizes, operands, three seeds, failures, curves
      empty     a grid of which nothing has run
      one       a single finished run
      single    one seed, one size
      diverged  every quantized run diverged
      big       5,000 runs with curves
      hostile   names, descriptions and messages read from stdin, NUL between

Losses follow arXiv:2505.14302 eq. 4 and 5 with constants of our own; the random
numbers are Python's.
"""
import hashlib
import json
import math
import os
import random
import re
import sqlite3
import sys

E, A, ALPHA, B, BETA = 1.2, 20.0, 0.34, 26.0, 0.30
GN, GD, GG = 0.22, 0.09, 0.8
OPERANDS = ["W", "A", "dYd", "Wd", "dYg", "Ag"]
SHARE = {"W": 0.42, "A": 0.66, "dYd": 0.3, "Wd": 0.05, "dYg": 0.5, "Ag": 0.04}


def open_db(root, path):
    if os.path.exists(path):
        os.remove(path)
    header = open(os.path.join(root, "db/db.h")).read()
    version = int(re.search(r"#define DB_VERSION\s+(\d+)", header).group(1))
    db = sqlite3.connect(path)
    db.executescript(open(os.path.join(root, "db/schema.sql")).read())
    db.execute("PRAGMA application_id = %d" % 0x514C4157)
    db.execute("PRAGMA user_version = %d" % version)
    db.execute(
        "INSERT INTO env(env_id, fingerprint, qlaw_version, git_commit, "
        "compiler, cflags, cpu_model, isa, cores, kernel, libc, libs_json) "
        "VALUES(1,'0','0.1.0','abc123','gcc 12.2.0','-O3','A CPU','avx2',2,"
        "'Linux 6','2.36','{\"gsl\":\"2.7.1\"}')")
    db.execute(
        "INSERT INTO dataset(dataset_id, name, sha256, tokenizer, vocab, "
        "n_tokens) VALUES(1,'text/*.txt',?,'bytes',256,1000000)", ("ab" * 32,))
    return db


def add_grid(db, name, description):
    text = "[grid]\nname = %s\ndescription = %s\n" % (name, description)
    cur = db.execute(
        "INSERT INTO grid(name, ini_text, ini_sha256, argv) VALUES(?,?,?,?)",
        (name, text, hashlib.sha256(text.encode("utf-8", "surrogateescape"))
         .hexdigest(), "qlaw run %s.ini" % name))
    return cur.lastrowid


def cost(fmt, ops, n, d, g):
    """Loss above the twin."""
    exp, man = split(fmt)
    size = 0.9 * 2.0 ** (-0.62 * (man + 0.72 * exp))
    if exp == 0:
        size *= 1.7
    parts = sum(SHARE[o] for o in ops)
    whole = parts if len(ops) == 1 else 0.9 * parts
    return 2.2 * size * whole * d ** GD * math.log2(g) ** GG / n ** GN


def split(fmt):
    if fmt.startswith("int"):
        return 0, int(fmt[3:]) - 1
    m = re.fullmatch(r"e(\d+)m(\d+)", fmt)
    return int(m.group(1)), int(m.group(2))


def base_loss(n, d):
    return E + A / n ** ALPHA + B / d ** BETA


class Grid:
    def __init__(self, db, name, description):
        self.db, self.id, self.n = db, add_grid(db, name, description), 0

    def point(self, width, d, fmt=None, ops=(), g=None, arm=None, seeds=(1,)):
        n = 2 * 13 * width * width
        twin = hashlib.sha256(("%d %d" % (width, d)).encode()).hexdigest()[:16]
        key = "%d %d %s %s %s %s" % (width, d, fmt, ops, g, arm)
        pid = twin if fmt is None else \
            hashlib.sha256(key.encode("utf-8", "surrogateescape")) \
            .hexdigest()[:16]
        exp, man = (8, 23) if fmt is None else split(fmt)
        if arm is None:
            arm = "unquantized" if fmt is None else \
                "%s %s g%d" % (fmt, "+".join(ops), g)
        self.db.execute(
            "INSERT OR IGNORE INTO point(point_id, config, twin_id, is_base, "
            "dataset_id, n_layer, d_model, n_embed, n_head_params, n_body, "
            "n_other, tokens, fmt, exp_bits, man_bits, group_size, act_fmt, "
            "grad_fmt, flops_plan, mem_plan, gran, g_eff, arm) "
            "VALUES(?,?,?,?,1,2,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (pid, json.dumps({"key": key.encode("ascii", "replace").decode()}),
             twin, fmt is None, width, 256 * width, 256 * width, n, 5 * width,
             d, fmt or "fp32", exp, man, g, fmt if "A" in ops else None,
             fmt if {"dYd", "dYg"} & set(ops) else None,
             6.0 * n * d, 1 << 20, "group" if g else None, g, arm))
        self.n += 1
        self.db.execute(
            "INSERT OR IGNORE INTO grid_point(grid_id, point_id, ordinal, block, "
            "seeds) VALUES(?,?,?,'',?)", (self.id, pid, self.n,
                                          json.dumps(list(seeds))))
        return pid, n

    def run(self, pid, seed, state, n, d, loss=None, message=None, curve=None):
        cur = self.db.execute(
            "INSERT INTO run(point_id, seed, data_seed, state, attempts) "
            "VALUES(?,?,?,?,?)", (pid, seed, seed, state, state != "pending"))
        run = cur.lastrowid
        if state == "pending":
            return run
        wall = 6.0 * n * d / 4e9 * random.uniform(0.9, 1.25)
        self.db.execute(
            "INSERT INTO attempt(run_id, number, env_id, backend, started_at, "
            "ended_at, outcome, message, wall_s) VALUES(?,1,1,'local',"
            "'2026-11-24T11:00:00Z','2026-11-24T11:01:00Z',?,?,?)",
            (run, {"done": "ok", "diverged": "diverged"}.get(state, "error"),
             message, wall))
        if loss is not None:
            self.db.execute(
                "INSERT INTO result(run_id, loss, loss_se, train_loss, steps, "
                "tokens, flops, wall_s, tok_per_s) VALUES(?,?,0.01,?,100,?,?,?,"
                "?)", (run, loss, loss, d, 6.0 * n * d, wall, d / wall))
        if curve:
            self.db.executemany(
                "INSERT INTO curve(run_id, step, tokens, train_loss) "
                "VALUES(?,?,?,?)",
                [(run, i, t, v) for i, (t, v) in enumerate(curve)])
        return run

    def train(self, width, d, fmt=None, ops=(), g=None, arm=None, seeds=(1,),
              curves=False):
        pid, n = self.point(width, d, fmt, ops, g, arm, seeds)
        for seed in seeds:
            rng = random.Random("%d %d %d" % (width, d, seed))
            shared = rng.gauss(0, 0.008)
            extra = cost(fmt, ops, n, d, g) if fmt else 0
            loss = base_loss(n, d) + shared + extra
            if fmt:
                loss += random.gauss(0, 0.0015)
            curve = None
            if curves:
                curve = []
                for i in range(1, 61):
                    t = d * (i / 60) ** 2
                    v = base_loss(n, t) + extra * (i / 60) ** 1.5 \
                        + rng.gauss(0, 0.05)
                    if t >= 1:
                        curve.append((int(t), v))
            self.run(pid, seed, "done", n, d, loss, None, curve)


def add_fit(db, grid, law="qat-delta"):
    """The true law as a stored fit, as if it had been found."""
    formats = [r[0] for r in db.execute(
        "SELECT DISTINCT fmt FROM point WHERE is_base = 0")]
    expr = "loss = E + A/N^alpha + B/D^beta + k*D^gD*log2(G)^gG/N^gN"
    cur = db.execute(
        "INSERT INTO fit(name, law, expr, n_def, selection, loss_fn, n_starts, "
        "rng_seed, n_points, n_params, rmse, r2, converged, status, "
        "data_sha256, created_at) VALUES(?,?,?,'body',?,'l2',12,1,0,?,0.004,"
        "0.999,1,'ok','0','2026-11-24T12:00:00Z')",
        (grid + " " + law, law, expr,
         json.dumps({"grid": grid, "argv": ["qlaw", "fit", grid]}),
         8 + len(formats)))
    fit = cur.lastrowid
    params = {"E": E, "A": A, "alpha": ALPHA, "B": B, "beta": BETA, "gN": GN,
              "gD": GD, "gG": GG}
    for f in formats:
        exp, man = split(f)
        params["k[%s]" % f] = cost(f, ["W", "A"], 1, 1, 2)
    for name, v in params.items():
        db.execute("INSERT INTO fit_param VALUES(?,?,?,?,?,?,0)",
                   (fit, name, v, abs(v) * 0.02, v * 0.96, v * 1.04))
    rows = db.execute("SELECT run_id, loss, N, D, G, fmt, is_base FROM runs "
                      "WHERE state = 'done'").fetchall()
    for run, loss, n, d, g, fmt, is_base in rows:
        mu = base_loss(n, d)
        if not is_base:
            mu += params["k[%s]" % fmt] * d ** GD * math.log2(g) ** GG / n ** GN
        db.execute("INSERT INTO fit_point(fit_id, run_id, role, observed, "
                   "predicted) VALUES(?,?,?,?,?)",
                   (fit, run, "holdout" if n > 1e6 else "train", loss, mu))
    db.execute("UPDATE fit SET n_points = ? WHERE fit_id = ?",
               (len(rows), fit))


def rich(db):
    g = Grid(db, "rich", "What do four-bit formats cost, and which split of "
                         "bits is best?")
    widths, tokens, seeds = [32, 64, 128, 256], [2**18, 2**20, 2**22, 2**24], \
        [1, 2, 3]
    wa = ("W", "A")
    for w in widths:
        for d in tokens:
            last = d == tokens[-1]
            g.train(w, d, seeds=seeds, curves=last)
            for fmt in ("int4", "e2m1"):
                for size in (32, 64, 128):
                    g.train(w, d, fmt, wa, size, seeds=seeds, curves=last)
                    g.train(w, d, fmt, ("W",), size, seeds=[1])
                    g.train(w, d, fmt, ("A",), size, seeds=[1])
            for fmt in ("e1m2", "e3m0", "e1m1", "e2m0", "e3m2", "e2m3", "e1m4",
                        "e4m3", "e5m2", "e3m4"):
                g.train(w, d, fmt, wa, 32, seeds=[1])
    w, d = widths[-2], tokens[-2]
    for op in OPERANDS[2:]:
        g.train(w, d, "e2m1", (op,), 32, seeds=seeds)
    g.train(w, d, "e2m1", tuple(OPERANDS), 32, seeds=seeds)
    for i, w in enumerate(widths):
        pid, n = g.point(w, tokens[0], "e3m0", wa, 128)
        g.run(pid, 1, ["diverged", "failed", "pending", "diverged"][i], n,
              tokens[0], None, "gradient norm 412 > 100 at step 118")


def simple(db, kind):
    g = Grid(db, kind, "A small grid")
    if kind == "empty":
        for w in (32, 64):
            pid, n = g.point(w, 2**18)
            g.run(pid, 1, "pending", n, 2**18)
    elif kind == "one":
        g.train(32, 2**18, curves=True)
    elif kind == "single":
        g.train(32, 2**18, curves=True)
        g.train(32, 2**18, "int4", ("W",), 32, curves=True)
    else:
        for w in (32, 64):
            g.train(w, 2**18)
            pid, n = g.point(w, 2**18, "int3", ("W", "A"), 32)
            g.run(pid, 1, "diverged", n, 2**18, None, "loss is not a number")


def big(db):
    g = Grid(db, "big", "Five thousand runs")
    widths = [32, 48, 64, 96, 128, 192, 256, 384, 512, 768]
    tokens = [2**k for k in range(18, 28)]
    formats = ["int4", "int3", "e2m1", "e1m2", "e3m0", "e2m3", "e3m2", "e4m3"]
    for w in widths:
        for d in tokens:
            g.train(w, d, seeds=[1, 2], curves=True)
            for fmt in formats:
                for size in (16, 32, 64, 128, 256, 512):
                    g.train(w, d, fmt, ("W", "A"), size, curves=True)


def hostile(db):
    labels = sys.stdin.buffer.read().split(b"\0")
    labels = [x.decode("utf-8", "surrogateescape") for x in labels if x]
    db.text_factory = bytes
    g = Grid(db, "hostile", labels[0])
    sizes = [(w, d) for w in (32, 64, 128) for d in (2**18, 2**20)]
    for w, d in sizes:
        g.train(w, d, curves=True)
        for i, label in enumerate(labels[:6]):  # in every figure
            g.train(w, d, "int4", ("W", "A"), 32, arm="label %d" % i,
                    curves=True)
            db.execute("UPDATE point SET arm = CAST(? AS TEXT) WHERE arm = ?",
                       (label.encode("utf-8", "surrogateescape"),
                        "label %d" % i))
    for i, label in enumerate(labels):
        w, d = sizes[i % 6]
        raw = label.encode("utf-8", "surrogateescape")
        pid, n = g.point(w, d, "int4", ("W", "A"), 33 + i, arm="label %d" % i)
        g.run(pid, 1, "done", n, d, base_loss(n, d) + 0.1 + 0.001 * i)
        # Bytes that are not UTF-8 reach a TEXT column only as a cast.
        db.execute("UPDATE point SET arm = CAST(? AS TEXT) WHERE point_id = ?",
                   (raw, pid))
        pid, n = g.point(w, d, "int5", ("W", "A"), 32 + i, arm="failed %d" % i)
        run = g.run(pid, 1, "failed", n, d, None, "x")
        db.execute("UPDATE attempt SET message = CAST(? AS TEXT) "
                   "WHERE run_id = ?", (raw, run))


def main():
    root, path, kind = sys.argv[1:4]
    random.seed(20261124)
    db = open_db(root, path)
    if kind == "rich":
        rich(db)
        add_fit(db, "rich")
    elif kind == "big":
        big(db)
        add_fit(db, "big")
    elif kind == "hostile":
        hostile(db)
    else:
        simple(db, kind)
    db.commit()
    db.close()


main()
