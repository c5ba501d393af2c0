#include "harness/proto/counts.h"

#include <math.h>
#include <stdio.h>

#include "base/str.h"

#define LEAD "the trainer reports "

static void add(struct str *s, const char *name, double reported,
                double planned)
{
    if (isnan(reported) || reported == planned)
        return;
    str_addf(s, "%s%s %.0f, planned %.0f", s->len ? "; " : LEAD, name, reported,
             planned);
}

bool counts_differ(char *out, size_t size, const struct metrics_line *final,
                   const struct model_size *planned)
{
    const double flops = planned->flops;
    const double ratio = final->flops / flops;
    struct str s = { 0 };
    bool differ;

    add(&s, "n_body", final->n_body, (double)planned->body);
    add(&s, "n_embed", final->n_embed, (double)planned->embed);
    add(&s, "n_head_params", final->n_head_params, (double)planned->head);
    add(&s, "n_other", final->n_other, (double)planned->other);
    if (ratio > COUNTS_FLOPS_FACTOR || ratio < 1 / COUNTS_FLOPS_FACTOR)
        str_addf(&s, "%sflops %.3g, planned %.3g", s.len ? "; " : LEAD,
                 final->flops, flops);
    differ = s.len > 0;
    snprintf(out, size, "%s", str_text(&s));
    str_release(&s);
    return differ;
}
