#include "trainer/schedule.h"

#include <math.h>
#include <string.h>

#include "base/exact.h"
#include "trainer/size.h"

struct schedule schedule_of(const struct config *c)
{
    const char *kind = config_train_schedule(c);
    struct schedule s = {
        .kind = strcmp(kind, "cosine") == 0 ? SCHEDULE_COSINE
                : strcmp(kind, "wsd") == 0  ? SCHEDULE_WSD
                                            : SCHEDULE_CONSTANT,
        .peak = config_train_lr(c),
        .steps = config_size(c).steps,
        .warmup = (int64_t)config_train_warmup(c),
    };

    s.last = s.peak * config_train_lr_final(c);
    s.decay = (int64_t)floor(config_train_decay(c) * (double)s.steps + 0.5);
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
