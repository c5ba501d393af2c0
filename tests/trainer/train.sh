#!/bin/sh
# The verb `train` as the scheduler and a person use it: where lines go, exit
# codes, signals, the life line, checkpoints.
#
#   train.sh PROGRAM
set -eu
program=$(realpath "$1")
if [ -w /dev/shm ]; then TMPDIR=/dev/shm; fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/qlaw-verb-XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"

awk 'BEGIN { for (i = 0; i < 4000; i++) print "line " i * i % 997 }' >text.txt
failed=0

fail() {
    echo "FAILED: $*"
    failed=1
}

# ends CODE WHAT COMMAND...: the command's exit code, output in out and errors.
ends() {
    want=$1 what=$2
    shift 2
    code=0
    "$@" >out 2>errors || code=$?
    [ "$code" = "$want" ] || fail "$what: ended with $code: $(cat errors)"
}

says() { # sentences are one, however their lines are broken
    tr -s '\n ' '  ' <errors | grep -q -e "$1" || fail "no '$1' in: $(cat errors)"
}

# The lines without clocks.
plain() {
    sed 's/"wall_s":[^,}]*//; s/"tok_per_s":[^,}]*//' "$1"
}

train() {
    "$program" train -s data.path=text.txt -s model.n_layer=2 \
        -s model.d_model=32 -s model.seq_len=32 -s train.tokens=10240 \
        -s data.val_tokens=512 "$@"
}

# Lines go to stdout, the descriptor or the file that is named.
ends 0 "a run" train
mv out whole
[ "$(wc -l <whole)" = 41 ] || fail "41 lines expected: $(wc -l <whole)"
tail -n 1 whole | grep -q '"final":true' || fail "the last line is not final"
QLAW_METRICS=file ends 0 "metrics in a file" train
[ ! -s out ] || fail "lines on stdout although a file was named"
[ "$(plain file)" = "$(plain whole)" ] || fail "the file holds other lines"
QLAW_METRICS=7 ends 0 "metrics by descriptor" train 7>seven
[ "$(plain seven)" = "$(plain whole)" ] || fail "descriptor 7 got other lines"
QLAW_METRICS=99 ends 7 "a closed descriptor" train
says "metrics descriptor 99"
ends 0 "two threads" train --threads 2
[ "$(plain out)" = "$(plain whole)" ] || fail "two threads, other lines"

# The configuration as JSON, seeds included; options come after it.
echo '{"seed":5,"data":{"path":["text.txt"]},"model":{"n_layer":2,"d_model":32,
"seq_len":32},"train":{"tokens":10240}}' >config.json
ends 0 "JSON on stdin" "$program" train -c - -s data.val_tokens=512 \
    <config.json
mv out five
ends 0 "the same with options" train --seed 5
[ "$(plain out)" = "$(plain five)" ] || fail "the seed of the file is not used"
[ "$(plain five)" != "$(plain whole)" ] || fail "the seed changes nothing"
ends 0 "the seed of the option" "$program" train -c config.json --seed 1 \
    -s data.val_tokens=512
[ "$(plain out)" = "$(plain whole)" ] || fail "--seed does not win"

# What cannot be, by name.
echo '{"sead":5}' >bad.json
ends 3 "an unknown key at the top" train -c bad.json
says "bad.json: 'sead'"
echo '{"model":{"d_modle":32}}' >bad.json
ends 3 "an unknown key" train -c bad.json
says "bad.json: .*model.d_modle.*model.d_model"
ends 3 "no data" train -s data.path=none
says "none: no such file"
ends 3 "another text" train -s data.sha256=0123
says "the data changed: SHA-256 is .* made for 0123"
ends 65 "a run that diverges" train -s train.lr=10 -s train.grad_clip=0 \
    -s train.schedule=constant -s train.warmup=0
tail -n 1 out | grep -q '"diverged":true' || fail "no line says diverged"

# Stopped and resumed: the second attempt repeats the curve from the start.
ends 75 "stopped after a step" train --dir kept --stop-after 7
ends 0 "resumed" train --dir kept
[ "$(plain out)" = "$(plain whole)" ] || fail "a resumed run differs"

# A long run for signals; started alone, so that $! is its process.
long="-s data.path=text.txt -s model.n_layer=2 -s model.d_model=32
    -s train.tokens=1G -s data.val_tokens=512"
wait_for_lines() {
    for _ in $(seq 100); do
        sleep 0.1
        [ -s "$1" ] && return
    done
    fail "no line in $1 after 10 s"
}
for signal in TERM USR1 HUP; do
    # shellcheck disable=SC2086
    "$program" train $long --dir "kept-$signal" >long 2>errors &
    pid=$!
    wait_for_lines long
    ends 80 "a second process in the same folder" train --dir "kept-$signal"
    says "another process trains here"
    kill -"$signal" $pid
    code=0
    wait $pid || code=$?
    [ $code = 75 ] || fail "SIG$signal: ended with $code"
    [ -f "kept-$signal/checkpoint.0" ] || fail "SIG$signal: nothing saved"
done

# The other end of the life line closes: saved, and gone after the grace of two
# seconds at the latest (and three more for a busy machine).
mkfifo life
sleep 100 >life &
holder=$!
# shellcheck disable=SC2086
QLAW_LIFE_FD=8 "$program" train $long --dir kept-life 8<life >long2 2>errors &
pid=$!
wait_for_lines long2
kill $holder
code=0
(sleep 5; kill -KILL $pid) 2>/dev/null &
killer=$!
wait $pid || code=$?
kill $killer 2>/dev/null || true
[ $code = 75 ] || fail "the life line closed: ended with $code"
[ -f kept-life/checkpoint.0 ] || fail "the life line closed: nothing saved"

[ $failed = 0 ] && echo "train: all as it should be"
exit $failed
