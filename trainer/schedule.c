#include "trainer/schedule.h"

#include <math.h>
#include <string.h>

#include "base/exact.h"
#include "trainer/size.h"

struct schedule schedule_of(const struct config *c)
{
    const char *kind = config_get(c, "train.schedule");
    struct schedule s = {
        .kind = strcmp(kind, "cosine") == 0 ? SCHEDULE_COSINE
                : strcmp(kind, "wsd") == 0  ? SCHEDULE_WSD
                                            : SCHEDULE_CONSTANT,
        .peak = config_number(c, "train.lr"),
        .steps = config_size(c).steps,
        .warmup = config_int(c, "train.warmup"),
    };

    s.last = s.peak * config_number(c, "train.lr_final");
    s.decay =
        (int64_t)floor(config_number(c, "train.decay") * (double)s.steps + 0.5);
    return s;
}

double schedule_rate(const struct schedule *s, int64_t step)
{
    double share;

    if (step < s->warmup)
        return s->peak * ((double)(step + 1) / (double)s->warmup);
    switch (s->kind) {
    case SCHEDULE_COSINE:
        share = (double)(step - s->warmup) / (double)(s->steps - s->warmup);
        return s->last +
               (s->peak - s->last) * 0.5 * (1 + exact_cos_turns(share / 2));
    case SCHEDULE_WSD:
        if (step < s->steps - s->decay)
            return s->peak;
        share =
            (double)(step - (s->steps - s->decay) + 1) / (double)(s->decay + 1);
        return s->peak + (s->last - s->peak) * share;
    default:
        return s->peak;
    }
}
