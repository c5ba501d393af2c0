#include "harness/study/splits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* What is quantized, without the format: "W+A". */
static const char *operands_of(const struct measured_arm *a)
{
    const char *space = strchr(a->family, ' ');

    return space ? space + 1 : "";
}

static bool is_of(const struct split_set *s, const struct measured_arm *a)
{
    return s->bits == a->bits && strcmp(s->group, a->group) == 0 &&
           strcmp(s->operands, operands_of(a)) == 0;
}

static void add_arm(struct split_set **sets, int *n, const struct measured *m,
                    int arm)
{
    const struct measured_arm *a = &m->arms[arm];
    const struct cells_mean cost = measured_cost_of_arm(m, arm);
    struct split_set *s;
    int k = 0;

    if (cost.cells == 0 || isnan(a->bits))
        return;
    while (k < *n && !is_of(&(*sets)[k], a))
        k++;
    if (k == *n) {
        *sets = mem_grow(*sets, (size_t)*n + 1, sizeof **sets);
        (*sets)[(*n)++] = (struct split_set){ .bits = a->bits,
                                              .group = a->group,
                                              .operands = operands_of(a) };
    }
    s = &(*sets)[k];
    s->splits = mem_grow(s->splits, (size_t)s->n + 1, sizeof *s->splits);
    s->splits[s->n++] = (struct split){ .arm = arm, .cost = cost };
}

static int by_cost(const void *a, const void *b)
{
    const struct split *x = a, *y = b;

    return (x->cost.value > y->cost.value) - (x->cost.value < y->cost.value);
}

static int by_set(const void *a, const void *b)
{
    const struct split_set *x = a, *y = b;
    int c = (x->bits > y->bits) - (x->bits < y->bits);

    c = c ? c : strcmp(x->operands, y->operands);
    c = c ? c
          : (int)(strlen(x->group) > strlen(y->group)) -
                (int)(strlen(x->group) < strlen(y->group));
    return c ? c : strcmp(x->group, y->group);
}

static struct measured_contrast against(const struct measured *m, int best,
                                        int other)
{
    struct measured_side a, b;
    struct measured_contrast c;

    measured_side_of_arm(&a, m, best);
    measured_side_of_arm(&b, m, other);
    c = measured_contrast(m, &a, &b, MEASURED_ANY);
    measured_side_release(&a);
    measured_side_release(&b);
    return c;
}

/* Holm over the contrasts with the best. */
static void judge(struct split_set *s, const struct measured *m)
{
    double *p = mem_array((size_t)s->n + 1, sizeof *p);
    bool goes_on = true;

    qsort(s->splits, (size_t)s->n, sizeof *s->splits, by_cost);
    for (int i = 1; i < s->n; i++) {
        const struct measured_contrast c =
            against(m, s->splits[0].arm, s->splits[i].arm);

        s->splits[i].behind = c.diff;
        p[i] = isnan(c.p) ? 1 : c.p;
    }
    for (int done = 0; done < s->n - 1 && goes_on; done++) {
        int least = 0;

        for (int i = 1; i < s->n; i++)
            if (!s->splits[i].told && (!least || p[i] < p[least]))
                least = i;
        goes_on = p[least] * (s->n - 1 - done) < 0.05 &&
                  s->splits[least].behind.value > 0;
        s->splits[least].told = goes_on;
        s->n_told += goes_on;
    }
    free(p);
}

int splits_find(struct split_set **out, const struct measured *m)
{
    int n = 0, kept = 0;

    *out = NULL;
    for (int i = 0; i < m->n_arms; i++)
        add_arm(out, &n, m, i);
    for (int i = 0; i < n; i++) {
        if ((*out)[i].n < 2) {
            free((*out)[i].splits);
            continue;
        }
        judge(&(*out)[i], m);
        (*out)[kept++] = (*out)[i];
    }
    if (kept)
        qsort(*out, (size_t)kept, sizeof **out, by_set);
    return kept;
}

void splits_free(struct split_set *s, int n)
{
    for (int i = 0; i < n; i++)
        free(s[i].splits);
    free(s);
}
