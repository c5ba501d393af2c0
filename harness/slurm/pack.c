#include "harness/slurm/pack.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"

/* A job needs a moment to begin, to read its data and to save. */
#define START_S 300

/* Few different limits make few arrays; a scheduler's backfill likes short
 * ones. */
static const int minutes[] = { 10,  15,  20,  30,  45,   60,   90,   120, 180,
                               240, 360, 480, 720, 1080, 1440, 2160, 2880 };

static double round_up(double seconds)
{
    for (size_t i = 0; i < sizeof minutes / sizeof minutes[0]; i++)
        if (seconds <= 60.0 * minutes[i])
            return 60.0 * minutes[i];
    return ceil(seconds / 86400) * 86400;
}

static void set_limit(struct pack_task *t, const struct pack_options *o)
{
    const double end_s = fmax(START_S, o->early_s);
    const double need = fmax(o->safety * t->est_s + end_s, 2 * o->early_s);

    t->too_long = o->known && t->est_s + fmin(end_s, o->max_s / 2) > o->max_s;
    t->limit_s = o->known ? fmin(round_up(need), o->max_s) : o->max_s;
}

/* Runs in their order until a task is as long as it should be; one that
 * would make it too long for any limit begins another. */
static void make_tasks(struct pack *p, const double *est_s, int n,
                       const struct pack_options *o)
{
    p->tasks = mem_array((size_t)n, sizeof *p->tasks);
    for (int i = 0; i < n;) {
        struct pack_task *t = &p->tasks[p->n_tasks++];
        double sum = 0, longest = 0;

        t->first = i;
        do {
            sum += est_s[i];
            longest = fmax(longest, est_s[i]);
            t->est_s = fmax(longest, sum / o->slots);
            t->n++;
            i++;
        } while (i < n && (t->n < o->slots ||
                           (o->known &&
                            fmax(fmax(longest, est_s[i]),
                                 (sum + est_s[i]) / o->slots) <= o->target_s)));
        set_limit(t, o);
    }
}

static int by_limit(const void *a, const void *b)
{
    const struct pack_task *x = a, *y = b;

    if (x->limit_s != y->limit_s)
        return x->limit_s < y->limit_s ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

static void make_arrays(struct pack *p, const struct pack_options *o)
{
    for (int i = 0; i < p->n_tasks;) {
        struct pack_array a = { .first = i, .limit_s = p->tasks[i].limit_s };

        while (i < p->n_tasks && a.n < o->max_array &&
               p->tasks[i].limit_s == a.limit_s) {
            a.n++;
            i++;
        }
        p->arrays =
            mem_grow(p->arrays, (size_t)p->n_arrays + 1, sizeof *p->arrays);
        p->arrays[p->n_arrays++] = a;
    }
}

/* Each array one task at once, and its share of the others. */
static void share(struct pack *p, const struct pack_options *o)
{
    const double others = fmax(0, o->max_running - p->n_arrays);

    for (int i = 0; i < p->n_arrays && o->max_running > 0; i++) {
        struct pack_array *a = &p->arrays[i];

        a->throttle = 1 + (int)(others * a->n / p->n_tasks);
        if (a->throttle > a->n)
            a->throttle = a->n;
    }
}

void pack_make(struct pack *out, const double *est_s, int n,
               const struct pack_options *o)
{
    *out = (struct pack){ .tasks = NULL };
    make_tasks(out, est_s, n, o);
    if (n > 0)
        qsort(out->tasks, (size_t)out->n_tasks, sizeof *out->tasks, by_limit);
    make_arrays(out, o);
    share(out, o);
}

void pack_release(struct pack *p)
{
    free(p->tasks);
    free(p->arrays);
    *p = (struct pack){ .tasks = NULL };
}
