#!/usr/bin/env python3
"""Random bytes in every text that others write: records and logs of a trainer, cells
and headers of tables, names of grids, files, tags and databases, the environment.

    texts.py QLAW [TEXTS [SEED]]        default: 150 texts, seed 1

Every line that qlaw writes is JSON in UTF-8; `db rebuild` makes the same as the live
database; nothing that commands a terminal comes out of any verb; what is JSON parses.
"""
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unicodedata

QLAW = os.path.realpath(sys.argv[1])
TEXTS = int(sys.argv[2]) if len(sys.argv) > 2 else 150
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
RUNS = 12          # trainers a round
PLAIN = b' abcxyz019_-.,;:=+*/\\\'"%$&|<>()[]{}#~'
PIECES = [b'\x1b[2J', b'\x1b]0;x\x07', b'\xc2\x9b2J', b'\xe2\x80\xae', b'\xe2\x81\xa6',
          b'\x00', b'\r', b'\t', b'\x7f', b'\xff', b'\xc3', b'\xe9', b'\xed\xa0\x80',
          b'\xf4\x90\x80\x80', b'\xc0\xaf', b'\xef\xbb\xbf', b'\xe2\x80\xa8', b'\\u0000',
          b'\\ud800', b'\\u001b', '\u00e4\u4e2d\U0001f600'.encode(), b'\\', b'"', b'\n']

TRAINER = b'''#!/bin/sh
cat "$1/log.$2" >&2
cat "$1/metrics.$2" >>"$QLAW_METRICS"
exit "$(cat "$1/code.$2")"
'''
GRID = '''[grid]
description = texts
[train]
tokens = 1024
[seeds]
count = %d
[trainer]
kind = exec
command = ./tr.sh . ${job.seed}
[run]
retries = 0
'''
DUMPS = [
    'select name, ini_sha256 from grid order by 1, 2',
    'select point_id, seed, state, state_reason, loss, train_loss, steps from run left '
    'join result using(run_id) where attempts > 0 order by 1, 2',
    'select point_id, seed, number, outcome, exit_code, message from attempt join run '
    'using(run_id) order by 1, 2, 3',
    'select point_id, seed, step, c.tokens, train_loss, val_loss, nonfinite, lr, '
    'grad_norm from curve c join run using(run_id) order by 1, 2, 3',
    'select point_id, seed, name, step, value from metric join run using(run_id) '
    'order by 1, 2, 3, 4',
    'select tag from tag order by 1',
]


class Failure(Exception):
    pass


def noise(rng, most=40, zeros=True):
    """Bytes, many of them such as hurt."""
    out = b''
    for _ in range(rng.randint(1, most)):
        kind = rng.random()
        if kind < 0.5:
            out += bytes([rng.choice(PLAIN)])
        elif kind < 0.8:
            out += rng.choice(PIECES)
        else:
            out += bytes([rng.randrange(256)])
    return out if zeros else out.replace(b'\0', b'')


def word(rng):
    """A text for an argument, a name or a variable: no zero byte there."""
    return noise(rng, 12, zeros=False) or b'x'


def file_name(rng):
    return (word(rng).replace(b'/', b'_')[:100]).strip(b'.') or b'x'


def record(rng, step):
    """A line that a trainer may append."""
    text = noise(rng).replace(b'\n', b' ')
    quoted = json.dumps(text.decode('latin-1')).encode()
    raw = text.replace(b'\\', b'').replace(b'"', b'')
    return rng.choice([
        b'{"step":%d,"tokens":%d,"train_loss":3.5}' % (step, step),
        b'{"step":%d,"tokens":%d,"train_loss":3,%s:1.5}' % (step, step, quoted),
        b'{"step":%d,"tokens":%d,"train_loss":3,"%s":2}' % (step, step, raw),
        b'{"step":%d,"train_loss":"%s"}' % (step, raw),
        text,
        b'{"' + text,
        b'{"step":%d,"train_loss":NaN}' % step,
    ]) + b'\n'


def ending(rng):
    text = noise(rng).replace(b'\n', b' ')
    quoted = json.dumps(text.decode('latin-1')).encode()
    raw = text.replace(b'\\', b'').replace(b'"', b'')
    return rng.choice([
        b'{"final":true,"loss":2.5,"steps":8,"tokens":1024}\n',
        b'{"final":true,"loss":2.5,"steps":8,"tokens":1024,%s:7}\n' % quoted,
        b'{"final":true,"loss":2.5,"steps":8,"tokens":1024,"note":"%s"}\n' % raw,
        b'{"final":true,"diverged":true,"reason":%s,"step":1}\n' % quoted,
        b'{"final":true,"diverged":true,"reason":"%s","step":1}\n' % raw,
        b'',
        text,
    ])


def check_terminal(what, out):
    try:
        text = out.decode()
    except UnicodeDecodeError as e:
        raise Failure('%s: bytes that are not UTF-8: %r' % (what, out[e.start - 20:e.end + 20]))
    for i, c in enumerate(text):
        kind = unicodedata.category(c)
        if (kind == 'Cc' and c not in '\n\t') or c in '\u202a\u202b\u202c\u202d\u202e' \
                '\u2066\u2067\u2068\u2069\u2028\u2029\u200e\u200f\u061c':
            raise Failure('%s: %r reaches the terminal: %r' % (what, c, text[max(0, i - 30):i + 30]))


def call(*args, env=None, ok=None, is_json=False):
    """A verb; what it says is looked at.  ok: exit codes, None: any that is no crash."""
    p = subprocess.run([QLAW, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, env=env, timeout=120)
    what = ' '.join(os.fsdecode(a) for a in args).encode('ascii', 'backslashreplace').decode()
    check_terminal(what, p.stdout)
    check_terminal(what, p.stderr)
    if p.returncode < 0 or p.returncode > 130 or (ok is not None and p.returncode not in ok):
        raise Failure('%s ended with %d: %s' % (what, p.returncode, p.stderr.decode()[:300]))
    if is_json and p.returncode == 0:
        for line in p.stdout.splitlines() if is_json == 'lines' else [p.stdout]:
            json.loads(line)
    return p


def check_lines():
    """Every record is JSON; what a trainer wrote there itself is its own."""
    for root, _, files in os.walk('runs'):
        for name in files:
            path = os.path.join(root, name)
            if not name.endswith(('.json', '.jsonl')):
                continue
            data = open(path, 'rb').read()
            for n, line in enumerate([data] if name.endswith('.json') else
                                     data.split(b'\n')):
                if not line:
                    continue
                try:
                    json.loads(line.decode())
                except ValueError as e:
                    raise Failure('%s:%d: %s: %r' % (path, n + 1, e, line[:200]))


def dump(path):
    d = sqlite3.connect(path)
    d.text_factory = bytes
    rows = []
    for sql in DUMPS:
        try:
            rows.append(d.execute(sql).fetchall())
        except sqlite3.OperationalError as e:
            if 'no such table' not in str(e):
                raise
            rows.append([])
    d.close()
    return rows


def compare():
    call('--db', 'again.db', 'db', 'rebuild', ok=[0])
    live, again = dump('qlaw.db'), dump('again.db')
    for sql, a, b in zip(DUMPS, live, again):
        if a != b:
            odd = [x for x in a if x not in b][:2], [x for x in b if x not in a][:2]
            raise Failure('rebuild differs: %s: %r' % (sql[:60], odd))
    os.remove('again.db')


def trainers(rng):
    for seed in range(1, RUNS + 1):
        lines = b''.join(record(rng, s) for s in range(1, rng.randint(1, 4)))
        open('metrics.%d' % seed, 'wb').write(lines + ending(rng))
        open('log.%d' % seed, 'wb').write(noise(rng, 400) * rng.choice([1, 1, 50]))
        open('code.%d' % seed, 'w').write(str(rng.choice([0, 0, 0, 1, 65])))
    open('tr.sh', 'wb').write(TRAINER)
    os.chmod('tr.sh', 0o755)
    open('g.ini', 'w').write(GRID % RUNS)


def environment(rng):
    env = dict(os.environb)
    for name in rng.sample([b'TMPDIR', b'LANG', b'LC_ALL', b'COLUMNS', b'HOSTNAME', b'USER',
                            b'TERM', b'QLAW_CACHE', b'SLURM_JOB_ID', b'NO_COLOR'], 3):
        env[name] = word(rng)
    return env


def looks(rng, env):
    call('status', env=env, ok=[0])
    call('status', '--json', env=env, ok=[0], is_json=True)
    for run in rng.sample(range(1, RUNS + 1), 3):
        call('show', str(run), env=env)
        call('show', str(run), '--json', env=env, is_json=True)
    call('query', 'failures', env=env, ok=[0])
    call('query', 'select * from runs', '-f', 'json', env=env, ok=[0], is_json=True)
    call('query', 'select * from attempt', '-f', 'csv', env=env, ok=[0])
    call('query', 'select * from metric', env=env, ok=[0])
    call('db', 'list', env=env, ok=[0])
    call('db', 'check', env=env, ok=[0])
    call('watch', env=env)


def tables(rng):
    """Labels, headers and names of files that are imported."""
    label = noise(rng, 10)
    header = word(rng).replace(b'\n', b'')
    name = file_name(rng)
    csv = b'N,D,loss,"%s"\n1e6,1e7,3,"%s"\n2e6,1e7,2.9,b\n' % (
        header.replace(b'"', b'""'), label.replace(b'"', b'""'))
    lines = b'{"N":1e6,"D":1e7,"loss":3,"m":"%s"}\n{"N":2e6,"D":1e7,"loss":2,"m":%s}\n' % (
        label, json.dumps(label.decode('latin-1')).encode())
    open(name, 'wb').write(rng.choice([csv, lines]))
    for kind in 'csv', 'jsonl':
        call('--db', 't.db', 'import', kind, '--grid', word(rng), name)
        call('--db', 't.db', 'import', kind, '--grid', 'plain', name)
        call('fit', '--data', name, '--law', 'chinchilla')
    if os.path.exists('t.db'):
        call('--db', 't.db', 'db', 'list', ok=[0])
        call('--db', 't.db', 'query', 'select * from runs', ok=[0])
        call('--db', 't.db', 'query', 'select * from runs', '-f', 'json', ok=[0], is_json=True)
        call('--db', 't.db', 'db', 'check', ok=[0])
        call('--db', 't.db', 'export', 'plain', '--out', file_name(rng))
    for f in os.listdir('.'):
        if f.startswith('t.db'):
            os.remove(f)
    return 3


def names(rng, env):
    """Names of grids, keys, tags, files and databases: refused, or taken and given back."""
    text = word(rng)
    call('db', 'tag', 'g', b'+' + text, env=env)
    call('db', 'rename', 'g', word(rng), env=env)
    call('check', 'g.ini', '-s', b'grid.name=' + word(rng))
    call('check', 'g.ini', '-s', b'trainer.name=' + word(rng), '--canonical')
    call('check', 'g.ini', '-s', b'data.path=' + file_name(rng))
    call('plan', 'g.ini', '-s', b'grid.description=' + word(rng))
    call('run', 'g.ini', '-q', '--limit', '1', '-s', b'trainer.name=' + word(rng), env=env)
    call('run', 'g.ini', '-q', '--limit', '1', '-s', b'grid.description=' + word(rng), env=env)
    call('--db', file_name(rng), 'status')
    call('show', word(rng))
    call('query', word(rng))
    open('w.ini', 'wb').write(open('g.ini', 'rb').read() + b'[block "%s"]\ntrain.lr = 0.1\n'
                              % word(rng))
    call('run', 'w.ini', '-q', '--limit', '1', env=env)
    call('status', ok=[0])
    call('db', 'list', ok=[0])
    return 13


def one_round(rng):
    trainers(rng)
    env = environment(rng)
    call('run', 'g.ini', env=env)
    if not os.path.exists('qlaw.db'):
        raise Failure('no database was made')
    looks(rng, env)
    check_lines()
    compare()
    n = RUNS * 2 + 3 + tables(rng) + names(rng, env)
    check_lines()
    compare()
    return n


def main():
    done = rounds = 0
    while done < TEXTS:
        folder = tempfile.mkdtemp(prefix='qlaw-texts-')
        os.chdir(folder)
        rng = random.Random(SEED * 1000003 + rounds)
        try:
            done += one_round(rng)
        except (Failure, ValueError, subprocess.TimeoutExpired) as e:
            print('FAILED: round %d of seed %d: %s\nleft in %s' % (rounds, SEED, e, folder))
            sys.exit(1)
        rounds += 1
        os.chdir('/')
        shutil.rmtree(folder)
    print('%d texts in %d rounds: 0 failures' % (done, rounds))


main()
