#!/bin/sh
# trainer.sh - the whole contract with qlaw, in shell.
#
#   [trainer]
#   kind    = exec
#   command = sh trainer.sh ${train.tokens} ${model.d_model} ${job.seed}
#
# It "trains" a formula, so that grids, fits and clusters can be tried out at no
# cost: loss = 1.7 + 400/N^0.34 + 410/D^0.28 (Hoffmann et al. 2022, rounded) and
# a little noise that depends on the seed.
set -eu
tokens=$1 width=$2 seed=$3
steps=50
state=$QLAW_DIR/state             # the run's own folder
step=0
[ ! -f "$state" ] || step=$(cat "$state")

stop=no                           # a handler only sets a flag
trap 'stop=yes' TERM USR1

loss() { # loss STEP: the formula with the tokens seen so far
    trap '' TERM USR1             # the signal comes to all of us
    awk -v n="$((12 * width * width))" -v d="$((tokens * $1 / steps))" \
        -v seed="$seed" 'BEGIN { srand(seed)
            printf "%.6f", 1.7 + 400 / n ^ 0.34 + 410 / d ^ 0.28 + rand() / 1000 }'
}
case $width in
*[!0-9]*) echo "what width is '$width'?"; exit 64 ;; # not supported: skipped
esac
while [ "$step" -lt "$steps" ]; do
    now=$(loss $((step + 1))) || exit 75 # cut off: run me again
    step=$((step + 1))
    # one line, one report; this opens and closes the pipe each time
    echo "{\"step\":$step,\"tokens\":$((tokens * step / steps)),\"train_loss\":$now}" \
        >>"$QLAW_METRICS"
    echo "$step" >"$state.new" && mv "$state.new" "$state"
    if [ $stop = yes ] && [ "$step" -lt "$steps" ]; then
        exit 75                   # saved; run me again
    fi
done
echo "{\"final\":true,\"loss\":$(loss $steps),\"loss_se\":0.0003,\"tokens\":$tokens,\"n_body\":$((12 * width * width))}" \
    >>"$QLAW_METRICS"
