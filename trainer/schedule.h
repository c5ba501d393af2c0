/* schedule.h - the learning rate of a step. */
#ifndef TRAINER_SCHEDULE_H
#define TRAINER_SCHEDULE_H

#include <stdint.h>

#include "trainer/config.h"

struct schedule {
    enum { SCHEDULE_COSINE, SCHEDULE_WSD, SCHEDULE_CONSTANT } kind;
    double peak, last;            /* learning rates */
    int64_t steps, warmup, decay; /* decay: steps at the end (wsd) */
};

struct schedule schedule_of(const struct config *c);

/* Step 0 .. steps-1.  Linear warm-up to the peak over `warmup` steps; then a
 * cosine to the last rate, or constant with a linear decay at the end (wsd),
 * or constant.  Only exactly rounded operations (base/exact.h). */
double schedule_rate(const struct schedule *s, int64_t step);

#endif
