#include "harness/study/twin_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

static bool is_word(const char *text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(text, list[i]) == 0)
            return true;
    return false;
}

#define IS_WORD(text, list) is_word(text, list, sizeof(list) / sizeof(list)[0])

enum status twin_rule_read(struct twin_rule *out, const char *text,
                           const struct table *t, struct err *err)
{
    const char *equals = text ? strrchr(text, '=') : NULL;
    enum status st;
    char *name;

    *out = (struct twin_rule){ .column = -1 };
    if (!text)
        return OK;
    out->none = strcmp(text, "none") == 0;
    if (out->none)
        return OK;
    if (!equals || equals == text || !equals[1])
        return err_set(err, ERR_USAGE,
                       "--base '%s' is not COLUMN=VALUE, or none", text);
    name = mem_strndup(text, (size_t)(equals - text));
    st = table_need(&out->column, t, "--base: ", name, err);
    out->value = mem_strdup(equals + 1);
    free(name);
    if (st != OK)
        return st;
    for (size_t r = 0; r < t->rows; r++)
        if (twin_row(out, t, r))
            return OK;
    return err_set(err, ERR_USAGE, "--base: no row of %s has '%s' in column %s",
                   t->source, out->value, t->cols[out->column].name);
}

void twin_rule_release(struct twin_rule *r)
{
    free(r->value);
    *r = (struct twin_rule){ .column = -1 };
}

double twin_group(const struct table *t, size_t row)
{
    const int g = table_find(t, "G"), b = table_find(t, "B");
    const double v = g < 0 ? (double)NAN : t->cols[g].num[row];

    return isnan(v) && b >= 0 ? t->cols[b].num[row] : v;
}

bool twin_row(const struct twin_rule *r, const struct table *t, size_t row)
{
    static const char *const plain[] = { "none", "unquantized", "base",
                                         "fp32" };
    const int fmt = table_find(t, "fmt");

    if (r->none)
        return false;
    if (r->column >= 0)
        return strcasecmp(t->cols[r->column].text[row], r->value) == 0;
    return (fmt >= 0 && IS_WORD(t->cols[fmt].text[row], plain)) ||
           twin_group(t, row) == 1;
}

const char *twin_candidate(const struct twin_rule *r, const struct table *t)
{
    static const char *const often[] = {
        "bf16",          "bfloat16",  "fp16",  "float16",
        "float32",       "half",      "fp",    "full",
        "baseline",      "reference", "dense", "original",
        "high",          "16",        "32",    "w16a16",
        "full precision"
    };
    const int fmt = table_find(t, "fmt");
    const char *found = NULL;

    if (fmt < 0 || r->none || r->column >= 0)
        return NULL;
    for (size_t i = 0; i < t->rows; i++) {
        if (twin_row(r, t, i))
            return NULL;
        if (!found && IS_WORD(t->cols[fmt].text[i], often))
            found = t->cols[fmt].text[i];
    }
    return found;
}

void twin_fill(struct table *t, const struct twin_rule *r)
{
    static const struct {
        const char *name;
        double value;
    } neutral[] = { { "G", 1 },  { "B", 1 },     { "E", 8 },   { "M", 23 },
                    { "P", 32 }, { "bits", 32 }, { "gmse", 0 } };

    for (size_t i = 0; i < sizeof neutral / sizeof neutral[0]; i++) {
        const int c = table_find(t, neutral[i].name);
        char buf[32];

        for (size_t row = 0; c >= 0 && row < t->rows; row++)
            if (isnan(t->cols[c].num[row]) && twin_row(r, t, row)) {
                t->cols[c].num[row] = neutral[i].value;
                free(t->cols[c].text[row]);
                t->cols[c].text[row] =
                    mem_strdup(text_number(buf, neutral[i].value));
            }
    }
}
