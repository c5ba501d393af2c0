#include "kernels/quant/num_table.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Beyond these, sums and quotients of values would leave float. */
#define LEAST 1e-30
#define MOST  1e30

bool num_is_table(const char *text)
{
    const char *colon = strchr(text, ':');

    return colon && (isdigit((unsigned char)colon[1]) ||
                     (colon[1] && strchr("+-.", colon[1])));
}

/* --- reading -------------------------------------------------------------- */

static enum status check_name(const char *name, struct err *err)
{
    static const char *const taken[] = { "none", "forward", "row", "tensor" };
    struct num_format builtin;
    bool ok = isalpha((unsigned char)*name) && strlen(name) < NUM_NAME;

    for (const char *p = name; *p; p++)
        ok = ok && (isalnum((unsigned char)*p) || *p == '_');
    if (!ok)
        return err_set(err, ERR_CONFIG,
                       "format name '%.40s': a letter, then letters, digits "
                       "or _, at most %d in all",
                       name, NUM_NAME - 1);
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (strcmp(taken[i], name) == 0)
            return err_set(err, ERR_CONFIG,
                           "format name '%s' has another meaning", name);
    if (strcmp(name, "fp32") == 0 || num_find(&builtin, name, NULL) == OK)
        return err_set(err, ERR_CONFIG, "format name '%s' is built in", name);
    return OK;
}

static enum status read_values(struct num_table *t, const char *name,
                               const char *text, struct err *err)
{
    for (const char *p = text; *p; t->n++) {
        const char *end;
        double x;

        p++; /* the colon */
        if (!text_read_number(&x, p, &end, false) || (*end && *end != ':'))
            return err_set(err, ERR_CONFIG, "%s: '%.*s' is not a number", name,
                           (int)strcspn(p, ":"), p);
        if (t->n == NUM_VALUES)
            return err_set(err, ERR_CONFIG, "%s has more than %d values", name,
                           NUM_VALUES);
        if (!(fabs(x) <= MOST))
            return err_set(err, ERR_CONFIG, "%s: %.*s is not within 1e30", name,
                           (int)(end - p), p);
        t->values[t->n] = (float)x;
        p = end;
    }
    return OK;
}

static float largest(const struct num_table *t)
{
    return t->n ? fmaxf(fabsf(t->values[0]), fabsf(t->values[t->n - 1])) : 0;
}

static enum status check_values(const struct num_table *t, const char *name,
                                struct err *err)
{
    if (t->n < 2)
        return err_set(err, ERR_CONFIG, "%s has %d value: a format has 2 to %d",
                       name, t->n, NUM_VALUES);
    for (int i = 1; i < t->n; i++)
        if (!(t->values[i - 1] < t->values[i]))
            return err_set(err, ERR_CONFIG,
                           "%s: values must rise: %.9g stands before %.9g",
                           name, (double)t->values[i - 1],
                           (double)t->values[i]);
    if (!((double)largest(t) >= LEAST))
        return err_set(err, ERR_CONFIG,
                       "%s: the largest magnitude is %.9g, below 1e-30", name,
                       (double)largest(t));
    return OK;
}

/* The least float that is nearer to value i + 1 than to value i, or as near
 * and i odd. */
static float edge_after(const struct num_table *t, int i)
{
    const double middle = ((double)t->values[i] + (double)t->values[i + 1]) / 2;
    const bool tie_up = i % 2 == 1;
    float x = (float)middle;

    while ((double)x > middle || (tie_up && (double)x == middle))
        x = nextafterf(x, -INFINITY);
    while ((double)x < middle || (!tie_up && (double)x == middle))
        x = nextafterf(x, INFINITY);
    return x;
}

/* --- keeping -------------------------------------------------------------- */

struct kept {
    struct num_table table;
    struct kept *next;
};

/* The table with these values that lives as long as the program: there are as
 * many as people wrote, and formats are copied by the million. */
static const struct num_table *keep(const struct num_table *t)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct kept *all;
    struct kept *k;

    pthread_mutex_lock(&lock);
    for (k = all; k; k = k->next)
        if (memcmp(k->table.values, t->values, sizeof t->values) == 0 &&
            k->table.n == t->n)
            break;
    if (!k) {
        k = mem_alloc(sizeof *k);
        k->table = *t;
        k->next = all;
        all = k;
    }
    pthread_mutex_unlock(&lock);
    return &k->table;
}

static void describe(struct num_format *f, const char *name,
                     const struct num_table *t)
{
    *f = (struct num_format){ .kind = NUM_TABLE,
                              .scaled = true,
                              .max = largest(t),
                              .min_code = t->values[0],
                              .source = "a table of codes",
                              .table = keep(t) };
    snprintf(f->name, sizeof f->name, "%s", name);
    while (1 << f->bits < t->n)
        f->bits++;
    f->man_bits = f->bits - 1;
    for (int i = t->n - 1; i >= 0 && t->values[i] > 0; i--)
        f->step_zero = t->values[i];
}

enum status num_table_read(struct num_format *out, const char *text,
                           struct err *err)
{
    const size_t head = strcspn(text, ":");
    char *name = mem_strndup(text, head);
    struct num_table t = { 0 };
    enum status st = check_name(name, err);

    *out = (struct num_format){ 0 };
    if (st == OK)
        st = read_values(&t, name, text + head, err);
    if (st == OK)
        st = check_values(&t, name, err);
    for (int i = 0; st == OK && i + 1 < t.n; i++)
        t.edge[i] = edge_after(&t, i);
    if (st == OK)
        describe(out, name, &t);
    free(name);
    return st;
}

/* The shortest text that is this very float. */
static int print_float(char *buf, size_t size, float x)
{
    int n = 0;

    for (int digits = 6; digits <= 9; digits++) {
        n = snprintf(buf, size, "%.*g", digits, (double)x);
        if (strtof(buf, NULL) == x)
            break;
    }
    return n;
}

const char *num_print(char buf[NUM_TEXT], const struct num_format *f)
{
    int at = snprintf(buf, NUM_NAME, "%s", f->name);

    for (int i = 0; f->table && i < f->table->n; i++) {
        buf[at++] = ':';
        at += print_float(buf + at, NUM_TEXT - (size_t)at, f->table->values[i]);
    }
    return buf;
}

/* --- rounding ------------------------------------------------------------- */

/* How many of the first n of a rising list are at most x. */
static int count_up_to(const float *list, int n, float x)
{
    int low = 0;

    while (low < n) {
        const int middle = (low + n) / 2;

        if (list[middle] <= x)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

float num_table_round(const struct num_format *f, float x,
                      const struct num_rounding *mode, float u)
{
    const struct num_table *t = f->table;
    const int i = count_up_to(t->values + 1, t->n - 2, x);

    return mode->between(x, t->values[i], t->values[i + 1], i % 2 == 1, u);
}

uint32_t num_table_code(const struct num_format *f, float value)
{
    return (uint32_t)count_up_to(f->table->edge, f->table->n - 1, value);
}

void num_table_span(float *centre, float *limit, const struct num_format *f)
{
    const int n = f->table->n;
    const float *v = f->table->values;
    const float low = v[0] - (v[1] - v[0]) / 2;
    const float high = v[n - 1] + (v[n - 1] - v[n - 2]) / 2;

    *centre = (low + high) / 2;
    *limit = (high - low) / 2;
}
