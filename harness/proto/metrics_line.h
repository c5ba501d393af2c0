/* metrics_line.h - one line that a trainer reported (trainer/run.h).
 *
 * Trainers are written in many languages, and a training that is over must not
 * be lost for how its last line was written.  So a line is JSON, and beyond it:
 *
 *   numbers  NaN, Infinity and -Infinity are taken, in any case, as Python and
 *            printf write them, and numbers too large for a double: they become
 *            a flag, never a number.  Whole numbers of any length are doubles.
 *   truth    final, diverged and stopped are true, a number that is not 0, or a
 *            text that says so ("true", "yes", "1"); anything that is neither
 *            true nor false is refused.
 *   keys     the last of two that are the same counts, as in other readers.
 *   metrics  a key that is not of the protocol and holds a number is kept when
 *            its name is printable and short enough for METRIC_NAME.
 *
 * What is passed over is said in note; what makes the line unusable is said by
 * the error.  A final record is unusable without a number as its loss, unless
 * it says that the run diverged or was stopped: NaN is a result (null too,
 * which is NaN in JSON without it), a loss under another name is not. */
#ifndef HARNESS_PROTO_METRICS_LINE_H
#define HARNESS_PROTO_METRICS_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/hash.h"

#define METRIC_NAME   64   /* bytes of a name and its end */
#define METRICS_EXTRA 1024 /* most extra metrics of a line */

struct metrics_extra {
    char name[METRIC_NAME];
    double value;
};

struct metrics_line {
    bool final, diverged, stopped; /* stopped: given up by a rule */
    int nonfinite;                 /* of a loss: 0, 1: NaN, 2: infinite */
    double step, tokens, train_loss, val_loss, lr, grad_norm, wall_s;
    struct metrics_extra *extra; /* owned; NULL when n_extra is 0 */
    int n_extra;                 /* a copy of the line does not own them */
    /* final lines only */
    double loss, loss_se, best_loss, steps, flops, tok_per_s;
    double n_body, n_embed, n_head_params, n_other;
    char weights_sha256[HASH_HEX], reason[200];
    char note[160]; /* what of the line is passed over; "": nothing */
};

/* Numbers that are absent, null or not finite are NaN.  ERR_CONFIG for what
 * is not a JSON object, a curve point without a step, a final record without
 * a loss (nothing to release then). */
enum status metrics_line_read(struct metrics_line *out, const char *text,
                              size_t n, struct err *err);
void metrics_line_release(struct metrics_line *line);

/* "NaN" and its like outside strings become strings: JSON again.  The caller
 * frees it. */
char *metrics_plain_json(const char *text, size_t n);

#endif
