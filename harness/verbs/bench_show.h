/* bench_show.h - `qlaw bench step` and `qlaw bench slots`, as tables or JSON
 * members. */
#ifndef HARNESS_VERBS_BENCH_SHOW_H
#define HARNESS_VERBS_BENCH_SHOW_H

#include "base/json.h"
#include "harness/bench/step.h"
#include "harness/cli/cli.h"

struct bench_show {
    const struct cli *cli; /* --d-model ..., --quant, --json */
    const struct kernels *kn;
    double peak; /* f32, GFLOP/s */
    struct str *json;
};

enum status bench_show_step(struct bench_show *b, struct err *err);
enum status bench_show_slots(struct bench_show *b, struct err *err);

#endif
