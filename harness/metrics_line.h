/* metrics_line.h - one line that a trainer reported (trainer/run.h).
 *
 * JSON, except that NaN, Infinity and -Infinity are taken too, in any case, as
 * Python and printf write them, and numbers too large for a double: they
 * become a flag, never a number.  Keys that are not of the protocol and hold a
 * number are kept as extra metrics when they have a plain name. */
#ifndef HARNESS_METRICS_LINE_H
#define HARNESS_METRICS_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/hash.h"

#define METRIC_NAME   64 /* [A-Za-z0-9][A-Za-z0-9._-]{0,62} */
#define METRICS_EXTRA 64 /* most extra metrics of a line */

struct metrics_extra {
    char name[METRIC_NAME];
    double value;
};

struct metrics_line {
    bool final, diverged, stopped; /* stopped: given up by a rule */
    int nonfinite; /* of a loss: 0, 1: NaN, 2: infinite */
    double step, tokens, train_loss, val_loss, lr, grad_norm, wall_s;
    struct metrics_extra *extra; /* owned; NULL when n_extra is 0 */
    int n_extra;                 /* a copy of the line does not own them */
    /* final lines only */
    double loss, loss_se, best_loss, steps, flops, tok_per_s;
    double n_body, n_embed, n_head_params, n_other;
    char weights_sha256[HASH_HEX], reason[200];
};

/* Numbers that are absent, null or not finite are NaN.  ERR_CONFIG for what
 * is not a JSON object, or a curve point without a step (nothing to
 * release then). */
enum status metrics_line_read(struct metrics_line *out, const char *text,
                              size_t n, struct err *err);
void metrics_line_release(struct metrics_line *line);

/* "NaN" and its like outside strings become strings: JSON again.  The caller
 * frees it. */
char *metrics_plain_json(const char *text, size_t n);

#endif
