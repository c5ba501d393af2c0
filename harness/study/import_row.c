/* import_row.c - a row of somebody's table as a run. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "harness/study/import.h"

/* Columns with a place of their own; those of the last list also say what the
 * format is. */
static const char *const sizes[] = { "N", "D" };
static const char *const outcomes[] = { "loss", "seed", "loss_se" };
static const char *const formats[] = { "G",   "B",    "E",     "M",    "P",
                                       "fmt", "gmse", "group", "bits", "arm" };

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static bool is_among(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

enum status import_need_name(const char *name, struct err *err)
{
    const char *all[COUNT(sizes) + COUNT(outcomes) + COUNT(formats)], *near;
    size_t n = 0;

    for (size_t i = 0; i < COUNT(sizes); i++)
        all[n++] = sizes[i];
    for (size_t i = 0; i < COUNT(outcomes); i++)
        all[n++] = outcomes[i];
    for (size_t i = 0; i < COUNT(formats); i++)
        all[n++] = formats[i];
    if (is_among(name, all, n))
        return OK;
    near = text_nearest(name, all, n);
    return err_set(err, ERR_USAGE,
                   "--map: '%s' means nothing to import%s%s%s; it takes N, D, "
                   "loss, seed, loss_se, G, E, M, fmt, gmse, bits, arm",
                   name, near ? ", did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
}

double import_number(const struct import_row *r, const char *name)
{
    const int c = table_find(r->t, name);

    return c < 0 ? (double)NAN : r->t->cols[c].num[r->i];
}

const char *import_text(const struct import_row *r, const char *name)
{
    const int c = table_find(r->t, name);

    return c < 0 ? "" : r->t->cols[c].text[r->i];
}

bool import_is_base(const struct import_row *r)
{
    return twin_row(r->twins, r->t, r->i);
}

char *import_arm(const struct import_row *r)
{
    const char *own = import_text(r, "arm"), *fmt = import_text(r, "fmt");
    const double group = twin_group(r->t, r->i);
    struct str s = { 0 };

    if (import_is_base(r))
        return mem_strdup("unquantized");
    if (*own)
        return mem_strdup(own);
    str_add(&s, *fmt ? fmt : "quantized");
    if (group > 1)
        str_addf(&s, " g%.0f", group);
    return str_steal(&s);
}

char *import_config(const struct import_row *r, const char *grid,
                    bool with_format)
{
    json_t *o = json_object();
    char *out;

    json_object_set_new(o, "import", json_string(grid));
    for (int c = 0; c < r->t->n_cols; c++) {
        const struct column *col = &r->t->cols[c];

        if (is_among(col->name, outcomes, COUNT(outcomes)) ||
            (!with_format && is_among(col->name, formats, COUNT(formats))))
            continue;
        json_object_set_new(o, col->name,
                            isfinite(col->num[r->i])
                                ? json_real(col->num[r->i])
                                : json_string(col->text[r->i]));
    }
    out = json_canonical_text(o);
    json_decref(o);
    return out;
}

char *import_trouble(const struct import_row *r)
{
    static const char *const needed[] = { "N", "D", "loss" };

    if (r->t->trouble[r->i])
        return mem_strdup(r->t->trouble[r->i]);
    for (size_t k = 0; k < COUNT(needed); k++) {
        const double v = import_number(r, needed[k]);

        if (!isfinite(v))
            return table_cell_trouble(&r->t->cols[table_find(r->t, needed[k])],
                                      r->i);
        if (v <= 0 && k < 2)
            return mem_printf("%s is %g", needed[k], v);
    }
    return NULL;
}

/* --- why no twin is found ------------------------------------------------- */

static bool same_cell(const struct column *c, size_t a, size_t b)
{
    return strcmp(c->text[a], c->text[b]) == 0 ||
           (isfinite(c->num[a]) && c->num[a] == c->num[b]);
}

/* Has any quantized row the value of a twin with its N and D? */
static bool ever_shared(const struct table *t, const struct twin_rule *twins,
                        const struct column *c)
{
    const struct column *n = &t->cols[table_find(t, "N")];
    const struct column *d = &t->cols[table_find(t, "D")];

    for (size_t a = 0; a < t->rows; a++)
        for (size_t b = 0; b < t->rows && !twin_row(twins, t, a); b++)
            if (same_cell(n, a, b) && same_cell(d, a, b) &&
                same_cell(c, a, b) && twin_row(twins, t, b))
                return true;
    return false;
}

char *import_blame(const struct table *t, const struct twin_rule *twins)
{
    struct str names = { 0 };

    if (!ever_shared(t, twins, &t->cols[table_find(t, "N")]))
        return mem_strdup(""); /* no twin with N and D at all */
    for (int c = 0; c < t->n_cols; c++) {
        const char *name = t->cols[c].name;

        if (!is_among(name, sizes, COUNT(sizes)) &&
            !is_among(name, outcomes, COUNT(outcomes)) &&
            !is_among(name, formats, COUNT(formats)) &&
            !ever_shared(t, twins, &t->cols[c]))
            str_addf(&names, "%s%s", names.len ? "," : "", name);
    }
    return str_steal(&names);
}
