#include "harness/study/contrast_arms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/label.h"
#include "base/order.h"
#include "db/need_grid.h"
#include "harness/study/interval.h"

/* --- finding -----------------------------------------------------------------
 */

/* Both names, in the finished runs of one grid. */
static enum status find_both(struct measured_side *a, struct measured_side *b,
                             const struct measured *m, const char *name_a,
                             const char *name_b, struct err *err)
{
    enum status st = measured_side(a, m, name_a, err);

    *b = (struct measured_side){ .n = 0 };
    if (st == OK && (st = measured_side(b, m, name_b, err)) != OK)
        measured_side_release(a);
    return st;
}

static enum status has_both(bool *out, struct db *db, const char *grid,
                            const char *a, const char *b, struct err *err)
{
    struct measured m;
    struct measured_side sa, sb;
    enum status st = measured_read(&m, db, grid, err);

    if (st != OK)
        return st;
    *out = find_both(&sa, &sb, &m, a, b, NULL) == OK;
    if (*out) {
        measured_side_release(&sa);
        measured_side_release(&sb);
    }
    measured_release(&m);
    return OK;
}

/* The one grid that has both.  A single grid is it, and tells by itself what
 * it does not have. */
static enum status choose_grid(char **out, struct db *db, const char *a,
                               const char *b, struct err *err)
{
    char **names;
    int n, found = 0;
    struct str list = { 0 };
    enum status st = db_grid_names(&names, &n, db, err);

    *out = NULL;
    for (int i = 0; i < n && st == OK; i++) {
        bool both = n == 1;

        if (!both)
            st = has_both(&both, db, names[i], a, b, err);
        if (st != OK || !both)
            continue;
        str_addf(&list, "%s'%s'", found++ ? ", " : "", names[i]);
        free(*out);
        *out = mem_strdup(names[i]);
    }
    if (st == OK && found != 1)
        st = found ? err_set(err, ERR_USAGE,
                             "both arms are in grids %.600s; say which with "
                             "--grid",
                             str_text(&list))
                   : err_set(err, ERR_USAGE,
                             "no grid of %s has finished runs of both '%.60s' "
                             "and '%.60s' (qlaw query cost lists what there "
                             "is)",
                             db_path(db), a, b);
    while (n > 0)
        free(names[--n]);
    free(names);
    str_release(&list);
    return st;
}

/* --- parts -------------------------------------------------------------------
 */

static void add_part(struct contrast_arms *c, char *label,
                     struct cells_mean diff)
{
    if (diff.cells == 0) {
        free(label);
        return;
    }
    c->parts = mem_grow(c->parts, (size_t)c->n_parts + 1, sizeof *c->parts);
    c->parts[c->n_parts++] =
        (struct arms_part){ label, diff, (double)NAN, (double)NAN };
}

/* Parts from the first on are one variable's: their intervals hold together.
 * One part is the whole once more, and parts without an interval among them
 * say nothing: neither is kept. */
static void close_parts(struct contrast_arms *c, int first)
{
    const int n = c->n_parts - first;
    bool any = false;

    for (int i = first; i < c->n_parts; i++)
        any = any || c->parts[i].diff.error != CELLS_NONE;
    if (n == 1 || !any) {
        for (int i = first; i < c->n_parts; i++)
            free(c->parts[i].label);
        c->n_parts = first;
    }
    for (int i = first; i < c->n_parts; i++)
        cells_limits(&c->parts[i].lo, &c->parts[i].hi, &c->parts[i].diff,
                     1 - 0.05 / n);
}

static void part_by_group(struct contrast_arms *c, const struct measured *m,
                          const struct measured_side *a,
                          const struct measured_side *b)
{
    const int first = c->n_parts;

    if (!measured_share_group(m, a, b))
        return;
    for (int i = 0; i < m->n_arms; i++) {
        struct measured_only only = MEASURED_ANY;

        if (!b->arms[i])
            continue;
        only.group = m->arms[i].group;
        add_part(c, mem_printf("G = %s", only.group),
                 measured_contrast(m, a, b, only).diff);
    }
    close_parts(c, first);
}

static void part_by(struct contrast_arms *c, const struct measured *m,
                    const struct measured_side *a,
                    const struct measured_side *b, char variable)
{
    double *v = mem_array((size_t)m->n + 1, sizeof *v);
    const int first = c->n_parts;
    char buf[32];

    for (int i = 0; i < m->n; i++)
        v[i] = variable == 'N' ? m->rows[i].N : m->rows[i].D;
    if (m->n)
        qsort(v, (size_t)m->n, sizeof *v, order_doubles);
    for (int i = 0; i < m->n; i++) {
        struct measured_only only = MEASURED_ANY;

        if (i && v[i] == v[i - 1])
            continue;
        *(variable == 'N' ? &only.N : &only.D) = v[i];
        add_part(c, mem_printf("%c = %s", variable, text_si(buf, v[i], 3)),
                 measured_contrast(m, a, b, only).diff);
    }
    close_parts(c, first);
    free(v);
}

/* --- all together ------------------------------------------------------------
 */

/* An arm differs from itself in nothing. */
static enum status check_apart(const struct measured_side *a,
                               const struct measured_side *b,
                               const struct measured *m, struct err *err)
{
    for (int i = 0; i < a->n; i++)
        if (b->arms[a->list[i]])
            return err_set(err, ERR_USAGE, "'%.60s' is on both sides",
                           m->arms[a->list[i]].name);
    return OK;
}

static void compare(struct contrast_arms *c, const struct measured *m,
                    const struct measured_side *a,
                    const struct measured_side *b)
{
    c->all = measured_contrast(m, a, b, MEASURED_ANY);
    c->within = cells_within(&c->all.diff);
    part_by_group(c, m, a, b);
    part_by(c, m, a, b, 'N');
    part_by(c, m, a, b, 'D');
}

static enum status make(struct contrast_arms *c, const struct measured *m,
                        const char *a, const char *b, struct err *err)
{
    struct measured_side sa, sb;
    enum status st = find_both(&sa, &sb, m, a, b, err);

    if (st != OK)
        return st;
    c->name_a = mem_strdup(sa.name);
    c->name_b = mem_strdup(sb.name);
    st = check_apart(&sa, &sb, m, err);
    if (st == OK)
        compare(c, m, &sa, &sb);
    measured_side_release(&sa);
    measured_side_release(&sb);
    if (st == OK && c->all.diff.cells == 0)
        st = err_set(err, ERR_USAGE,
                     "grid '%.60s': no cell (twin, seed and group size) has "
                     "finished runs of both '%.60s' and '%.60s'",
                     m->grid, c->name_a, c->name_b);
    return st;
}

enum status contrast_arms_make(struct contrast_arms *c, struct db *db,
                               const char *grid, const char *a, const char *b,
                               double margin, struct err *err)
{
    struct measured m;
    enum status st = OK;

    *c = (struct contrast_arms){ .margin = margin };
    if (grid)
        c->grid = mem_strdup(grid);
    else
        st = choose_grid(&c->grid, db, a, b, err);
    if (st == OK)
        st = measured_read(&m, db, c->grid, err);
    if (st == OK) {
        st = make(c, &m, a, b, err);
        measured_release(&m);
    }
    if (st != OK)
        contrast_arms_release(c);
    return st;
}

void contrast_arms_release(struct contrast_arms *c)
{
    for (int i = 0; i < c->n_parts; i++)
        free(c->parts[i].label);
    free(c->parts);
    free(c->grid);
    free(c->name_a);
    free(c->name_b);
    *c = (struct contrast_arms){ .n_parts = 0 };
}

const char *contrast_arms_verdict(const struct contrast_arms *c)
{
    const struct cells_mean *d = &c->all.diff;

    return d->error == CELLS_NONE   ? "not known"
           : c->within <= c->margin ? "the same"
           : d->lo > 0 || d->hi < 0 ? "different"
                                    : "not told apart";
}
