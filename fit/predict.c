#include "fit/predict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- settings ------------------------------------------------------------ */

/* "N=200k": the text after the equals sign of the setting called name. */
static const char *find_setting(char *const *settings, int n, const char *name)
{
    const size_t len = strlen(name);

    for (int i = 0; i < n; i++)
        if (strncmp(settings[i], name, len) == 0 && settings[i][len] == '=')
            return settings[i] + len + 1;
    return NULL;
}

static bool is_known(const struct model *m, const char *name, size_t len)
{
    for (int k = 0; k < m->n_names; k++) {
        const struct model_name *nm = &m->names[k];

        if (nm->is_var && strlen(nm->name) == len &&
            strncmp(nm->name, name, len) == 0)
            return true;
        if (nm->column && strlen(nm->column) == len &&
            strncmp(nm->column, name, len) == 0)
            return true;
    }
    return false;
}

bool predict_knows(const struct model *m, const char *name)
{
    return is_known(m, name, strlen(name));
}

static enum status check_settings(const struct model *m, char *const *settings,
                                  int n, struct err *err)
{
    for (int i = 0; i < n; i++) {
        const char *names[64], *near;
        const size_t len = strcspn(settings[i], "=");
        char word[64];
        size_t count = 0;

        if (!settings[i][len])
            return err_set(err, ERR_USAGE, "'%s' is not NAME=VALUE",
                           settings[i]);
        if (is_known(m, settings[i], len))
            continue;
        for (int k = 0; k < m->n_names && count < 60; k++) {
            if (m->names[k].is_var)
                names[count++] = m->names[k].name;
            else if (m->names[k].column)
                names[count++] = m->names[k].column;
        }
        snprintf(word, sizeof word, "%.*s", (int)len, settings[i]);
        near = text_nearest(word, names, count);
        return err_set(err, ERR_USAGE, "the law has no variable '%s'%s%s%s",
                       word, near ? ", did you mean '" : "", near ? near : "",
                       near ? "'?" : "");
    }
    return OK;
}

static enum status variable_value(double *out, const struct model_name *nm,
                                  const char *text, struct err *err)
{
    *out = nm->constant;
    if (!text && isnan(nm->constant))
        return err_set(err, ERR_USAGE, "give a value for %s, as in %s=1M",
                       nm->name, nm->name);
    if (text && !table_number(out, text))
        return err_set(err, ERR_USAGE, "%s=%s: '%s' is not a number", nm->name,
                       text, text);
    return OK;
}

/* The value that parameter i of a grouped slot stands for, "int4" of
 * "k[int4]". */
static const char *group_text(const struct model *m, int slot, int i, int *len)
{
    const char *text = m->params[i].name + strlen(m->names[slot].name) + 1;

    *len = (int)strlen(text) - 1;
    return text;
}

/* Which of a grouped parameter's values a setting such as fmt=int4 chooses. */
static enum status group_value(int *out, const struct model *m, int slot,
                               const char *text, struct err *err)
{
    const struct model_name *nm = &m->names[slot];
    struct str known = { 0 };
    int len;

    for (*out = nm->first; *out < nm->first + nm->count; ++*out) {
        const char *value = group_text(m, slot, *out, &len);

        if (text && strlen(text) == (size_t)len &&
            strncmp(value, text, (size_t)len) == 0)
            return OK;
    }
    for (int i = nm->first; i < nm->first + nm->count; i++) {
        const char *value = group_text(m, slot, i, &len);

        str_addf(&known, "%s%.*s", i > nm->first ? ", " : "", len, value);
    }
    err_set(err, ERR_USAGE,
            text ? "%s=%s was not fitted; there are: %s"
                 : "give %s%s one of: %s",
            nm->column, text ? text : "=", str_text(&known));
    str_release(&known);
    return ERR_USAGE;
}

enum status predict_slots(double **slots, int **chosen, const struct model *m,
                          const double *theta, char *const *settings, int n,
                          struct err *err)
{
    enum status st = check_settings(m, settings, n, err);
    int *param = mem_array((size_t)m->n_names, sizeof *param);

    *slots = mem_array((size_t)m->n_names, sizeof **slots);
    for (int k = 0; k < m->n_names && st == OK; k++) {
        const struct model_name *nm = &m->names[k];
        const char *text = find_setting(settings, n,
                                        nm->is_var   ? nm->name
                                        : nm->column ? nm->column
                                                     : "");

        param[k] = nm->is_var ? -1 : nm->first;
        if (nm->is_var)
            st = variable_value(&(*slots)[k], nm, text, err);
        else if (nm->column)
            st = group_value(&param[k], m, k, text, err);
        if (!nm->is_var && st == OK)
            (*slots)[k] = theta[param[k]];
    }
    if (st != OK) {
        free(*slots);
        *slots = NULL;
    }
    if (st == OK && chosen)
        *chosen = param;
    else
        free(param);
    return st;
}

/* --- the value ----------------------------------------------------------- */

static const char *slot_name(void *ctx, int slot)
{
    return ((const struct model *)ctx)->names[slot].name;
}

void predict_term_name(struct str *out, const struct model *m, int i)
{
    const char *p = m->law ? m->law->terms : NULL;
    struct expr *term;
    char *text;

    for (int k = 0; p && k < i; k++) {
        p = strchr(p, ',');
        p = p ? p + 2 : NULL;
    }
    if (p) {
        str_add_n(out, p, strcspn(p, ","));
        return;
    }
    term = expr_term(m->expr, i);
    text = term ? expr_print(term, slot_name, (void *)m) : mem_strdup("?");
    str_add(out, text);
    free(text);
    expr_free(term);
}

enum status predict_published(double **theta, const struct model *m,
                              const char *set, struct err *err)
{
    const struct law *law = m->law;
    const struct law_set *s = law_set(law, set);
    struct str names = { 0 };

    *theta = NULL;
    for (int i = 0; i < LAW_SETS && law->sets[i].name; i++)
        str_addf(&names, "%s%s", i ? ", " : "", law->sets[i].name);
    if (!s && names.len)
        err_set(err, ERR_USAGE, "law %s has no published set '%s'; it has %s",
                law->name, set, str_text(&names));
    else if (!s)
        err_set(err, ERR_USAGE,
                "law %s has no complete published constants (%s)", law->name,
                law->source);
    str_release(&names);
    if (!s)
        return ERR_USAGE;
    *theta = mem_array((size_t)m->n_params, sizeof **theta);
    for (int i = 0; i < m->n_params; i++)
        (*theta)[i] = law_set_value(s, m->params[i].name);
    return OK;
}
