/* metrics.h - the lines a run reports (run.h has the protocol). */
#ifndef TRAINER_METRICS_H
#define TRAINER_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "trainer/run.h"

/* A point of the curve; NaN where a column was not measured. */
struct curve_point {
    double step, tokens, train_loss, val_loss, lr, grad_norm, wall_s;
};

/* Both append one line to fd; -1 writes nothing.  ERR_IO when nobody reads
 * any more. */
enum status metrics_point(int fd, const struct curve_point *p, struct err *err);
enum status metrics_final(int fd, const struct run_result *r,
                          const struct config *c, struct err *err);

#endif
