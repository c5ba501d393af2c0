#!/bin/sh
# Trainers of a user's own: the examples in shell, C and PyTorch as a person
# would run them, the form of a command, and trainers that misbehave.
#
#   external.sh QLAW SOURCE_ROOT
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
examples=$(realpath "$2")/examples/trainers
dir=$(mktemp -d /tmp/qlaw-external-XXXXXX)
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"

nobody() { # nobody COMMAND: runs here
    for p in /proc/[0-9]*; do
        [ "$(readlink "$p/cwd" 2>/dev/null)" != "$dir" ] ||
            ! tr '\0' ' ' <"$p/cmdline" | grep -q "^$1" ||
            fail "somebody stayed: $(tr '\0' ' ' <"$p/cmdline")"
    done
}
fresh() {
    rm -rf qlaw.db* runs
}
stub() { # stub BODY: a trainer; the grid grid.ini runs it once
    printf '#!/bin/sh\n%s\n' "$1" >stub
    chmod +x stub
    fresh
}
final='echo "{\"final\":true,\"loss\":2.5,\"tokens\":6400}" >>"$QLAW_METRICS"'

markov_text

echo "the contract in shell"
cp "$examples/trainer.sh" .
cat >shell.ini <<'INI'
[trainer]
kind    = exec
name    = formula
command = sh trainer.sh ${train.tokens} ${model.d_model} ${job.seed}
[sweep]
model.d_model = 16, 32
train.tokens = 64k, 128k
[seeds]
count = 2
INI
# a speed that nobody knows is no time of 0 s
"$qlaw" plan shell.ini >plan.txt
! grep -q '[^0-9.]0\(\.0\)\{0,1\} s' plan.txt ||
    fail "the plan knows a speed: $(cat plan.txt)"
grep -q 'unknown time' plan.txt || fail "$(cat plan.txt)"
"$qlaw" plan shell.ini --json | grep -q '"wall_left_s":null' ||
    fail "an unknown time is a number to programs"
# without quantization there is nothing to sweep but N and D
"$qlaw" run -q shell.ini --slots 2 || fail "shell.ini ended with $?"
is 8 "select count(*) from runs where state='done' and trainer='formula'"
is 400 "select count(*) from curve"
# 12 width^2 is what it counts, not what our own decoder would have
is '3072 12288' "select group_concat(n,' ') from (select distinct N as n from runs order by 1)"
is 8 "select count(*) from event where kind='counts' and detail like 'the trainer reports n_body %, planned %'"
# the formula at its last point, with its noise below 0.001
is 1 "select max(abs(loss - (1.7 + 400/pow(N,0.34) + 410/pow(D,0.28)))) < 0.002 from runs"

echo "stopped, it goes on"
fresh
"$qlaw" run -q shell.ini --slots 1 --only 'model.d_model == 16 && train.tokens < 100k' & pid=$!
while [ "$(cat runs/*-1/metrics.jsonl 2>/dev/null | wc -l)" -lt 5 ]; do
    sleep 0.01
done
kill -TERM $pid
rc=0
wait $pid || rc=$?
[ $rc -eq 75 ] || [ $rc -eq 143 ] || fail "stopped, it ended with $rc"
"$qlaw" run -q shell.ini --slots 2 || fail "the second run ended with $?"
is 8 "select count(*) from result"
is 400 "select count(*) from curve"

echo "the contract in C"
if cc -O2 -o bigram "$examples/trainer.c" -lm; then
    cat >c.ini <<'INI'
[data]
path = text.txt
[trainer]
kind    = exec
command = ./bigram "${data.path}" ${train.tokens} ${train.lr} ${job.seed}
[train]
lr = 1
[model]
seq_len = 32
[sweep]
train.tokens = 12800, 102400
INI
    fresh
    "$qlaw" run -q c.ini || fail "c.ini ended with $?"
    is 65536 "select max(n_body) from point where trainer='exec'"
    # more tokens, less loss; a letter given the last has 1.247 nats, ln 20 alone
    is 1 "select (select loss from runs where D > 50000) < (select loss from
        runs where D < 50000) and (select min(loss) from runs) between 1.2 and
        2.9958"
    folder=$(ls -d runs/*-1 | head -1)
    "$qlaw" train --config "$folder/config.json" --dir again --metrics again.jsonl
    # but for the steps that it does not count
    grep -v '^{"attempt"' "$folder/metrics.jsonl" |
        sed '$s/,"steps":[0-9]*}/}/' | cmp - again.jsonl ||
        fail "by hand it says something else"
else
    echo "  SKIPPED: no C compiler"
fi

cat >grid.ini <<'INI'
[trainer]
kind    = exec
command = ./stub ${job.config} ${job.dir}
[model]
d_model = 32
seq_len = 32
[train]
batch = 2
tokens = 6400
[run]
retries = 0
timeout = 20s
INI

echo "a command has a form"
stub "$final"
ends 3 "trainer.command: '\${job.confg}' is not known; did you mean '\${job.config}'?" \
    "$qlaw" check grid.ini -s 'trainer.command=./stub ${job.confg}'
ends 3 "did you mean 'model.d_model'" \
    "$qlaw" check grid.ini -s 'trainer.command=./stub ${model.d_modl}'
ends 3 'a " is not closed' "$qlaw" check grid.ini -s 'trainer.command=./stub "a'
ends 3 "no '}' after" "$qlaw" check grid.ini -s 'trainer.command=./stub ${job.dir'
ends 3 "needs trainer.command" "$qlaw" check grid.ini -s trainer.command=
ends 4 "cannot find the program './stob'" "$qlaw" run grid.ini -s 'trainer.command=./stob'
[ ! -e runs ] || fail "something was started"
# check and plan know what run would find
for verb in check plan; do
    while IFS='|' read -r command want; do
        ends 4 "trainer.command: cannot find $want" \
            "$qlaw" $verb grid.ini -s "trainer.command=$command"
    done <<'ROWS'
~/venv/bin/python train.py|the program '~/venv/bin/python'; no shell reads the command
OMP_NUM_THREADS=2 sh stub|the program 'OMP_NUM_THREADS=2'; no shell reads the command: 'env NAME=VALUE program'
python3.99 train.py|the program 'python3.99'
./grid.ini|the program './grid.ini'; the file is there, but not executable
sh -e nowhere.sh 3|'nowhere.sh'
perl $HOME/x.pl|'$HOME/x.pl'; no shell reads the command
ROWS
done
"$qlaw" check -q grid.ini -s 'trainer.command=sh -c "true; sh there.is.none.sh"'
"$qlaw" check -q grid.ini -s 'trainer.command=env A=1 sh ./stub'

echo "runs at once have slots of their own"
fresh
stub 'echo "$QLAW_SLOT $1 $2" >>slots; sleep 0.4; '"$final"
"$qlaw" run -q grid.ini --slots 3 -s seeds.count=6 \
    -s 'trainer.command=./stub ${job.slot} cuda:${job.slot}'
[ "$(sort slots | uniq -c | tr -s ' ')" = " 2 0 0 cuda:0
 2 1 1 cuda:1
 2 2 2 cuda:2" ] || fail "slots: $(cat slots)"

echo "no value is a command"
cat >show.py <<'PY'
import json, os, sys
json.dump(sys.argv[1:], open("argv.json", "w"))
open(os.environ["QLAW_METRICS"], "a").write('{"final":true,"loss":2.5}\n')
PY
fresh
mkdir -p 'a b;touch pwned $(touch pwned)'
cp text.txt 'a b;touch pwned $(touch pwned)/t.txt'
cat >odd.ini <<'INI'
[data]
path = a b;touch pwned $(touch pwned)/t.txt
[trainer]
kind = exec
command = /usr/bin/python3 show.py ${data.path} 'it''s ${no.reference}' "x y"\ z "${train.lr}" $HOME `id`
INI
# ';' begins a comment in a grid, so the path comes from the command line
sed -i '/^path/d' odd.ini
"$qlaw" run -q odd.ini -s 'data.path=a b;touch pwned $(touch pwned)/t.txt' ||
    fail "odd.ini ended with $?"
[ ! -e pwned ] || fail "a value was run by a shell"
want="[\"$dir/a b;touch pwned \$(touch pwned)/t.txt\", \"its \${no.reference}\", \"x y z\", \"0.003\", \"\$HOME\", \"\`id\`\"]"
[ "$(cat argv.json)" = "$want" ] || fail "argv: $(cat argv.json), not $want"

echo "identity"
fresh
stub "$final"
"$qlaw" run -q grid.ini
"$qlaw" run -q grid.ini -s 'trainer.command=./stub ${job.dir}' # the same run
is 1 "select count(*) from run"
"$qlaw" run -q grid.ini -s trainer.revision=2
is 2 "select count(*) from run"
is '1 2' "select group_concat(trainer_rev,' ') from (select trainer_rev from point order by 1)"

echo "trainers that misbehave"
stub 'sleep 300 & sleep 301 & '"$final"
"$qlaw" run -q grid.ini || fail "one that forks and stays ended with $?"
is done "select state from run"
sleep 0.2
nobody 'sleep 30'
stub 'setsid sleep 302 & setsid -f sh -c "sleep 303 & sleep 304"; sleep 0.3; '"$final"
"$qlaw" run -q grid.ini || fail "one that starts daemons ended with $?"
is done "select state from run"
nobody 'sleep 30'
stub 'sleep 305 & setsid sleep 306 & echo x >begun; sleep 307'
"$qlaw" run -q grid.ini & pid=$!
until [ -e begun ]; do sleep 0.05; done
kill -9 $pid
wait $pid 2>/dev/null || :
sleep 4 # two to save in, and some
nobody 'sleep 30'
stub 'kill -11 $$'
ends 1 "killed by signal 11" "$qlaw" run grid.ini
stub 'yes no end to this'
ends 1 "its log is longer than 256 MB" "$qlaw" run grid.ini
rm -rf runs
stub 'echo "{\"final\":true,\"loss\":2.5,\"tokens\":3200}" >>"$QLAW_METRICS"'
ends 1 "it trained on 3200 tokens, 6400 were asked for" "$qlaw" run grid.ini
is 0 "select count(*) from result"
stub 'echo "{\"final\":true,\"loss\":Infinity}" >>"$QLAW_METRICS"'
ends 1 "1 diverged" "$qlaw" run grid.ini
stub 'echo "no e9m9 here"; exit 64'
ends 0 "" "$qlaw" run grid.ini
is skipped "select state from run"
stub 'head -c 3000000 /dev/urandom >>"$QLAW_METRICS"; sleep 60'
ends 1 "its records are not usable" "$qlaw" run grid.ini
stub 'echo "{\"step\":1,\"tokens\":6,\"train_loss\":1e999}" >>"$QLAW_METRICS"
echo "{\"step\":2,\"tokens\":12,\"train_loss\":-NaN}" >>"$QLAW_METRICS"
'"$final"
"$qlaw" run -q grid.ini
is '2|1' "select nonfinite, (select nonfinite from curve where step=2) from curve where step=1"
stub 'trap "" TERM; '"$final"'; while :; do sleep 1; done'
ends 0 "" "$qlaw" run grid.ini -s run.timeout=1s -s run.grace=1s
is done "select state from run" # what it had to say it said
stub 'echo "$QLAW_DEADLINE" >deadline; '"$final"
"$qlaw" run -q grid.ini
left=$(($(cat deadline) - $(date +%s)))
[ $left -gt 10 ] && [ $left -le 20 ] || fail "the deadline is in $left s"

echo "records as other languages write them"
said() { # said WANT: what the run is, and why
    is "$1" "select state || coalesce(': ' || state_reason,'') from run"
    is 1 "select attempts from run" # nothing is trained twice for a line
}
record() { # record TEXT...: a trainer that writes these lines
    printf '%s\n' "$@" >records
    stub 'cat records >>"$QLAW_METRICS"; exit ${code:-0}'
}
twice='run.retries=2'
record '{"step":8,"train_loss":4.5,"seed":18446744073709551557}' \
    '{"final":1.0,"loss":2.5,"loss":2.5,"tokens":6400,"flops":7200000000000000000000,"eval/bpb @8":1.5}'
"$qlaw" run -q grid.ini -s $twice || fail "big numbers: $?"
said done
is '8 7.2e+21' "select steps || ' ' || flops from result"
is 'eval/bpb @8 8 1.5' "select name || ' ' || step || ' ' || value from metric where name<>'seed'"
is 1 "select detail like 'line 2: a key stands twice%' from event where kind='records'"
# over several lines, points too; what is rebuilt is the same
record '{' ' "step": 4,' ' "train_loss": 4.5,' ' "a{": "}"' '}' '' '{"step":9,"train_loss":4}' \
    '{"final":"True",' '"loss":2.25, "betas":[' '0.9,0.95],' '"tail":3}'
"$qlaw" run -q grid.ini || fail "several lines: $?"
said done
is '2 9 2.25 6400' "select (select count(*) from curve) || ' ' || steps || ' ' || loss || ' ' || tokens from result"
is 'tail 9' "select name || ' ' || step from metric"
rm qlaw.db
"$qlaw" db rebuild >rebuilt.txt 2>&1 || fail "$(cat rebuilt.txt)"
is 'tail 9' "select name || ' ' || step from metric"
is '9 2.25 6400' "select steps || ' ' || loss || ' ' || tokens from result"
# no point at all: it ended where it was to end
record '{"final":true,"loss":2.5,"acc":0.5}'
"$qlaw" run -q grid.ini || fail "no points: $?"
is '100 100' "select (select steps from result) || ' ' || step from metric"
while IFS='|' read -r code line want; do
    export code
    record '{"step":3,"train_loss":4}' "$line"
    "$qlaw" run -q grid.ini -s $twice >out.txt 2>&1 && fail "done with $line"
    said "failed: its final record cannot be used: line 2 of its records: $want"
done <<'ROWS'
0|{"final":true,"eval_loss":2.5}|there is no "loss" but "eval_loss"; a final record needs "loss":NUMBER, in nats per token
1|{"final":true,"loss":"2.5 nats"}|"loss" is "2.5 nats", which is no number; a final record needs "loss":NUMBER, in nats per token
0|{"final":true,"loss":[2.5,2.6]}|"loss" is [2.5,2.6], which is no number; a final record needs "loss":NUMBER, in nats per token
0|{"final":"perhaps","loss":2.5}|"final" is "perhaps", neither true nor false
0|{'final': True, 'loss': 2.5}|not a line of JSON (string or '}' expected near '''): {'final': True, 'loss': 2.5}
0|{"final":true, "loss":|a record begins and does not end
ROWS
unset code
stub 'echo "{\"final\":true,\"loss\":2.5}"' # to its output
"$qlaw" run -q grid.ini >out.txt 2>&1 && fail "done without a record"
is 1 "select state_reason like '%(in its log; records go to the file that \$QLAW_METRICS names)' from run"
record 'loss 2.5 at the end'
ends 1 "ended without a final record: line 1 of its records: not a line of JSON" \
    "$qlaw" run grid.ini

echo "PyTorch and the built-in trainer, the same weights and batches"
if ! /usr/bin/python3 -c 'import torch' 2>/dev/null; then
    echo "  SKIPPED: no python3-torch (apt-get install python3-torch)"
    echo "passed"
    exit 0
fi
cat >dump.py <<'PY'
import json, sys
c = json.loads(open("dump", "rb").readline())["config"]
c["seed"] = c["data_seed"] = 1
json.dump(c, open("config.json", "w"))
PY
cat >compare.py <<'PY'
import json
a, b = ([json.loads(l) for l in open(f)] for f in ("ours.jsonl", "torch.jsonl"))
worst = max(abs(x["train_loss"] - y["train_loss"]) for x, y in zip(a[:20], b[:20]))
assert len(a) == len(b) == 21, (len(a), len(b))
for k in "n_body", "n_embed", "n_head_params", "n_other", "flops", "tokens":
    assert a[-1][k] == b[-1][k], (k, a[-1][k], b[-1][k])
print("  20 losses agree to %.1e" % worst)
assert worst < 1e-4
PY
agree() { # agree DTYPE SET...
    dtype=$1
    shift
    rm -f ours.jsonl torch.jsonl
    "$qlaw" train "$@" --dump-weights dump --dump-batches 20
    /usr/bin/python3 dump.py
    "$qlaw" train -q "$@" --metrics ours.jsonl
    QLAW_METRICS=torch.jsonl OMP_NUM_THREADS=1 /usr/bin/python3 \
        "$examples/qat_gpt.py" --config config.json --weights dump --dtype "$dtype"
    /usr/bin/python3 compare.py || fail "they do not agree on $*"
}
set -- -s "data.path=$dir/text.txt" -s data.val_tokens=1k -s model.n_layer=2 \
    -s model.n_head=4 -s model.n_kv_head=2 -s model.d_model=32 \
    -s model.seq_len=32 -s train.batch=4 -s train.tokens=2560 -s run.log_every=1
agree float32 "$@"
agree float64 "$@" -s quant.w=int4 -s quant.x=int4 -s quant.group=8
agree float64 "$@" -s quant.w=e4m3 -s quant.scale=e8m0 -s quant.dy_d=e5m2 \
    -s quant.group=16
# and as a grid would run it, stopped once on its way
cat >torch.ini <<INI
[data]
path = text.txt
val_tokens = 1k
[trainer]
kind = exec
command = /usr/bin/python3 $examples/qat_gpt.py --config \${job.config} --dir \${job.dir}
[model]
n_layer = 1
n_head = 2
d_model = 32
seq_len = 32
[train]
batch = 4
tokens = 12800
[block "q"]
quant.w = int4
quant.group = 8
INI
fresh
"$qlaw" run -q torch.ini || fail "torch.ini ended with $?"
is 1 "select count(*) from degradation"
is 0 "select count(*) from event where kind='counts'" # the same decoder
echo "passed"
