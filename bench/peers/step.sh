#!/bin/sh
# qlaw's training step against PyTorch's, in turn on the same core: the median
# over pairs of the ratio of tokens per second.
#
#   bench/peers/step.sh [QLAW [PAIRS [ROUNDS [WIDTHS]]]]
#
# Needs Debian's python3-torch with libopenblas0-pthread (without it PyTorch
# falls back to the reference BLAS and is ten times slower).  Times are CPU time
# of one thread, so that a busy machine slows both; caches are still shared with
# whatever else runs.
set -eu
cd "$(dirname "$0")"
qlaw=${1:-../../build/harness/qlaw}
pairs=${2:-5}
rounds=${3:-5}
widths=${4:-64 128 256 384}
export MALLOC_MMAP_THRESHOLD_=8000000000 MALLOC_TRIM_THRESHOLD_=16000000000
export MALLOC_TOP_PAD_=500000000

value() { # KEY of a JSON object on stdin
    sed -n "s/.*\"$1\": *\([0-9.e+]*\).*/\1/p"
}

median() {
    sort -g | awk '{ x[NR] = $1 } END { m = int((NR + 1) / 2)
        print NR % 2 ? x[m] : (x[m] + x[m + 1]) / 2 }'
}

printf '%-8s %-13s %12s %12s %8s\n' d_model quant 'qlaw tok/s' 'torch tok/s' ratio
for d in $widths; do
    for quant in none w4a4:32 w4a4:32+bf16 mxfp8; do
        case $quant in
        none) peer=none ;;
        w4a4:32*) peer=int4:32 ;;
        mxfp8) peer=mx:32 ;;
        esac
        for pair in $(seq "$pairs"); do
            a=$("$qlaw" bench step --d-model $d --quant $quant \
                --rounds "$rounds" --json | value tok_per_s)
            b=$(/usr/bin/python3 torch_step.py --d-model $d --quant $peer \
                --rounds "$rounds" | value tok_per_s)
            echo "$a $b"
        done >/tmp/qlaw-peers.$$
        printf '%-8s %-13s %12.0f %12.0f %8.2f\n' $d $quant \
            "$(cut -d' ' -f1 /tmp/qlaw-peers.$$ | median)" \
            "$(cut -d' ' -f2 /tmp/qlaw-peers.$$ | median)" \
            "$(awk '{ print $1 / $2 }' /tmp/qlaw-peers.$$ | median)"
        rm -f /tmp/qlaw-peers.$$
    done
done
