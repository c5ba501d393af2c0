#!/bin/sh
# The same configuration gives the same curve and the same weights, whatever
# the number of threads and slots and the instruction set; and a set that the
# CPU lacks is refused.
#
#   same_bits.sh QLAW
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
if [ -w /dev/shm ]; then TMPDIR=/dev/shm; fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/qlaw-bits-XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

markov_text
cat >grid.ini <<'INI'
[grid]
name = bits
[data]
path = text.txt
val_tokens = 1k
[model]
n_layer = 2
d_model = 32
n_head = 2
seq_len = 32
[train]
tokens = 4k
batch = 5
lr = 0.01
[seeds]
count = 2
[block "integer"]
quant.w = int4
quant.x = int4
quant.group = 16
[block "stochastic"]
quant.w = e2m1/g8/e8m0/stochastic
quant.x = e4m3/row
quant.dy_g = int8/g16/stochastic
INI

# Every point of every curve, every loss and the hash of the weights.
dump() {
    sqlite3 qlaw.db "SELECT p.point_id, r.seed, c.step, printf('%.17g %.17g',
        c.train_loss, c.grad_norm) FROM curve c JOIN run r USING(run_id)
        JOIN point p USING(point_id) ORDER BY 1, 2, 3;
        SELECT p.point_id, r.seed, printf('%.17g', s.loss), s.weights_sha256
        FROM result s JOIN run r USING(run_id) JOIN point p USING(point_id)
        ORDER BY 1, 2;" | sha256sum
}

run() { # run SLOTS THREADS ISA
    rm -rf qlaw.db* runs
    QLAW_ISA=$3 "$qlaw" run -q grid.ini --slots "$1" --set "run.threads=$2" \
        >log 2>&1 || fail "slots $1, threads $2, $3: $(cat log)"
    [ "$(sqlite3 qlaw.db 'SELECT count(*) FROM result')" = 6 ] ||
        fail "slots $1, threads $2, $3: not six results"
    dump
}

want=$(run 1 1 "")
for how in "2 1" "3 1" "1 2" "2 3"; do
    # shellcheck disable=SC2086
    got=$(run $how "")
    [ "$got" = "$want" ] || fail "slots and threads $how: other bits"
done
got=$(run 2 1 ref)
[ "$got" = "$want" ] || fail "the reference: other bits"

# Not only constants are compared.
sed -i 's/lr = 0.01/lr = 0.0100001/' grid.ini
[ "$(run 2 1 "")" != "$want" ] || fail "another learning rate, the same bits"

refused() { # refused CODE TEXT COMMAND...
    code=$1 text=$2
    shift 2
    rc=0
    out=$("$@" 2>&1) || rc=$?
    [ $rc = "$code" ] || fail "$*: ended with $rc: $out"
    case $out in
    *"$text"*) ;;
    *) fail "$* does not say '$text': $out" ;;
    esac
}
export QLAW_ISA=avx1024
refused 2 "'avx1024' is not ref, avx2 or avx512" "$qlaw" bench peak
# valgrind is a CPU without AVX-512; it runs no program with sanitizers
if command -v valgrind >/dev/null && [ "$(uname -m)" = x86_64 ] &&
    ! grep -q __asan_init "$qlaw"; then
    export QLAW_ISA=avx512
    refused 4 "QLAW_ISA: this CPU has no avx512 (its widest set is avx2)" \
        valgrind -q "$qlaw" bench peak
    refused 4 "QLAW_ISA: this CPU has no avx512" valgrind -q "$qlaw" train \
        -s data.path=text.txt -s train.tokens=10k -s data.val_tokens=512
fi
echo "same bits: slots, threads, instruction sets"
