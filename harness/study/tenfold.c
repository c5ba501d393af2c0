#include "harness/study/tenfold.h"

#include <math.h>
#include <string.h>

#include "fit/cells.h"

static const struct {
    const char *law, *n, *d;
} powers[] = {
    { "qat-delta-paired", "gN", "gD" },
    { "ouyang", "alpha", "beta" },
};

static const char *exponent_of(const struct law *law, char axis)
{
    for (size_t i = 0; law && i < sizeof powers / sizeof powers[0]; i++)
        if (strcmp(powers[i].law, law->name) == 0)
            return axis == 'N' ? powers[i].n : powers[i].d;
    return NULL;
}

bool tenfold_find(struct tenfold *out, const struct fit *f, char axis)
{
    const char *name = exponent_of(f->m->law, axis);
    const int i = name ? model_find_param(f->m, name) : -1;
    const struct fit_estimate *e = i < 0 ? NULL : &f->est[i];

    if (!e || e->at_bound || isnan(e->lo))
        return false;
    *out =
        (struct tenfold){ pow(10, e->value), pow(10, e->lo), pow(10, e->hi) };
    return cells_is_factor(out->lo, out->hi);
}
