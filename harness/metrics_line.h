/* metrics_line.h - one line that a trainer reported.
 *
 * JSON with the tokens NaN, Infinity and -Infinity also taken, as Python
 * writes them: they become a flag, never a number.  trainer/run.h has the
 * keys. */
#ifndef HARNESS_METRICS_LINE_H
#define HARNESS_METRICS_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/hash.h"

struct metrics_line {
    bool final, diverged;
    int nonfinite; /* 0, 1: a NaN, 2: an infinity */
    double step, tokens, train_loss, val_loss, lr, grad_norm, wall_s;
    /* final lines only */
    double loss, loss_se, best_loss, steps, flops, tok_per_s;
    double n_body, n_embed, n_head_params, n_other;
    char weights_sha256[HASH_HEX], reason[200];
};

/* Numbers that are absent, null or not finite are NaN.  ERR_CONFIG for what
 * is not a JSON object, or a curve point without a step. */
enum status metrics_line_read(struct metrics_line *out, const char *text,
                              size_t n, struct err *err);

#endif
