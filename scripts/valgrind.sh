#!/bin/sh
# Memory errors and leaks, under valgrind: the unit tests of kernels, trainer,
# fit and the rest, and one short training run a path.  valgrind has no
# AVX-512, so the kernels choose AVX2 (QLAW_ISA caps them in any case).
#
#   scripts/valgrind.sh [BUILD [TEST...]]
#
# Takes about half an hour on two cores; TEST... names tests of `meson test`.
set -eu
build=${1:-build-valgrind}
[ $# -gt 0 ] && shift
cd "$(dirname "$0")/.."
[ -d "$build" ] || meson setup "$build" >/dev/null
ninja -C "$build" >/dev/null
export QLAW_ISA=avx2 QLAW_SHARED="${QLAW_SHARED:-$PWD/../shared}"
export OMP_WAIT_POLICY=passive

# Tests that are scripts, that measure time, or that repeat one fit a thousand
# times, are left to `meson test`; so is the scheduler's, because valgrind makes
# a fork of vfork, whose child then cannot say why it did not start.  Tests that
# train hundreds of steps would take hours (its fused multiply-adds are calls);
# the runs below stand for them, with batches that are cut into stretches.
tests=$*
if [ -z "$tests" ]; then
    tests=$(cd "$build" && find tests -type f -perm -u+x -name 'test_*' |
        grep -Ev 'grid_million$|fit_bench|fit_coverage$|scheduler$' |
        grep -Ev 'trainer_(branch|paths|run|gradients|oracle)' | sort)
else
    tests=$(cd "$build" && for t in $tests; do
        find tests -type f -perm -u+x -name "test_$(echo "$t" | tr - _)"
    done)
fi
failed=
for t in $tests; do
    printf '%-44s' "$t"
    if timeout 1200 valgrind -q --error-exitcode=9 --leak-check=full \
        --show-leak-kinds=definite --errors-for-leak-kinds=definite \
        "$build/$t" >"$build/valgrind.log" 2>&1; then
        echo ok
    else
        echo "FAILED ($?)"
        failed="$failed $t"
        cp "$build/valgrind.log" "$build/valgrind-$(basename "$t").log"
    fi
done

text=$(mktemp)
trap 'rm -f "$text"' EXIT
awk 'BEGIN { for (i = 0; i < 4000; i++) print "line " i * i % 997 }' >"$text"
for quant in none int4/g16 e2m1/g16/e8m0/stochastic mxfp8; do
    printf '%-44s' "qlaw train, $quant"
    if valgrind -q --error-exitcode=9 --leak-check=full \
        --show-leak-kinds=definite --errors-for-leak-kinds=definite \
        "$build/harness/qlaw" train -s data.path="$text" -s model.d_model=32 \
        -s model.n_layer=2 -s model.seq_len=32 -s train.tokens=4k \
        -s train.batch=64 -s train.warmup=0 \
        -s data.val_tokens=512 -s quant.w=$quant -s quant.x=$quant \
        >"$build/valgrind.log" 2>&1; then
        echo ok
    else
        echo "FAILED ($?)"
        failed="$failed train:$quant"
        cp "$build/valgrind.log" "$build/valgrind-train.log"
    fi
done
[ -z "$failed" ] || { echo "failed:$failed; logs in $build"; exit 1; }
