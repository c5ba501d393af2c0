/* diagnose_columns.c - columns of the table that the fit did not look at, and
 * should have: names taken for something else, settings that were pooled. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/order.h"
#include "fit/diagnose.h"
#include "fit/units.h"

static const struct model_name *find_name(const struct model *m,
                                          const char *name)
{
    for (int i = 0; i < m->n_names; i++)
        if (strcmp(m->names[i].name, name) == 0)
            return &m->names[i];
    return NULL;
}

/* --- names ------------------------------------------------------------------ */

/* In a grid's rows the letters are known; in somebody's table a column called
 * E may be epochs. */
void diagnose_names(struct fit *f, const struct table *t)
{
    for (int i = 0; i < t->n_cols && strcmp(t->noun, "run") != 0; i++) {
        const char *name = t->cols[i].name;
        const struct model_name *n = find_name(f->m, name);

        if (n && !n->is_var)
            fit_warn(f, FIT_NAME_TAKEN,
                     "%s is a constant here, and %s has a column %s, which is "
                     "not used; --map other=%s gives it another name",
                     name, t->source, name, name);
        else if (n && !f->m->law && law_names_param(name))
            fit_warn(f, FIT_NAME_TAKEN,
                     "%s is the column of %s here, not a constant; --start "
                     "%s=1 makes it one",
                     name, t->source, name);
    }
}

/* --- pooled settings ---------------------------------------------------------- */

static bool tells_nothing(const struct model *m, const struct column *c)
{
    static const char *const known[] = { "seed",   "data_seed", "run",
                                         "run_id", "id",        "row",
                                         "index",  "step",      "_step" };

    if (c->settled || find_name(m, c->name) ||
        strcmp(c->name, m->response) == 0)
        return true;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcasecmp(c->name, known[i]) == 0)
            return true;
    return false;
}

/* Distinct values among the rows of the fit; 0 when some are no numbers. */
static int count_values(const struct model *m, const struct column *c)
{
    double *v = mem_array(m->rows + 1, sizeof *v);
    int n = m->rows > 0;

    for (size_t i = 0; i < m->rows; i++) {
        v[i] = c->num[m->source_row[i]];
        if (!isfinite(v[i]))
            n = 0;
    }
    if (n)
        qsort(v, m->rows, sizeof *v, order_doubles);
    for (size_t i = 1; n && i < m->rows; i++)
        n += v[i] != v[i - 1];
    free(v);
    return n;
}

/* Units of rows alike whose rows differ in the column. */
static int count_mixed(const struct model *m, const struct column *c,
                       const int *unit, int units)
{
    double *first = mem_array((size_t)units + 1, sizeof *first);
    bool *mixed = mem_array((size_t)units + 1, sizeof *mixed);
    int n = 0;

    for (int k = 0; k < units; k++)
        first[k] = (double)NAN;
    for (size_t i = 0; i < m->rows; i++) {
        const double v = c->num[m->source_row[i]];

        if (isnan(first[unit[i]]))
            first[unit[i]] = v;
        mixed[unit[i]] = mixed[unit[i]] || v != first[unit[i]];
    }
    for (int k = 0; k < units; k++)
        n += mixed[k];
    free(first);
    free(mixed);
    return n;
}

/* A setting has few values, each in many rows; what was measured has as many
 * as there are rows. */
void diagnose_pooled(struct fit *f, const struct table *t)
{
    const struct model *m = f->m;
    int *unit = mem_array(m->rows + 1, sizeof *unit);
    const int units = units_number(unit, m, NULL);

    for (int i = 0; i < t->n_cols && units < (int)m->rows; i++) {
        const struct column *c = &t->cols[i];
        const int values = tells_nothing(m, c) ? 0 : count_values(m, c);
        const int mixed = values > 1 && 2 * values <= (int)m->rows
                              ? count_mixed(m, c, unit, units)
                              : 0;

        if (mixed)
            fit_warn(f, FIT_ROWS_POOLED,
                     "rows that the law cannot tell apart differ in %s (%d "
                     "values, in %d of %d settings) and were pooled as if they "
                     "were seeds; --where '%s == ...' chooses one, --best %s "
                     "--by COLUMN,... the best of each",
                     c->name, values, mixed, units, c->name, m->response);
    }
    free(unit);
}
