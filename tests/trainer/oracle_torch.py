#!/usr/bin/python3
"""oracle_torch.py - records oracle_curve.h: short loss curves of an independent
implementation of the trainer, in PyTorch (Debian: python3-torch).

Usage: oracle_torch.py TEST_PROGRAM > oracle_curve.h

TEST_PROGRAM is the built test_trainer_oracle; called with `dump ARM FILE` it
writes the initial weights and the batches of an arm (trainer/dump.h).  From
these and the configuration alone the model, its gradients (automatic
differentiation), the clipping, AdamW and the schedule are made again here;
nothing else is shared with the C code.  Formulas follow the papers:
RMSNorm 1910.07467, RoPE 2104.09864, SwiGLU 2002.05202, AdamW 1711.05101,
absmax fake quantization with a straight-through gradient 2505.14302 eq. 6-7,
operands of the backward products 2501.02423 section 3.1.

The curves are computed in double precision.  In single precision a value
within a rounding error of a tie takes the other code sooner or later, and from
then on two quantized runs part: PyTorch's own curves in float and double differ
by the numbers printed beside each arm.  Scales and the quotients that are
rounded are floats, as the definition of the quantizer says.
"""
import json
import math
import os
import subprocess
import sys
import tempfile

import torch
import torch.nn.functional as F

ARMS = ["plain", "int4", "tied", "backward"]


def read_dump(path, dtype):
    data = open(path, "rb").read()
    end = data.index(b"\n")
    head = json.loads(data[:end])
    at = end + 1
    weights = {}
    for t in head["tensors"]:
        n = t["rows"] * t["cols"]
        w = torch.frombuffer(bytearray(data[at:at + 4 * n]),
                             dtype=torch.float32)
        shape = (t["cols"],) if t["rows"] == 1 else (t["rows"], t["cols"])
        weights[t["name"], t["layer"]] = w.reshape(shape).to(dtype)
        at += 4 * n
    batches = []
    n = head["batch"] * head["seq"]
    for _ in range(head["batches"]):
        two = torch.frombuffer(bytearray(data[at:at + 8 * n]),
                               dtype=torch.int32).long()
        batches.append(two.reshape(2, head["batch"], head["seq"]))
        at += 8 * n
    assert at == len(data)
    return head, weights, batches


# --- quantizers ------------------------------------------------------------

E2M1 = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6])


def round_int4(q):
    return torch.clamp(torch.round(q), -8, 7)  # torch rounds ties to even


def round_e2m1(q):
    """Nearest of the eight magnitudes, ties to the even code."""
    grid = E2M1.to(q.dtype)
    code = torch.zeros_like(q, dtype=torch.long)
    for i in range(7):
        middle = (grid[i] + grid[i + 1]) / 2
        code += (q.abs() > middle) | ((q.abs() == middle) & (i % 2 == 1))
    return grid[code] * torch.sign(q)


FORMATS = {"int4": (round_int4, 7.0), "e2m1": (round_e2m1, 6.0)}


def fake(x, spec, axis):
    """x quantized in groups along axis (0 or 1) of a matrix."""
    if spec == "none":
        return x
    name, group = spec.split("/")
    rounding, largest = FORMATS[name]
    y = x if axis == 1 else x.t()
    lines, k = y.shape
    size = k if group == "row" else int(group[1:])
    parts = y.reshape(lines, k // size, size)
    scale = (parts.abs().amax(-1, keepdim=True).float() / largest).to(x.dtype)
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    codes = rounding((parts / scale).float()).to(x.dtype)
    y = (codes * scale).reshape(lines, k)
    return y if axis == 1 else y.t()


class Product(torch.autograd.Function):
    """Y = X W^T with its six operands, straight-through."""

    @staticmethod
    def forward(ctx, x, w, quant):
        qx, qw = fake(x, quant["x"], 1), fake(w, quant["w"], 1)
        ctx.save_for_backward(x, w, qx, qw)
        ctx.quant = quant
        return qx @ qw.t()

    @staticmethod
    def backward(ctx, dy):
        x, w, qx, qw = ctx.saved_tensors
        q = ctx.quant
        w_d = qw if q["w_d"] == "forward" else fake(w, q["w_d"], 0)
        x_g = qx if q["x_g"] == "forward" else fake(x, q["x_g"], 0)
        dx = fake(dy, q["dy_d"], 1) @ w_d
        dw = fake(dy, q["dy_g"], 0).t() @ x_g
        return dx, dw, None


def linear(x, w, quant):
    flat = x.reshape(-1, x.shape[-1])
    return Product.apply(flat, w, quant).reshape(*x.shape[:-1], -1)


# --- the model -------------------------------------------------------------

def norm(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def rope(x, theta):
    """Pairs (i, i + h/2) of each head of x [B, T, heads, h]."""
    half = x.shape[-1] // 2
    turn = theta ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.outer(torch.arange(x.shape[1], dtype=torch.float64), turn)
    cos = angle.cos()[None, :, None, :].to(x.dtype)
    sin = angle.sin()[None, :, None, :].to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def forward(p, cfg, tokens, targets):
    m, quant = cfg["model"], cfg["quant"]
    d, heads, kv = m["d_model"], m["n_head"], m["n_kv_head"]
    size, eps = d // heads, m["norm_eps"]
    B, T = tokens.shape
    mask = torch.ones(T, T, dtype=torch.bool).triu(1)
    x = p["embed", -1][tokens]
    for layer in range(m["n_layer"]):
        w = {k: p[k, layer] for k in
             ("norm1", "qkv", "o", "norm2", "fc1", "fc2")}
        qkv = linear(norm(x, w["norm1"], eps), w["qkv"], quant)
        q, k, v = qkv.split([d, kv * size, kv * size], -1)
        q = rope(q.reshape(B, T, heads, size), m["rope_theta"])
        k = rope(k.reshape(B, T, kv, size), m["rope_theta"])
        v = v.reshape(B, T, kv, size)
        k = k.repeat_interleave(heads // kv, 2)
        v = v.repeat_interleave(heads // kv, 2)
        scores = torch.einsum("bthc,bshc->bhts", q, k) / math.sqrt(size)
        scores = scores.masked_fill(mask, float("-inf")).softmax(-1)
        att = torch.einsum("bhts,bshc->bthc", scores, v).reshape(B, T, d)
        x = x + linear(att, w["o"], quant)
        gate, up = linear(norm(x, w["norm2"], eps), w["fc1"],
                          quant).chunk(2, -1)
        x = x + linear(F.silu(gate) * up, w["fc2"], quant)
    head = p["embed" if m["tied"] else "head", -1]
    logits = norm(x, p["norm_f", -1], eps) @ head.t()
    return F.cross_entropy(logits.reshape(B * T, -1), targets.reshape(-1))


# --- training --------------------------------------------------------------

def rate(train, steps, step):
    peak, last = train["lr"], train["lr"] * train["lr_final"]
    warmup = train["warmup"]
    if step < warmup:
        return peak * (step + 1) / warmup
    if train["schedule"] == "cosine":
        share = (step - warmup) / (steps - warmup)
        return last + (peak - last) * (1 + math.cos(math.pi * share)) / 2
    decay = round(train["decay"] * steps)
    if train["schedule"] == "constant" or step < steps - decay:
        return peak
    share = (step - (steps - decay) + 1) / (decay + 1)
    return peak + (last - peak) * share


def clip(params, largest):
    """torch's own function adds 1e-6 to the norm, which is returned."""
    norm = math.sqrt(sum(w.grad.pow(2).sum().item() for w in params))
    if norm > largest:
        for w in params:
            w.grad *= largest / norm
    return norm


def curve(path, dtype):
    head, weights, batches = read_dump(path, dtype)
    cfg = head["config"]
    train = cfg["train"]
    p = {k: w.requires_grad_() for k, w in weights.items()}
    groups = [{"params": [w for w in p.values() if w.dim() == 2],
               "weight_decay": train["weight_decay"]},
              {"params": [w for w in p.values() if w.dim() == 1],
               "weight_decay": 0.0}]
    opt = torch.optim.AdamW(groups, lr=1.0, eps=train["eps"],
                            betas=(train["beta1"], train["beta2"]))
    losses, norms = [], []
    for step, (tokens, targets) in enumerate(batches):
        lr = rate(train, len(batches), step)
        assert abs(lr - head["lr"][step]) < 1e-15 + 1e-12 * lr
        for group in opt.param_groups:
            group["lr"] = lr
        opt.zero_grad(set_to_none=True)
        loss = forward(p, cfg, tokens, targets)
        loss.backward()
        norms.append(clip(list(p.values()), train["grad_clip"]))
        opt.step()
        losses.append(loss.item())
    return head, losses, norms


def print_column(numbers):
    print("      {")
    for i in range(0, len(numbers), 4):
        print("        " + ", ".join("%.13f" % x for x in numbers[i:i + 4]) +
              ",")
    print("      },")


def main():
    torch.set_num_threads(1)
    print("/* oracle_curve.h - recorded by oracle_torch.py with PyTorch %s; not"
          "\n * edited.  Training losses and gradient norms of 20 steps in"
          "\n * double precision, from the weights and batches of"
          " test_oracle.c. */"
          % torch.__version__)
    with tempfile.TemporaryDirectory() as folder:
        for arm in ARMS:
            path = os.path.join(folder, arm)
            subprocess.run([sys.argv[1], "dump", arm, path], check=True)
            head, losses, norms = curve(path, torch.float64)
            _, single, _ = curve(path, torch.float32)
            worst = max(abs(a - b) for a, b in zip(losses, single))
            if arm == ARMS[0]:
                print("#define ORACLE_DATA \\\n    \"%s\"\n"
                      "static const struct {\n    const char *arm;\n"
                      "    double loss[20], norm[20];\n} oracle[] = {"
                      % head["data_sha256"])
            print("    { \"%s\", /* losses in float up to %.1e away */"
                  % (arm, worst))
            print_column(losses)
            print_column(norms)
            print("    },")
    print("};")


main()
