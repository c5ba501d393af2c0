#!/bin/sh
# What the report's tests do not do every time: a report of 5,000 runs against
# its limits (10 s, 5 MB), and the rules of axe-core on the pages.
#
#   scripts/report_check.sh       needs python3, chromium, and npm with a network
#
# QLAW names the program (default build/harness/qlaw).
set -eu
cd "$(dirname "$0")/.."
root=$PWD
qlaw=$(realpath "${QLAW:-build/harness/qlaw}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 tests/figures/make_db.py "$root" "$work/big.db" big
cd "$work"
python3 - "$qlaw" <<'EOF'
import os, resource, subprocess, sys, time
start = time.monotonic()
subprocess.run([sys.argv[1], "-q", "--db", "big.db", "report", "big"],
               check=True)
wall = time.monotonic() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = used.ru_utime + used.ru_stime
size = os.path.getsize("report/big.html")
print("report of 5,000 runs: %.1f s of CPU time, %.1f s by the clock, %.2f MB"
      % (cpu, wall, size / 1e6))
# The clock says more about what else runs here.
sys.exit(cpu >= 10 or size >= 5e6)
EOF

npm pack --silent axe-core@4.10.2 >/dev/null
tar xzf axe-core-4.10.2.tgz package/axe.min.js
QLAW_AXE=$work/package/axe.min.js \
    python3 "$root/tests/figures/browser.py" "$qlaw" "$root"
