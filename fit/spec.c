#include "fit/spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const struct {
    const char *name, *example;
    bool scaled;
} losses[] = {
    [FIT_L2] = { "l2", "l2", false },
    [FIT_L1] = { "l1", "l1", false },
    [FIT_HUBER] = { "huber", "huber:1e-3", true },
    [FIT_CAUCHY] = { "cauchy", "cauchy:0.01", true },
};
#define N_LOSSES ((int)(sizeof losses / sizeof losses[0]))

enum status fit_loss_parse(struct fit_loss *out, const char *text,
                           struct err *err)
{
    const size_t len = strcspn(text, ":");
    const char *end;
    int k = 0;

    while (k < N_LOSSES && (strlen(losses[k].name) != len ||
                            strncmp(losses[k].name, text, len) != 0))
        k++;
    if (k == N_LOSSES)
        return err_set(err, ERR_USAGE,
                       "loss '%s' is not l2, l1, huber:DELTA "
                       "or cauchy:SCALE",
                       text);
    *out = (struct fit_loss){ .kind = (enum fit_loss_kind)k };
    if (losses[k].scaled != (text[len] == ':'))
        return err_set(err, ERR_USAGE,
                       losses[k].scaled ? "loss '%s' needs a scale, as in %s"
                                        : "loss '%s' takes no scale: %s",
                       text, losses[k].example);
    if (!losses[k].scaled)
        return OK;
    if (!text_read_number(&out->scale, text + len + 1, &end, false) || *end ||
        !(out->scale > 0))
        return err_set(err, ERR_USAGE, "loss '%s' needs a scale above 0", text);
    return OK;
}

const char *fit_loss_text(char buf[48], const struct fit_loss *loss)
{
    char number[32];

    snprintf(buf, 48, "%s%s%s", losses[loss->kind].name,
             losses[loss->kind].scaled ? ":" : "",
             losses[loss->kind].scaled ? text_number(number, loss->scale) : "");
    return buf;
}

double fit_rho(const struct fit_loss *loss, double r)
{
    const double a = fabs(r), s = loss->scale;

    switch (loss->kind) {
    case FIT_L1:
        return a;
    case FIT_HUBER:
        return a <= s ? 0.5 * a * a : s * (a - 0.5 * s);
    case FIT_CAUCHY:
        return 0.5 * s * s * log1p(a * a / (s * s));
    default:
        return 0.5 * a * a;
    }
}

enum status fit_space_parse(enum fit_space *out, const char *text,
                            struct err *err)
{
    for (int k = 0; k < FIT_SPACE_COUNT; k++)
        if (strcmp(fit_space_name((enum fit_space)k), text) == 0) {
            *out = (enum fit_space)k;
            return OK;
        }
    return err_set(err, ERR_USAGE, "space '%s' is not log, linear or relative",
                   text);
}

void fit_spec_init(struct fit_spec *s, const struct law *law,
                   const char *formula)
{
    *s = (struct fit_spec){ .law = law,
                            .formula = law ? law->formula : formula,
                            .space = law ? law->space : FIT_LINEAR,
                            .seed = 1,
                            .bootstrap = -1 };
}

void fit_spec_release(struct fit_spec *s)
{
    for (int i = 0; i < s->n_starts; i++)
        free(s->starts[i].name);
    for (int i = 0; i < s->n_fixes; i++) {
        free(s->fixes[i].name);
        free(s->fixes[i].to);
    }
    for (int i = 0; i < s->n_bounds; i++)
        free(s->bounds[i].name);
    for (int i = 0; i < s->n_groups; i++) {
        free(s->groups[i].param);
        free(s->groups[i].column);
    }
    free(s->starts);
    free(s->fixes);
    free(s->bounds);
    free(s->groups);
    *s = (struct fit_spec){ 0 };
}

static char *trimmed(const char *text, size_t n)
{
    char *copy = mem_strndup(text, n), *out = mem_strdup(text_trim(copy));

    free(copy);
    return out;
}

static bool is_number(const char *text, double *value)
{
    const char *end;

    while (*text == ' ')
        text++;
    if (!text_read_number(value, text, &end, false))
        return false;
    return end[strspn(end, " ")] == '\0';
}

/* Split "NAME=VALUE" at the last '=', since k[a=b] may hold one. */
static bool split(const char *text, char **name, char **value)
{
    const char *equals = strrchr(text, '=');

    if (!equals || equals == text)
        return false;
    *name = trimmed(text, (size_t)(equals - text));
    *value = trimmed(equals + 1, strlen(equals + 1));
    if (**name && **value)
        return true;
    free(*name);
    free(*value);
    return false;
}

/* Call one for every comma-separated part; commas in brackets do not count. */
static enum status each_part(struct fit_spec *s, const char *text,
                             enum status (*one)(struct fit_spec *, const char *,
                                                struct err *),
                             struct err *err)
{
    enum status st = OK;
    int depth = 0;
    const char *start = text;

    for (const char *p = text;; p++) {
        depth += *p == '[' ? 1 : *p == ']' ? -1 : 0;
        if (*p && (*p != ',' || depth > 0))
            continue;
        if (st == OK) {
            char *part = trimmed(start, (size_t)(p - start));

            st = one(s, part, err);
            free(part);
        }
        if (!*p)
            return st;
        start = p + 1;
    }
}

static enum status one_start(struct fit_spec *s, const char *text,
                             struct err *err)
{
    struct fit_setting set = { 0 };
    char *value;

    if (!split(text, &set.name, &value))
        return err_set(err, ERR_USAGE, "--start '%s' is not NAME=VALUE", text);
    if (!is_number(value, &set.value)) {
        err_set(err, ERR_USAGE, "--start %s: '%s' is not a number", set.name,
                value);
        free(set.name);
        free(value);
        return ERR_USAGE;
    }
    free(value);
    s->starts = mem_grow(s->starts, (size_t)s->n_starts + 1, sizeof set);
    s->starts[s->n_starts++] = set;
    return OK;
}

enum status fit_spec_start(struct fit_spec *s, const char *text,
                           struct err *err)
{
    return each_part(s, text, one_start, err);
}

static enum status one_fix(struct fit_spec *s, const char *text,
                           struct err *err)
{
    struct fit_setting set = { 0 };
    char *value;

    if (!split(text, &set.name, &value))
        return err_set(err, ERR_USAGE,
                       "--fix '%s' is not NAME=VALUE or NAME=OTHER", text);
    if (is_number(value, &set.value))
        free(value);
    else
        set.to = value;
    s->fixes = mem_grow(s->fixes, (size_t)s->n_fixes + 1, sizeof set);
    s->fixes[s->n_fixes++] = set;
    return OK;
}

enum status fit_spec_fix(struct fit_spec *s, const char *text, struct err *err)
{
    return each_part(s, text, one_fix, err);
}

static enum status one_bound(struct fit_spec *s, const char *text,
                             struct err *err)
{
    const size_t len = strcspn(text, "<>");
    const char *rest = text + len + (text[len] != '\0');
    struct fit_bound b = { NULL, -HUGE_VAL, HUGE_VAL };
    double value;

    if (!text[len] || !is_number(rest + (*rest == '='), &value))
        return err_set(err, ERR_USAGE,
                       "--bound '%s' is not NAME>=VALUE or NAME<=VALUE", text);
    if (text[len] == '>')
        b.lo = value;
    else
        b.hi = value;
    b.name = trimmed(text, len);
    s->bounds = mem_grow(s->bounds, (size_t)s->n_bounds + 1, sizeof b);
    s->bounds[s->n_bounds++] = b;
    return OK;
}

enum status fit_spec_bound(struct fit_spec *s, const char *text,
                           struct err *err)
{
    return each_part(s, text, one_bound, err);
}

static enum status one_group(struct fit_spec *s, const char *text,
                             struct err *err)
{
    const char *colon = strchr(text, ':');
    struct fit_group g;

    if (!colon || colon == text || !colon[1])
        return err_set(err, ERR_USAGE,
                       "--group-param '%s' is not PARAMETER:COLUMN", text);
    g.param = trimmed(text, (size_t)(colon - text));
    g.column = trimmed(colon + 1, strlen(colon + 1));
    s->groups = mem_grow(s->groups, (size_t)s->n_groups + 1, sizeof g);
    s->groups[s->n_groups++] = g;
    return OK;
}

enum status fit_spec_group(struct fit_spec *s, const char *text,
                           struct err *err)
{
    return each_part(s, text, one_group, err);
}
