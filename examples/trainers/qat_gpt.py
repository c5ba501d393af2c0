#!/usr/bin/python3
"""qat_gpt.py - a PyTorch trainer for qlaw: a Llama-style decoder with fake
quantization of its linear layers, on a CPU or, unchanged, on a GPU.

    [trainer]
    kind     = exec
    command  = /usr/bin/python3 qat_gpt.py --config ${job.config} --dir ${job.dir}
    revision = 1

It is the same model as the built-in trainer: given the same initial weights and
batches (--weights, a file of `qlaw train --dump-weights`) its losses agree with
the built-in ones.  What it does not support ends with 64, so that such points
are skipped, not failed.  Debian: apt-get install python3-torch.
"""
import argparse
import glob
import gzip
import json
import math
import os
import re
import signal
import sys
import time

import torch
import torch.nn.functional as F

DONE, UNSUPPORTED, DIVERGED, SAVED = 0, 64, 65, 75


def unsupported(what):
    print("not supported:", what, file=sys.stderr)
    sys.exit(UNSUPPORTED)


# --- quantizers --------------------------------------------------------------

def round_int(x, bits):
    largest = 2 ** (bits - 1) - 1
    return torch.clamp(torch.round(x), -largest - 1, largest)  # ties to even


def round_float(x, exp_bits, man_bits, largest):
    bias = 2 ** (exp_bits - 1) - 1
    # frexp gives mantissas in [0.5, 1); below the normal numbers the step stays
    exponent = torch.frexp(x.abs())[1] - 1
    exponent = torch.clamp(exponent, min=1 - bias)
    step = torch.ldexp(torch.ones_like(x), exponent - man_bits)
    return torch.clamp(torch.round(x / step) * step, -largest, largest)


def element_format(name):
    """A rounding function and the largest magnitude, which the scale maps to."""
    m = re.fullmatch(r"int(\d)", name)
    if m:
        bits = int(m[1])
        return (lambda x: round_int(x, bits)), float(2 ** (bits - 1) - 1)
    m = re.fullmatch(r"e([2-5])m([0-3])", name)
    if not m:
        unsupported("format " + name)
    e, mant = int(m[1]), int(m[2])
    # OCP: e4m3 and e5m2 give codes away to NaN and infinity, the others none
    largest = {(4, 3): 448.0, (5, 2): 57344.0}.get(
        (e, mant), (2 - 2.0 ** -mant) * 2.0 ** (2 ** (e - 1)))
    return (lambda x: round_float(x, e, mant, largest)), largest


class Quantizer:
    """format/gN|row|tensor/fp32|bf16|e8m0, absmax, nearest."""

    def __init__(self, text, quant):
        parts = text.split("/")
        self.text = text
        self.rounding, self.largest = element_format(parts[0])
        group, scale = quant["group"], quant["scale"]
        for part in parts[1:]:
            if re.fullmatch(r"g\d+|row|tensor", part):
                group = part.lstrip("g")
            elif part in ("fp32", "bf16", "e8m0"):
                scale = part
            elif part not in ("absmax", "nearest"):
                unsupported("quantizer " + text)
        if quant["range"] != "absmax" or quant["round"] != "nearest":
            unsupported("range or rounding")
        if scale not in ("fp32", "bf16", "e8m0"):
            unsupported("scale " + scale)
        self.group, self.scale = group, scale

    def scales(self, amax):
        s = amax.float() / self.largest
        if self.scale == "bf16":
            s = s.bfloat16().float()
        elif self.scale == "e8m0":  # the next power of two: never clips
            mant, exponent = torch.frexp(s)
            s = torch.ldexp(torch.ones_like(s), exponent - (mant == 0.5).int())
            s = torch.where(amax > 0, s, torch.zeros_like(s))
        return torch.where(s == 0, torch.ones_like(s), s)

    def __call__(self, x, axis):
        """x [rows, cols] in parts along the axis that the product sums over."""
        y = x if axis == 1 else x.t()
        lines, k = y.shape
        if self.group == "tensor":
            parts = y.reshape(1, 1, -1)
        else:
            size = k if self.group == "row" else int(self.group)
            if k % size:
                unsupported("group %d does not divide %d" % (size, k))
            parts = y.reshape(lines, k // size, size)
        scale = self.scales(parts.abs().amax(-1, keepdim=True)).to(x.dtype)
        codes = self.rounding((parts / scale).float()).to(x.dtype)
        y = (codes * scale).reshape(lines, k)
        return y if axis == 1 else y.t()


class Product(torch.autograd.Function):
    """Y = X W^T; the gradients pass the quantizers straight through."""

    @staticmethod
    def forward(ctx, x, w, q):
        qx = q["x"](x, 1) if q["x"] else x
        qw = q["w"](w, 1) if q["w"] else w
        ctx.save_for_backward(x, w, qx, qw)
        ctx.q = q
        return qx @ qw.t()

    @staticmethod
    def backward(ctx, dy):
        x, w, qx, qw = ctx.saved_tensors
        q = ctx.q
        w_d = qw if q["w_d"] == "forward" else q["w_d"](w, 0) if q["w_d"] else w
        x_g = qx if q["x_g"] == "forward" else q["x_g"](x, 0) if q["x_g"] else x
        dy_d = q["dy_d"](dy, 1) if q["dy_d"] else dy
        dy_g = q["dy_g"](dy, 0) if q["dy_g"] else dy
        return dy_d @ w_d, dy_g.t() @ x_g, None


def read_quantizers(quant):
    if quant.get("layers") or quant["grad"] != "ste":
        unsupported("layer overrides or clipped gradients")
    q = {}
    for name in ("w", "x", "dy_d", "w_d", "dy_g", "x_g"):
        text = quant[name]
        q[name] = (text if text == "forward" else None if text == "none"
                   else Quantizer(text, quant))
    return q


# --- the model ---------------------------------------------------------------

def linear(x, w, q):
    flat = x.reshape(-1, x.shape[-1])
    return Product.apply(flat, w, q).reshape(*x.shape[:-1], -1)


def norm(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def rope(x, theta):
    """Pairs (i, i + h/2) of each head of x [B, T, heads, h]."""
    half = x.shape[-1] // 2
    f64 = {"dtype": torch.float64, "device": x.device}
    turn = theta ** (-torch.arange(half, **f64) / half)
    angle = torch.outer(torch.arange(x.shape[1], **f64), turn)
    cos = angle.cos()[None, :, None, :].to(x.dtype)
    sin = angle.sin()[None, :, None, :].to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def init(m, generator):
    """Weights by (name, layer); projections into the residual are smaller."""
    d, f, v = m["d_model"], m["d_ff"], m["vocab"]
    kv = d // m["n_head"] * m["n_kv_head"]
    std, layers = m["init_std"], m["n_layer"]
    small = std / math.sqrt(2 * layers)
    p = {("embed", -1): (v, d, std)}
    for i in range(layers):
        p["qkv", i], p["o", i] = (d + 2 * kv, d, std), (d, d, small)
        p["fc1", i], p["fc2", i] = (2 * f, d, std), (d, f, small)
    if not m["tied"]:
        p["head", -1] = (v, d, std)
    w = {k: torch.randn(r, c, generator=generator) * s
         for k, (r, c, s) in p.items()}
    for i in range(layers):
        w["norm1", i], w["norm2", i] = torch.ones(d), torch.ones(d)
    w["norm_f", -1] = torch.ones(d)
    return w


def forward(p, m, q, tokens, targets):
    """The loss of every token, [B, T]."""
    d, heads, kv = m["d_model"], m["n_head"], m["n_kv_head"]
    size, eps = d // heads, m["norm_eps"]
    B, T = tokens.shape
    mask = torch.ones(T, T, dtype=torch.bool, device=tokens.device).triu(1)
    x = p["embed", -1][tokens]
    for i in range(m["n_layer"]):
        qkv = linear(norm(x, p["norm1", i], eps), p["qkv", i], q)
        query, key, value = qkv.split([d, kv * size, kv * size], -1)
        query = rope(query.reshape(B, T, heads, size), m["rope_theta"])
        key = rope(key.reshape(B, T, kv, size), m["rope_theta"])
        key = key.repeat_interleave(heads // kv, 2)
        value = value.reshape(B, T, kv, size).repeat_interleave(heads // kv, 2)
        scores = torch.einsum("bthc,bshc->bhts", query, key) / math.sqrt(size)
        scores = scores.masked_fill(mask, float("-inf")).softmax(-1)
        mixed = torch.einsum("bhts,bshc->bthc", scores, value)
        x = x + linear(mixed.reshape(B, T, d), p["o", i], q)
        gate, up = linear(norm(x, p["norm2", i], eps), p["fc1", i], q).chunk(2, -1)
        x = x + linear(F.silu(gate) * up, p["fc2", i], q)
    head = p["embed" if m["tied"] else "head", -1]
    logits = norm(x, p["norm_f", -1], eps) @ head.t()
    return F.cross_entropy(logits.reshape(B * T, -1), targets.reshape(-1),
                           reduction="none").reshape(B, T)


def count(p):
    """Parameters in the conventions of the laws."""
    n = {"n_body": 0, "n_embed": 0, "n_head_params": 0, "n_other": 0}
    kinds = {"qkv": "n_body", "o": "n_body", "fc1": "n_body", "fc2": "n_body",
             "embed": "n_embed", "head": "n_head_params"}
    for (name, _), w in p.items():
        n[kinds.get(name, "n_other")] += w.numel()
    return n


# --- data --------------------------------------------------------------------

class Text:
    """Bytes of the files; the last part is held out for validation."""

    def __init__(self, data, m):
        paths = data["path"] if isinstance(data["path"], list) else [data["path"]]
        raw = b""
        for pattern in paths:
            for path in sorted(glob.glob(pattern)):
                if path.endswith((".zst", ".u16")):
                    unsupported(path)
                opener = gzip.open if path.endswith(".gz") else open
                raw += opener(path, "rb").read()
        if data["max_bytes"]:
            raw = raw[:data["max_bytes"]]
        tokens = torch.frombuffer(bytearray(raw), dtype=torch.uint8).long()
        self.seq = m["seq_len"]
        cut = len(tokens) - max(int(len(tokens) * data["val_fraction"]),
                                self.seq + 1)
        self.train, held = tokens[:cut], tokens[cut:]
        n = max(1, min(data["val_tokens"], len(held) - 1) // self.seq)
        self.val = torch.stack([held[i * self.seq:i * self.seq + self.seq + 1]
                                for i in range(n)])

    def batch(self, size, seed, step):
        g = torch.Generator().manual_seed(seed * 1000003 + step)
        at = torch.randint(len(self.train) - self.seq, (size,), generator=g)
        w = torch.stack([self.train[i:i + self.seq + 1] for i in at])
        return w[:, :-1], w[:, 1:]


def read_dump(path):
    """Initial weights and batches of `qlaw train --dump-weights`."""
    data = open(path, "rb").read()
    at = data.index(b"\n") + 1
    head, weights, batches = json.loads(data[:at]), {}, []
    for t in head["tensors"]:
        n = t["rows"] * t["cols"]
        w = torch.frombuffer(bytearray(data[at:at + 4 * n]), dtype=torch.float32)
        weights[t["name"], t["layer"]] = (
            w if t["rows"] == 1 else w.reshape(t["rows"], t["cols"]))
        at += 4 * n
    n = head["batch"] * head["seq"]
    for _ in range(head["batches"]):
        two = torch.frombuffer(bytearray(data[at:at + 8 * n]), dtype=torch.int32)
        batches.append(two.long().reshape(2, head["batch"], head["seq"]))
        at += 8 * n
    return weights, batches


# --- training ----------------------------------------------------------------

def rate(train, steps, step):
    peak, last = train["lr"], train["lr"] * train["lr_final"]
    warmup = train["warmup"]  # in steps: the configuration is resolved
    if step < warmup:
        return peak * (step + 1) / warmup
    if train["schedule"] == "cosine":
        share = (step - warmup) / (steps - warmup)
        return last + (peak - last) * (1 + math.cos(math.pi * share)) / 2
    decay = math.floor(train["decay"] * steps + 0.5)
    if train["schedule"] == "constant" or step < steps - decay:
        return peak
    return peak + (last - peak) * (step - (steps - decay) + 1) / (decay + 1)


def clip(params, largest):
    total = math.sqrt(sum(w.grad.double().pow(2).sum().item() for w in params))
    if 0 < largest < total:
        for w in params:
            w.grad *= largest / total
    return total


class Run:
    def __init__(self, args):
        job = json.load(open(args.config))
        self.m, self.train, self.run = job["model"], job["train"], job["run"]
        self.job, self.dir = job, args.dir
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.dtype = getattr(torch, args.dtype)
        self.q = read_quantizers(job["quant"])
        self.text = Text(job["data"], self.m)
        per_step = self.train["batch"] * self.m["seq_len"]
        self.steps = self.train["tokens"] // per_step
        self.per_step, self.batches = per_step, []
        generator = torch.Generator().manual_seed(job["seed"])
        weights = init(self.m, generator)
        if args.weights:
            weights, self.batches = read_dump(args.weights)
        self.p = {k: w.to(self.device, self.dtype).requires_grad_()
                  for k, w in weights.items()}
        t = self.train
        self.opt = torch.optim.AdamW(
            [{"params": [w for w in self.p.values() if w.dim() == 2],
              "weight_decay": t["weight_decay"]},
             {"params": [w for w in self.p.values() if w.dim() == 1],
              "weight_decay": 0.0}],
            lr=1.0, eps=t["eps"], betas=(t["beta1"], t["beta2"]))
        self.step, self.start = 0, time.monotonic()
        self.out = open(os.environ.get("QLAW_METRICS", "/dev/stdout"), "a",
                        buffering=1)
        self.stop = False
        for s in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(s, self.on_stop)

    def on_stop(self, *_):
        self.stop = True  # the loop acts on it, between two steps

    def report(self, **record):
        self.out.write(json.dumps(record) + "\n")

    # A state appears whole, by its rename, or not at all.
    def save(self):
        if not self.dir:
            return
        path = os.path.join(self.dir, "checkpoint.pt")
        torch.save({"step": self.step, "opt": self.opt.state_dict(),
                    "p": {k: w.detach() for k, w in self.p.items()}},
                   path + ".new")
        os.replace(path + ".new", path)
        self.saved = time.monotonic()

    def load(self):
        path = os.path.join(self.dir, "checkpoint.pt") if self.dir else ""
        self.saved = time.monotonic()
        if not os.path.exists(path):
            return
        state = torch.load(path, map_location=self.device)
        with torch.no_grad():
            for k, w in self.p.items():
                w.copy_(state["p"][k])
        self.opt.load_state_dict(state["opt"])
        self.step = state["step"]

    def batch(self):
        if self.step < len(self.batches):
            two = self.batches[self.step]
        else:
            two = self.text.batch(self.train["batch"], self.job["data_seed"],
                                  self.step)
        return two[0].to(self.device), two[1].to(self.device)

    def one_step(self):
        lr = rate(self.train, self.steps, self.step)
        for group in self.opt.param_groups:
            group["lr"] = lr
        self.opt.zero_grad(set_to_none=True)
        loss = forward(self.p, self.m, self.q, *self.batch()).mean()
        loss.backward()
        total = clip(list(self.p.values()), self.train["grad_clip"])
        if not math.isfinite(loss.item()) or not math.isfinite(total):
            self.report(final=True, diverged=True, step=self.step,
                        reason="not finite at step %d" % self.step)
            sys.exit(DIVERGED)
        self.opt.step()
        self.step += 1
        return loss.item(), lr, total

    @torch.no_grad()
    def evaluate(self):
        """Mean loss on the held-out text, and its standard error."""
        losses, size = [], self.train["batch"]
        for w in self.text.val.split(size):
            w = w.to(self.device)
            losses += forward(self.p, self.m, self.q, w[:, :-1],
                              w[:, 1:]).double().mean(1).tolist()
        mean = sum(losses) / len(losses)
        var = sum((x - mean) ** 2 for x in losses) / max(1, len(losses) - 1)
        return mean, math.sqrt(var / len(losses))

    def loop(self):
        every = self.run["log_every"] or max(1, self.steps // 100)
        keep = self.run["checkpoint"]
        deadline = float(os.environ.get("QLAW_DEADLINE", "inf"))
        total, since = 0.0, 0
        while self.step < self.steps:
            loss, lr, grad_norm = self.one_step()
            total, since = total + loss, since + 1
            if self.step % every == 0 or self.step in (1, self.steps):
                self.report(step=self.step, tokens=self.step * self.per_step,
                            train_loss=total / since, lr=lr,
                            grad_norm=grad_norm,
                            wall_s=time.monotonic() - self.start)
                total, since = 0.0, 0
            self.stop = self.stop or time.time() > deadline - 30
            if self.stop or (keep and time.monotonic() - self.saved > keep):
                self.save()
            if self.stop and self.step < self.steps:
                sys.exit(SAVED)

    def finish(self):
        loss, se = self.evaluate()
        n, m = count(self.p), self.m
        tokens = self.steps * self.per_step
        matrices = n["n_body"] + m["vocab"] * m["d_model"]
        attention = m["n_layer"] * m["seq_len"] * m["d_model"]  # causal half
        wall = time.monotonic() - self.start
        self.report(final=True, loss=loss, loss_se=se, steps=self.steps,
                    tokens=tokens, flops=6.0 * (matrices + attention) * tokens,
                    wall_s=wall, tok_per_s=tokens / wall, **n)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", required=True)
    parser.add_argument("--dir", default="")
    parser.add_argument("--weights", help="start from this dump and its batches")
    parser.add_argument("--dtype", default="float32",
                        choices=["float32", "float64", "bfloat16"])
    run = Run(parser.parse_args())
    run.load()
    run.loop()
    run.finish()


main()
