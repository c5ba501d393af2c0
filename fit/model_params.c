/* model_params.c - parameters of a bound law: grouped, held, tied, bounded. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "fit/model_rows.h"

void model_add_param(struct model *m, int slot, const char *value)
{
    struct model_name *nm = &m->names[slot];
    const struct law_param *lp = m->law ? law_param(m->law, nm->name) : NULL;
    const bool positive = lp && !(lp->flags & LAW_SIGNED);
    struct model_param *p;

    m->params = mem_grow(m->params, (size_t)m->n_params + 1, sizeof *m->params);
    p = &m->params[m->n_params++];
    *p = (struct model_param){
        .name = value ? mem_printf("%s[%s]", nm->name, value)
                      : mem_strdup(nm->name),
        .slot = slot,
        .free = -1,
        .held = (double)NAN,
        .lo = positive ? 0 : -HUGE_VAL,
        .hi = HUGE_VAL,
        .start = (double)NAN,
        .law = lp,
    };
    nm->count++;
    if (lp && lp->flags & LAW_FIXED) {
        p->held = lp->lo;
        p->why = mem_strdup("held by the law");
    }
}

/* Names of formats that stand for no quantization, the likeliest first. */
static const char *const plain_names[] = { "none", "unquantized", "base",
                                           "fp32", "bf16",        "fp16" };
#define N_PLAIN ((int)(sizeof plain_names / sizeof plain_names[0]))

static int plain_rank(const char *name)
{
    int k = 0;

    while (k < N_PLAIN && strcasecmp(name, plain_names[k]) != 0)
        k++;
    return k; /* N_PLAIN: a format */
}

/* Are there formats enough to tell a parameter apart by them?  Where
 * the law ignores unquantized rows these do not count, bf16 and fp16 aside,
 * which a grid may well compare. */
static bool has_formats(const struct model *m, const struct table *t, int fmt,
                        bool unity)
{
    const char *first = NULL;

    for (size_t i = 0; i < m->rows; i++) {
        const char *text = t->cols[fmt].text[m->source_row[i]];

        if (!unity && plain_rank(text) < N_PLAIN - 2)
            continue;
        if (first && strcmp(first, text) != 0)
            return true;
        first = text;
    }
    return false;
}

static const char *group_column(const struct model *m, const char *name,
                                const struct table *t,
                                const struct fit_spec *spec)
{
    const struct law_param *lp = m->law ? law_param(m->law, name) : NULL;
    const int fmt = table_find(t, "fmt");

    for (int i = 0; i < spec->n_groups; i++)
        if (strcmp(spec->groups[i].param, name) == 0)
            return spec->groups[i].column;
    if (lp && lp->flags & LAW_PER_BUDGET && table_find(t, "C") >= 0)
        return "C";
    return lp && lp->flags & LAW_PER_FORMAT && fmt >= 0 &&
                   has_formats(m, t, fmt, lp->flags & LAW_UNITY)
               ? "fmt"
               : NULL;
}

/* Which value of a grouped parameter stands for no quantization, or -1. */
static int unity_value(const struct model *m, const struct model_name *nm)
{
    int best = -1, rank = N_PLAIN;

    for (int i = 0; i < nm->count; i++) {
        const char *value =
            m->params[nm->first + i].name + strlen(nm->name) + 1;
        char *text = mem_strndup(value, strlen(value) - 1);

        if (plain_rank(text) < rank) {
            rank = plain_rank(text);
            best = i;
        }
        free(text);
    }
    return best;
}

enum status model_make_params(struct model *m, const struct table *t,
                              const struct fit_spec *spec, struct err *err)
{
    enum status st = OK;

    for (int s = 0; s < m->n_names && st == OK; s++) {
        struct model_name *nm = &m->names[s];
        const char *column = group_column(m, nm->name, t, spec);
        char **values = NULL;
        int n = 0, unity;

        if (nm->is_var)
            continue;
        nm->first = m->n_params;
        if (column)
            st = model_group_rows(&values, &n, m, s, t, column, err);
        if (st != OK)
            break;
        for (int i = 0; i < n; i++) {
            model_add_param(m, s, values[i]);
            free(values[i]);
        }
        free(values);
        if (!column)
            model_add_param(m, s, NULL);
        unity = column && m->params[nm->first].law &&
                        m->params[nm->first].law->flags & LAW_UNITY
                    ? unity_value(m, nm)
                    : -1;
        if (unity >= 0) {
            m->params[nm->first + unity].held = 1;
            m->params[nm->first + unity].why =
                mem_strdup("1 by definition: unquantized");
        }
    }
    if (st == OK && m->n_params == 0)
        st = err_set(err, ERR_USAGE,
                     "formula '%s' has no parameter: every name is a column",
                     m->formula);
    return st;
}

int model_find_param(const struct model *m, const char *name)
{
    for (int i = 0; i < m->n_params; i++)
        if (strcmp(m->params[i].name, name) == 0)
            return i;
    return -1;
}

int model_param_of(const struct model *m, int f)
{
    for (int i = 0; i < m->n_params; i++)
        if (m->params[i].free == f)
            return i;
    return -1;
}

/* The parameters that a name of the command line means: itself, or all values
 * of a grouped one; *n is 0 after an error. */
static int need_param(int *n, const struct model *m, const char *option,
                      const char *name, struct err *err)
{
    const int i = model_find_param(m, name);
    const char **names, *near;
    size_t count = 0;

    *n = 1;
    if (i >= 0)
        return i;
    for (int s = 0; s < m->n_names; s++)
        if (!m->names[s].is_var && strcmp(m->names[s].name, name) == 0) {
            *n = m->names[s].count;
            return m->names[s].first;
        }
    *n = 0;
    names = mem_array((size_t)(m->n_params + m->n_names), sizeof *names);
    for (int k = 0; k < m->n_params; k++)
        names[count++] = m->params[k].name;
    for (int s = 0; s < m->n_names; s++)
        if (!m->names[s].is_var)
            names[count++] = m->names[s].name;
    near = text_nearest(name, names, count);
    err_set(err, ERR_USAGE, "%s: the formula has no parameter '%s'%s%s%s",
            option, name, near ? ", did you mean '" : "", near ? near : "",
            near ? "'?" : "");
    free(names);
    return -1;
}

static void hold(struct model_param *p, double value, const char *why)
{
    p->held = value;
    free(p->why);
    p->why = mem_strdup(why);
}

/* Ties are followed to their root, so that chains work; the index of the
 * parameter that p shares a value with. */
static int root_of(const int *tied, int p)
{
    while (tied[p] >= 0)
        p = tied[p];
    return p;
}

static enum status apply_fix(struct model *m, int *tied,
                             const struct fit_setting *fix, struct err *err)
{
    int n, to_n, to = -1;
    const int first = need_param(&n, m, "--fix", fix->name, err);

    if (first >= 0 && fix->to)
        to = need_param(&to_n, m, "--fix", fix->to, err);
    if (first < 0 || (fix->to && to < 0))
        return ERR_USAGE;
    if (fix->to && to_n != 1 && to_n != n)
        return err_set(err, ERR_USAGE, "--fix %s=%s: %d values and %d",
                       fix->name, fix->to, n, to_n);
    for (int i = 0; i < n; i++) {
        const int a = root_of(tied, first + i);

        if (!fix->to) {
            hold(&m->params[a], fix->value, "held by --fix");
        } else if (a != root_of(tied, to_n == 1 ? to : to + i)) {
            const int b = root_of(tied, to_n == 1 ? to : to + i);
            char *why = mem_printf("tied to %s", m->params[b].name);

            tied[a] = b;
            hold(&m->params[a], (double)NAN, why);
            free(why);
        }
    }
    return OK;
}

static enum status apply_bounds(struct model *m, const struct fit_spec *spec,
                                struct err *err)
{
    for (int k = 0; k < spec->n_bounds; k++) {
        const struct fit_bound *b = &spec->bounds[k];
        int n;
        const int first = need_param(&n, m, "--bound", b->name, err);

        if (first < 0)
            return ERR_USAGE;
        for (int i = first; i < first + n; i++) {
            m->params[i].lo = fmax(m->params[i].lo, b->lo);
            m->params[i].hi = fmin(m->params[i].hi, b->hi);
            if (!(m->params[i].lo < m->params[i].hi))
                return err_set(err, ERR_USAGE,
                               "--bound %s: nothing is left between %g and %g",
                               b->name, m->params[i].lo, m->params[i].hi);
        }
    }
    return OK;
}

static enum status apply_starts(struct model *m, const struct fit_spec *spec,
                                struct err *err)
{
    for (int k = 0; k < spec->n_starts; k++) {
        int n;
        const int first =
            need_param(&n, m, "--start", spec->starts[k].name, err);

        if (first < 0)
            return ERR_USAGE;
        for (int i = first; i < first + n; i++) {
            const struct model_param *p = &m->params[i];

            if (spec->starts[k].value < p->lo || spec->starts[k].value > p->hi)
                return err_set(err, ERR_USAGE,
                               "--start %s=%g is outside its bounds %g .. %g",
                               p->name, spec->starts[k].value, p->lo, p->hi);
            m->params[i].start = spec->starts[k].value;
        }
    }
    return OK;
}

/* Number the free coordinates; tied parameters share one, and the tighter of
 * their bounds. */
static void number_free(struct model *m, const int *tied)
{
    m->n_free = 0;
    for (int i = 0; i < m->n_params; i++) {
        struct model_param *root = &m->params[root_of(tied, i)];

        root->lo = fmax(root->lo, m->params[i].lo);
        root->hi = fmin(root->hi, m->params[i].hi);
        if (isnan(root->start))
            root->start = m->params[i].start;
    }
    for (int i = 0; i < m->n_params; i++)
        m->params[i].free =
            tied[i] < 0 && isnan(m->params[i].held) ? m->n_free++ : -1;
    for (int i = 0; i < m->n_params; i++) {
        const struct model_param *root = &m->params[root_of(tied, i)];

        m->params[i].free = root->free;
        m->params[i].held = root->held;
    }
}

enum status model_settle_params(struct model *m, const struct fit_spec *spec,
                                struct err *err)
{
    int *tied = mem_array((size_t)m->n_params, sizeof *tied);
    enum status st = OK;

    for (int i = 0; i < m->n_params; i++)
        tied[i] = -1;
    for (int k = 0; k < spec->n_fixes && st == OK; k++)
        st = apply_fix(m, tied, &spec->fixes[k], err);
    if (st == OK)
        st = apply_bounds(m, spec, err);
    if (st == OK)
        st = apply_starts(m, spec, err);
    if (st == OK) {
        number_free(m, tied);
        model_hold_unseen(m);
        number_free(m, tied);
        st = model_check_seen(m, err);
    }
    free(tied);
    return st;
}

enum status model_check_groups(const struct model *m,
                               const struct fit_spec *spec, struct err *err)
{
    for (int k = 0; k < spec->n_groups; k++) {
        int n;

        if (need_param(&n, m, "--group-param", spec->groups[k].param, err) < 0)
            return ERR_USAGE;
    }
    return OK;
}
