#!/bin/sh
# What is printed: texts of others never command a terminal, a report that cannot
# be written is no success, and a reader who goes away ends a question.
#
#   output.sh QLAW
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
dir=$(mktemp -d /tmp/qlaw-output-XXXXXX)
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"

esc=$(printf '\033') bidi=$(printf '\342\201\246') c1=$(printf '\302\205')
cat >trainer.sh <<'SH'
#!/bin/sh
printf 'Traceback \033[31m\302\205 caf\351 \342\201\246txt\033[0m\n' >&2
exit 1
SH
chmod +x trainer.sh
cat >g.ini <<'INI'
[grid]
name = g
[train]
tokens = 1024
[trainer]
kind = exec
command = ./trainer.sh
[run]
retries = 0
INI

# --- no text of others commands the terminal -----------------------------------------
clean() { # clean WORDS: neither stream of `qlaw WORDS` holds what a terminal obeys
    "$qlaw" "$@" >shown 2>&1 || :
    [ -s shown ] || fail "$*: nothing was shown"
    if LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]' shown; then
        fail "$*: a terminal would obey $(cat -v shown | head -3)"
    fi
}
clean run g.ini
clean show 1
clean show 1 --json
clean status --json
for format in table csv json jsonl md latex; do
    clean query failures -f $format
done
clean run "$bidi$c1.ini"
clean fit "$esc]0;title"
clean "$esc[2J"
clean query "select '$esc[5m$bidi'"
clean --db "$esc.db" status

# What programs read says the same: the text is in the database, byte for byte where
# it was UTF-8, and JSON is JSON.
"$qlaw" query "select message from failures" -f json |
    python3 -c 'import json, sys
m = json.load(sys.stdin)[0]["message"]
assert "\x85 caf" in m and "\u2066txt" in m, ascii(m)'

# A cell that a spreadsheet would compute is a text, also one that is a blob.
"$qlaw" query "select '=1', x'3d32', -3, null" -f csv | tail -1 >cells
[ "$(cat cells)" = "\"'=1\",\"'=2\",-3," ] || fail "cells: $(cat cells)"

# What is no UTF-8 is refused where it comes in: kept as JSON, two such names were one.
for word in "trainer.command=./tr$(printf '\351').sh" \
    "data.path=$(printf '\377\376').txt" "data.path=$(printf 'caf\303')"; do
    code=0; "$qlaw" check g.ini -s "$word" >out 2>&1 || code=$?
    [ $code -eq 3 ] && tr -s '\n ' '  ' <out | grep -q 'not UTF-8 at byte' || fail "$code $(cat out)"
done

# --- a report that is lost is no success ---------------------------------------------
ends() { # ends CODE WORDS
    want=$1 got=0
    shift
    "$qlaw" "$@" >/dev/full 2>err || got=$?
    [ $got -eq $want ] || fail "$* on a full disk: $got, not $want"
    grep -q 'No space left' err || fail "$*: $(cat err)"
}
for verb in formats 'config g.ini' 'keys data' 'db check --json' \
    'query losses' 'show 1 --json' 'check g.ini --json' 'help run' '--version' \
    'submit g.ini --help' 'doctor --json' 'completion zsh' 'cancel g --json'; do
    ends 7 $verb
done

# Closed descriptors are nobody's: no file gets their numbers.
code=0; "$qlaw" laws >&- 2>err || code=$?
[ $code -eq 7 ] || fail "closed stdout: $code"
cp qlaw.db before.db
"$qlaw" run g.ini <&- >&- 2>&- || :
[ "$(sqlite3 qlaw.db 'pragma integrity_check')" = ok ] || fail 'a damaged database'

# --- a reader who goes away ----------------------------------------------------------
forever="with recursive c(x) as (select 1 union all select x+1 from c)"
left() { # left QUERY FORMAT: ends soon, in silence, for a reader of one line
    { timeout 20 "$qlaw" query "$1" -f $2 2>err || echo $? >code; } |
        head -1 >/dev/null
    [ "$(cat code)" -eq 7 ] && [ ! -s err ] || fail "$2: $(cat code err)"
}
left "$forever select x from c" csv
left "$forever select x from c" jsonl
{ timeout 20 "$qlaw" query "$forever select sum(x) from c" 2>err ||
    echo $? >code; } | true
[ "$(cat code)" -eq 7 ] && [ ! -s err ] || fail "nobody read: $(cat code err)"
echo 'output: ok'
