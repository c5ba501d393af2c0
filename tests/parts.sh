# parts.sh - what the tests in shell share; they read it with "." before they
# change the folder.  A test with more to say defines its own fail after that.

fail() {
    echo "FAILED: $*"
    exit 1
}

ends() { # ends CODE TEXT COMMAND...: its exit code, and what it says
    code=$1 text=$2
    shift 2
    rc=0
    out=$("$@" 2>&1) || rc=$?
    [ "$rc" = "$code" ] || fail "$* ended with $rc, not $code: $out"
    # A sentence is one, however its lines are broken.
    case "$out
$(printf '%s' "$out" | tr -s '\n ' '  ')" in
    *"$text"*) ;;
    *) fail "$* does not say '$text' but: $out" ;;
    esac
}

is() { # is WANT QUERY [DATABASE]: what a query answers
    got=$(sqlite3 "${3:-qlaw.db}" "$2")
    [ "$got" = "$1" ] || fail "${3:-qlaw.db}: $2: '$got', not '$1'"
}

# text.txt: 60,000 bytes of an order-1 source over 20 letters, so that there is
# something to learn.
markov_text() {
    awk 'BEGIN { srand(7); for (i = 0; i < 60000; i++) {
        c = rand() < 0.75 ? (c * 3 + 1) % 20 : int(rand() * 20)
        printf "%c", 97 + c; if (i % 61 == 60) printf "\n" } }' >text.txt
}
