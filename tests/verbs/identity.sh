#!/bin/sh
# Whatever changes the data that a run sees, or what becomes of it, makes it
# another run; what a person may want to know besides is said.
#
#   identity.sh QLAW
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
dir=$(mktemp -d /tmp/qlaw-identity-XXXXXX)
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"
export OMP_WAIT_POLICY=passive

markov_text
cp text.txt other.txt
tr a-e e-za-d <text.txt >moved.txt
cat >g.ini <<'INI'
[grid]
name = g
[model]
d_model = 16
n_layer = 1
n_head = 1
seq_len = 16
[data]
path = text.txt
val_tokens = 512
[train]
batch = 4
tokens = 2k
[block "base"]
quant.w = none
[block "int4"]
quant.w = int4/g8
INI
results() { sqlite3 qlaw.db 'select count(*) from result'; }
grows() { # grows BY ARGUMENT...: qlaw run trains so many runs more
    by=$1 was=$(results)
    shift
    "$qlaw" run g.ini -q "$@" >/dev/null 2>err || fail "run $*: $(cat err)"
    [ "$(results)" -eq $((was + by)) ] ||
        fail "run $*: $(($(results) - was)) runs more, not $by"
}

"$qlaw" run g.ini -q
[ "$(results)" -eq 2 ] || fail "$(results) results"

# --- what a run sees, and what becomes of it -----------------------------------------
grows 0
grows 0 -s data.path=other.txt # the same text
grows 2 -s data.path=moved.txt
grows 2 -s data.val=other.txt
grows 2 -s data.max_bytes=50000
grows 2 -s data.delimiter=
grows 2 -s data.val_tokens=256
grows 2 -s data.val_fraction=0.1
grows 2 -s seeds.first=2
grows 2 -s seeds.pair=no
grows 0 -s data.order=point # the same in other words
grows 0 -s seeds.pair=yes
grows 2 -s 'stop.early=val_loss < 0.1'
grows 2 -s 'stop.early=val_loss < 0.1' -s run.val_every=3
grows 2 -s 'stop.early=val_loss < 0.1' -s run.val_every=4
grows 0 -s run.val_every=4 -s run.log_every=2 -s run.threads=2
own="config like '%\"order\":\"point\"%'"
is 2 "select count(distinct data_seed) from run join point using(point_id)
      where $own"
is 0 "select count(*) from run join point using(point_id) where data_seed!=seed
      and not $own"
"$qlaw" db check >/dev/null || fail 'db check'
rm -f qlaw.db*
"$qlaw" db rebuild -q >/dev/null || fail 'db rebuild'
is 2 "select count(distinct data_seed) from run join point using(point_id)
      where $own"
grows 0 -s seeds.pair=no

# By hand it is the same run.
run=$(sqlite3 qlaw.db "select point_id || '-' || seed from run join point
    using(point_id) where $own limit 1")
config=runs/$(echo "$run" | sed 's/^\(.\{12\}\).*-/\1-/')/config.json
jq 'del(.seed, .data_seed)' "$config" >by-hand.json
"$qlaw" train -q --config by-hand.json --seed 1 >lines 2>err || fail "$(cat err)"
is "$(sed -n 's/.*"weights_sha256":"\([0-9a-f]*\)".*/\1/p' lines)" \
    "select weights_sha256 from result join run using(run_id)
     where point_id || '-' || seed = '$run'"

# --- what an older qlaw called by one name --------------------------------------------
sqlite3 qlaw.db 'update run set data_seed=12345 where data_seed=1'
ends 5 'another order of the data' "$qlaw" run g.ini -q
rm -f qlaw.db*; rm -rf runs

# --- what is no part of it, and said --------------------------------------------------
"$qlaw" run g.ini -q -s data.probe=other.txt
"$qlaw" run g.ini -s data.probe=moved.txt 2>&1 | tr -s '\n ' '  ' |
    grep -q 'planned with data.probe = .*other.txt' || fail 'another probe'
cat >tr.sh <<'T'
#!/bin/sh
echo "{\"final\":true,\"loss\":$1,\"tokens\":1024,\"steps\":8}" >>"$QLAW_METRICS"
T
chmod +x tr.sh
printf '[train]\ntokens = 1024\n[trainer]\nkind = exec\ncommand = ./tr.sh 2\n' >e.ini
"$qlaw" run e.ini -q
"$qlaw" run e.ini -s 'trainer.command=./tr.sh 3' 2>&1 | tr -s '\n ' '  ' |
    grep -q 'planned with trainer.command = ./tr.sh 2; if that changes' ||
    fail 'another command'
echo 'identity: ok'
