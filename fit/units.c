#include "fit/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

int units_compare(const struct model *m, size_t a, size_t b)
{
    for (int k = 0; k < m->n_names; k++) {
        const struct model_name *nm = &m->names[k];

        if (nm->values && nm->values[a] != nm->values[b])
            return nm->values[a] < nm->values[b] ? -1 : 1;
        if (nm->group && nm->group[a] != nm->group[b])
            return nm->group[a] < nm->group[b] ? -1 : 1;
    }
    return 0;
}

struct sorter {
    const struct model *m;
    char **text; /* of the table's rows, or NULL: by configuration */
};

static int compare_rows(const void *a, const void *b, void *ctx)
{
    const struct sorter *s = ctx;
    const size_t i = *(const size_t *)a, j = *(const size_t *)b;
    const int c = s->text ? strcmp(s->text[s->m->source_row[i]],
                                   s->text[s->m->source_row[j]])
                          : units_compare(s->m, i, j);

    return c ? c : (i > j) - (i < j);
}

static bool same_unit(const struct sorter *s, size_t i, size_t j)
{
    return s->text ? strcmp(s->text[s->m->source_row[i]],
                            s->text[s->m->source_row[j]]) == 0
                   : units_compare(s->m, i, j) == 0;
}

int units_number(int *unit, const struct model *m, char **text)
{
    struct sorter s = { m, text };
    size_t *order = mem_array(m->rows, sizeof *order);
    int n = 0;

    for (size_t i = 0; i < m->rows; i++)
        order[i] = i;
    qsort_r(order, m->rows, sizeof *order, compare_rows, &s);
    for (size_t i = 0; i < m->rows; i++) {
        if (i > 0 && !same_unit(&s, order[i], order[i - 1]))
            n++;
        unit[order[i]] = n;
    }
    free(order);
    return m->rows ? n + 1 : 0;
}

void units_split(double *within, double *between, const double *x,
                 const int *unit, int units, size_t n)
{
    double *sum = mem_array((size_t)units, sizeof *sum);
    double *count = mem_array((size_t)units, sizeof *count), mean = 0;

    for (size_t i = 0; i < n; i++) {
        sum[unit[i]] += x[i];
        count[unit[i]]++;
        mean += x[i] / (double)n;
    }
    *within = *between = 0;
    for (size_t i = 0; i < n; i++) {
        const double m = sum[unit[i]] / count[unit[i]];

        *within += pow(x[i] - m, 2);
        *between += pow(m - mean, 2);
    }
    free(sum);
    free(count);
}
