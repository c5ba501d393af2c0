#!/usr/bin/python3
"""One training step of the same small Llama-style model in plain PyTorch.

The peer of `qlaw bench step`: RMSNorm, rotary embedding, causal attention,
SwiGLU of 8/3 d (rounded up to 32), untied head, AdamW, gradient clipping, on
random tokens.  --quant int4:G adds W4A4 fake quantization with a
straight-through estimator to the linear layers of the blocks, --quant mx:G
FP8 E4M3 with power-of-two scales, each written the way a researcher writes it.

Prints one JSON object; the time is CPU time of one thread, the median of
--rounds steps after a warm-up.  Run it with the malloc settings of step.sh,
which save it page faults.
"""
import argparse
import json
import os
import statistics
import time

parser = argparse.ArgumentParser()
parser.add_argument("--d-model", type=int, default=128)
parser.add_argument("--n-layer", type=int, default=4)
parser.add_argument("--seq-len", type=int, default=256)
parser.add_argument("--vocab", type=int, default=256)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--quant", default="none")
parser.add_argument("--rounds", type=int, default=5)
args = parser.parse_args()

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(0)
KIND, _, GROUP = args.quant.partition(":")
GROUP = int(GROUP or 32)


def fake_quant(x):
    groups = x.reshape(-1, GROUP)
    amax = groups.abs().amax(-1, keepdim=True).clamp(min=1e-8)
    if KIND == "int4":
        scale = amax / 7
        q = (groups / scale).round().clamp(-8, 7) * scale
    else:
        scale = torch.exp2(torch.ceil(torch.log2(amax / 448)))
        y = groups / scale
        step = torch.exp2(torch.floor(torch.log2(y.abs().clamp(min=2**-6))) - 3)
        q = ((y / step).round() * step).clamp(-448, 448) * scale
    return x + (q.reshape(x.shape) - x).detach()


class Linear(nn.Linear):
    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out, bias=False)

    def forward(self, x):
        if KIND == "none":
            return F.linear(x, self.weight)
        return F.linear(fake_quant(x), fake_quant(self.weight))


class RMSNorm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        f = (8 * d // 3 + 31) // 32 * 32
        self.heads = max(1, d // 32)
        self.norm1, self.norm2 = RMSNorm(d), RMSNorm(d)
        self.qkv, self.o = Linear(d, 3 * d), Linear(d, d)
        self.fc1, self.fc2 = Linear(d, 2 * f), Linear(f, d)

    def forward(self, x, cos, sin, mask):
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        p = torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + mask, -1)
        x = x + self.o((p @ v).transpose(1, 2).reshape(b, t, d))
        gate, up = self.fc1(self.norm2(x)).chunk(2, -1)
        return x + self.fc2(F.silu(gate) * up)


class Model(nn.Module):
    def __init__(self, d, layers, vocab):
        super().__init__()
        self.embed = nn.Embedding(vocab, d)
        self.blocks = nn.ModuleList(Block(d) for _ in range(layers))
        self.norm, self.head = RMSNorm(d), nn.Linear(d, vocab, bias=False)

    def forward(self, tokens, targets, cos, sin, mask):
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, cos, sin, mask)
        return F.cross_entropy(self.head(self.norm(x)).flatten(0, 1), targets.flatten())


model = Model(args.d_model, args.n_layer, args.vocab)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
half = args.d_model // max(1, args.d_model // 32) // 2
angle = torch.outer(torch.arange(args.seq_len).float(), 10000 ** (-torch.arange(half).float() / half))
mask = torch.full((args.seq_len, args.seq_len), float("-inf")).triu(1)
tokens = torch.randint(args.vocab, (args.batch, args.seq_len))
targets = torch.randint(args.vocab, (args.batch, args.seq_len))


def step():
    optimizer.zero_grad(set_to_none=True)
    model(tokens, targets, angle.cos(), angle.sin(), mask).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


step()
times = []
for _ in range(args.rounds):
    start = time.thread_time()
    step()
    times.append(time.thread_time() - start)
print(json.dumps({
    "torch": torch.__version__, "d_model": args.d_model, "quant": args.quant,
    "tok_per_s": args.batch * args.seq_len / statistics.median(times),
}))
