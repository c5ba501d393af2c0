#include "fit/law.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const struct {
    const char *name, *residual;
} spaces[FIT_SPACE_COUNT] = {
#define SPACE_ROW(name, text, residual) [FIT_##name] = { text, residual },
    FIT_SPACES(SPACE_ROW)
#undef SPACE_ROW
};

const char *fit_space_name(enum fit_space space)
{
    return spaces[space].name;
}

const char *fit_space_residual(enum fit_space space)
{
    return spaces[space].residual;
}

const struct law *law_find(const char *name)
{
    for (int i = 0; law_at(i); i++)
        if (strcmp(law_at(i)->name, name) == 0)
            return law_at(i);
    return NULL;
}

enum status law_need(const struct law **out, const char *name, struct err *err)
{
    const char *names[64], *near;
    size_t n = 0;

    *out = law_find(name);
    if (*out)
        return OK;
    if (strchr(name, '='))
        return err_set(err, ERR_USAGE,
                       "'%s' is no law's name; a formula of your own goes "
                       "with --formula",
                       name);
    for (; law_at((int)n) && n < 64; n++)
        names[n] = law_at((int)n)->name;
    near = text_nearest(name, names, n);
    return near ? err_set(err, ERR_USAGE,
                          "unknown law '%s', did you mean '%s'?", name, near)
                : err_set(err, ERR_USAGE, "unknown law '%s' (see 'qlaw laws')",
                          name);
}

int law_param_count(const struct law *law)
{
    int n = 0;

    while (n < LAW_PARAMS && law->params[n].name)
        n++;
    return n;
}

bool law_names_param(const char *name)
{
    for (int i = 0; law_at(i); i++)
        if (law_param(law_at(i), name))
            return true;
    return false;
}

const struct law_param *law_param(const struct law *law, const char *name)
{
    for (int i = 0; i < law_param_count(law); i++)
        if (strcmp(law->params[i].name, name) == 0)
            return &law->params[i];
    return NULL;
}

const struct law_var *law_var(const struct law *law, const char *name)
{
    for (int i = 0; i < LAW_VARS && law->vars[i].name; i++)
        if (strcmp(law->vars[i].name, name) == 0)
            return &law->vars[i];
    return NULL;
}

const struct law_set *law_set(const struct law *law, const char *name)
{
    for (int i = 0; i < LAW_SETS && law->sets[i].name; i++)
        if (!name || strcmp(law->sets[i].name, name) == 0)
            return &law->sets[i];
    return NULL;
}

double law_set_value(const struct law_set *set, const char *name)
{
    const size_t n = strlen(name);

    for (const char *p = set->values; p; p = strchr(p, ' ')) {
        p += *p == ' ';
        if (strncmp(p, name, n) == 0 && p[n] == '=')
            return strtod(p + n + 1, NULL);
    }
    return (double)NAN;
}
