/* model.c - the formula and its names. */
#include "fit/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "fit/model_rows.h"

/* --- names --------------------------------------------------------------- */

struct namer {
    struct model *m;
    const struct table *t;
};

static bool is_variable(const struct namer *n, const char *name)
{
    return n->m->law ? law_var(n->m->law, name) != NULL
                     : table_find(n->t, name) >= 0;
}

/* A name met for the first time becomes the next slot. */
static bool find_name(void *ctx, const char *name, struct expr_symbol *out)
{
    const struct namer *n = ctx;
    struct model *m = n->m;
    int i = 0;

    while (i < m->n_names && strcmp(m->names[i].name, name) != 0)
        i++;
    if (i == m->n_names) {
        m->names = mem_grow(m->names, (size_t)i + 1, sizeof *m->names);
        m->names[m->n_names++] = (struct model_name){
            .name = mem_strdup(name),
            .is_var = is_variable(n, name),
        };
    }
    *out = (struct expr_symbol){ .kind = EXPR_SYM_SLOT, .slot = i };
    return true;
}

/* The equals sign that is not part of ==, <=, >= or !=. */
static const char *find_equals(const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '=' && p[1] == '=')
            p++;
        else if (*p == '=' && (p == text || !strchr("<>!", p[-1])))
            return p;
    }
    return NULL;
}

static enum status parse_formula(struct model *m, const struct table *t,
                                 struct err *err)
{
    struct namer namer = { m, t };
    const struct expr_scope scope = { .find = find_name, .ctx = &namer };
    const char *equals = find_equals(m->formula);
    struct str padded = { 0 };
    enum status st;

    if (!equals)
        return err_set(err, ERR_USAGE,
                       "formula '%s': write RESPONSE = EXPRESSION, as in "
                       "'loss = E + A/N^alpha'",
                       m->formula);
    m->response = mem_strndup(m->formula, (size_t)(equals - m->formula));
    memmove(m->response, text_trim(m->response),
            strlen(text_trim(m->response)) + 1);
    /* Blanks in place of the left side keep the columns of messages right. */
    for (const char *p = m->formula; p <= equals; p++)
        str_add_char(&padded, ' ');
    str_add(&padded, equals + 1);
    st = expr_parse(&m->expr, str_text(&padded), &scope, err);
    if (st == OK)
        expr_sharpen(m->expr);
    if (st != OK) {
        err->status = st = ERR_USAGE;
        err_prefix(err, "formula '%s', ", m->formula);
    }
    str_release(&padded);
    return st;
}

/* --- columns that are called like constants -------------------------------- */

static bool is_declared(const struct fit_spec *s, const char *name)
{
    for (int i = 0; i < s->n_starts; i++)
        if (strcmp(s->starts[i].name, name) == 0)
            return true;
    for (int i = 0; i < s->n_fixes; i++)
        if (strcmp(s->fixes[i].name, name) == 0)
            return true;
    for (int i = 0; i < s->n_bounds; i++)
        if (strcmp(s->bounds[i].name, name) == 0)
            return true;
    for (int i = 0; i < s->n_groups; i++)
        if (strcmp(s->groups[i].param, name) == 0)
            return true;
    return false;
}

/* May the slot scale this term alone?  "E" and "B/D^beta" need a constant in
 * that place, "b*E" has one. */
static bool scales_term(const struct model *m, const struct expr *term,
                        int slot)
{
    if (!expr_is_affine(term, &slot, 1))
        return false;
    for (int i = 0; i < m->n_names; i++)
        if (i != slot && !m->names[i].is_var && expr_uses(term, i) &&
            expr_is_affine(term, &i, 1))
            return false;
    return true;
}

static bool stands_as_constant(const struct model *m, int slot)
{
    bool constant = true;
    struct expr *term;

    for (int i = 0; (term = expr_term(m->expr, i)); i++) {
        constant =
            constant && (!expr_uses(term, slot) || scales_term(m, term, slot));
        expr_free(term);
    }
    return constant;
}

/* A name of a user's formula that is a column of the rows is a variable, with
 * two exceptions: --start, --fix and --bound say that it is a constant; and E,
 * A, B and others that are constants of the laws are constants where they stand
 * as such, alone or before a term, because grids have columns of those
 * names. */
static void settle_names(struct model *m, const struct fit_spec *spec)
{
    for (int i = 0; !m->law && i < m->n_names; i++)
        if (m->names[i].is_var &&
            (is_declared(spec, m->names[i].name) ||
             (law_names_param(m->names[i].name) && stands_as_constant(m, i))))
            m->names[i].is_var = false;
}

/* --- names that were meant to be columns ---------------------------------- */

/* A column whose name this one was surely meant to be: it in another case, or
 * misspelt after its first letter, or with a letter twice.  Of names of one
 * letter these are N, D and G: a, b and e are what people call parameters. */
static bool is_misspelt(const char *name, const char *column)
{
    const size_t n = strlen(column);
    const char more = strlen(name) == n + 1 ? name[n] : '\0';

    if (n == 1)
        return strchr("NDG", *column) && (strcasecmp(name, column) == 0 ||
                                          (*name == *column && more == *name));
    return strcasecmp(name, column) == 0 ||
           (more && !strchr("0123456789_", more) &&
            strncasecmp(name, column, n) == 0) ||
           (n >= 4 && *name == *column && text_nearest(name, &column, 1));
}

static bool is_used(const struct model *m, const char *column)
{
    for (int i = 0; i < m->n_names; i++)
        if (strcmp(m->names[i].name, column) == 0)
            return true;
    return strcmp(m->response, column) == 0;
}

static enum status check_name(const struct model *m, const struct table *t,
                              const char *name, struct err *err)
{
    for (int k = 0; k < t->n_cols; k++) {
        const char *column = t->cols[k].name;

        if (!is_used(m, column) && is_misspelt(name, column) && t->rows &&
            isfinite(t->cols[k].num[0]))
            return err_set(err, ERR_USAGE,
                           "formula '%s': %s is no column of %s; did you mean "
                           "'%s'?  (a parameter of that name: --start %s=1)",
                           m->formula, name, t->source, column, name);
    }
    if (strcmp(name, "N") != 0 && strcmp(name, "D") != 0)
        return OK;
    return err_set(err, ERR_USAGE,
                   "formula '%s': %s is no column of %s: name it with --map "
                   "%s=COLUMN  (a parameter of that name: --start %s=1)",
                   m->formula, name, t->source, name, name);
}

static enum status no_variable(const struct model *m, const struct table *t,
                               struct err *err)
{
    struct str names = { 0 };

    for (int k = 0; k < t->n_cols; k++)
        if (t->rows && isfinite(t->cols[k].num[0]))
            str_addf(&names, "%s%s", names.len ? " " : "", t->cols[k].name);
    err_set(err, ERR_USAGE,
            "formula '%s' has no variable: no name on its right is a column "
            "of %s (%s)",
            m->formula, t->source, str_text(&names));
    str_release(&names);
    return ERR_USAGE;
}

/* Every name of a user's formula that is no column is a parameter: one that
 * was meant to be a column must not pass for one in silence. */
static enum status check_names(const struct model *m, const struct table *t,
                               const struct fit_spec *spec, struct err *err)
{
    enum status st = OK;
    bool any = m->law != NULL;

    for (int i = 0; !m->law && st == OK && i < m->n_names; i++) {
        any = any || m->names[i].is_var;
        if (!m->names[i].is_var && !is_declared(spec, m->names[i].name))
            st = check_name(m, t, m->names[i].name, err);
    }
    return st == OK && !any ? no_variable(m, t, err) : st;
}

/* The formula, its rows and its parameters, before these are settled. */
static enum status bind(struct model *m, const struct table *t,
                        const struct fit_spec *spec, struct err *err)
{
    enum status st;

    m->law = spec->law;
    m->formula = mem_strdup(spec->formula);
    m->space = spec->space;
    m->loss = spec->loss;
    m->start_only = spec->start_only;
    m->noun = t->noun;
    st = parse_formula(m, t, err);
    if (st == OK)
        settle_names(m, spec);
    if (st == OK)
        st = check_names(m, t, spec, err);
    if (st == OK)
        st = model_read_rows(m, t, spec, err);
    if (st == OK)
        st = model_make_params(m, t, spec, err);
    return st == OK ? model_drop_infinite(m, spec, err) : st;
}

enum status fit_model_new_test(struct model **out, const struct table *t,
                               const struct fit_spec *spec, struct err *err)
{
    enum status st;

    *out = mem_alloc(sizeof **out);
    st = bind(*out, t, spec, err);
    if (st != OK) {
        fit_model_free(*out);
        *out = NULL;
    }
    return st;
}

enum status fit_model_new(struct model **out, const struct table *t,
                          const struct fit_spec *spec, struct err *err)
{
    enum status st = fit_model_new_test(out, t, spec, err);

    if (st == OK)
        st = model_check_groups(*out, spec, err);
    if (st == OK)
        st = model_settle_params(*out, spec, err);
    if (st != OK) {
        fit_model_free(*out);
        *out = NULL;
    }
    return st;
}

enum status model_of_law(struct model **out, const struct law *law,
                         struct err *err)
{
    struct model *m = mem_alloc(sizeof *m);
    enum status st;

    m->law = law;
    m->formula = mem_strdup(law->formula);
    m->space = law->space;
    st = parse_formula(m, NULL, err);
    for (int s = 0; st == OK && s < m->n_names; s++) {
        const struct law_var *v = law_var(law, m->names[s].name);

        m->names[s].constant = v ? v->absent : (double)NAN;
        if (m->names[s].is_var)
            continue;
        m->names[s].first = m->n_params;
        model_add_param(m, s, NULL);
        m->params[m->n_params - 1].free = m->n_free++;
    }
    if (st != OK) {
        fit_model_free(m);
        m = NULL;
    }
    *out = m;
    return st;
}

void fit_model_free(struct model *m)
{
    if (!m)
        return;
    for (int i = 0; i < m->n_names; i++) {
        free(m->names[i].name);
        free(m->names[i].values);
        free(m->names[i].group);
        free(m->names[i].column);
    }
    for (int i = 0; i < m->n_params; i++) {
        free(m->params[i].name);
        free(m->params[i].why);
    }
    for (int i = 0; i < m->n_left_out; i++)
        free(m->left_out[i].why);
    free(m->names);
    free(m->params);
    free(m->left_out);
    free(m->formula);
    free(m->response);
    expr_free(m->expr);
    free(m->y);
    free(m->log_y);
    free(m->scale);
    free(m->number);
    free(m->source_row);
    free(m);
}
