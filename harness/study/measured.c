#include "harness/study/measured.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/need_grid.h"
#include "db/statement.h"
#include "harness/grid/arm.h"

/* --- reading ---------------------------------------------------------------- */

#define COLUMNS                                                                \
    "SELECT CASE WHEN p.arm = '' THEN p.fmt ELSE p.arm END, p.fmt, "           \
    "CASE WHEN p.gran IS NULL THEN '' WHEN p.gran = 'group' THEN "             \
    "CAST(p.group_size AS TEXT) ELSE p.gran END, "                             \
    "coalesce(p.group_size, p.g_eff), p.bits, p.twin_id, p.point_id, x.seed, " \
    "p.n_body, p.tokens, q.loss, br.loss "
#define PAIRED                                                                 \
    "JOIN point p ON p.point_id = x.point_id AND p.is_base = 0 "               \
    "JOIN result q ON q.run_id = x.run_id "                                    \
    "LEFT JOIN point bp ON bp.twin_id = p.twin_id AND bp.is_base = 1 "         \
    "LEFT JOIN run b ON b.point_id = bp.point_id AND b.seed = x.seed AND "     \
    "b.state = 'done' LEFT JOIN result br ON br.run_id = b.run_id "            \
    "WHERE x.state = 'done'"

static const char of_grid[] =
    COLUMNS "FROM grid_run x " PAIRED
            " AND x.grid_id = :grid ORDER BY p.twin_id, p.point_id";
static const char of_all[] =
    COLUMNS "FROM run x " PAIRED " ORDER BY p.twin_id, p.point_id";

static int find_arm(struct measured *m, struct db_stmt *s)
{
    const char *name = db_text(s, 0), *group = db_text(s, 2);

    for (int i = 0; i < m->n_arms; i++)
        if (strcmp(m->arms[i].name, name) == 0 &&
            strcmp(m->arms[i].group, group) == 0)
            return i;
    m->arms = mem_grow(m->arms, (size_t)m->n_arms + 1, sizeof *m->arms);
    m->arms[m->n_arms] = (struct measured_arm){
        .name = mem_strdup(name),
        .group = mem_strdup(group),
        .fmt = mem_strdup(db_text(s, 1)),
        .G = strcmp(group, "tensor") == 0 ? (double)NAN : db_real(s, 3),
        .bits = db_real(s, 4),
    };
    return m->n_arms++;
}

/* Rows come by twin and point; last holds the texts of the one before. */
static void add_row(struct measured *m, struct db_stmt *s, char last[2][32])
{
    const int arm = find_arm(m, s);

    m->twins += m->n == 0 || strcmp(last[0], db_text(s, 5)) != 0;
    m->points += m->n == 0 || strcmp(last[1], db_text(s, 6)) != 0;
    snprintf(last[0], 32, "%s", db_text(s, 5));
    snprintf(last[1], 32, "%s", db_text(s, 6));
    if ((m->n & (m->n - 1)) == 0)
        m->rows = mem_grow(m->rows, 2 * (size_t)m->n + 1, sizeof *m->rows);
    m->rows[m->n++] = (struct measured_row){
        .arm = arm,
        .twin = m->twins - 1,
        .point = m->points - 1,
        .seed = db_int(s, 7),
        .N = db_real(s, 8),
        .D = db_real(s, 9),
        .loss = db_real(s, 10),
        .base = db_real(s, 11),
    };
}

/* --- order ------------------------------------------------------------------ */

static int compare(double a, double b)
{
    return (a > b) - (a < b);
}

/* Groups by size; by row and by tensor last. */
static double rank_of(const struct measured_arm *a)
{
    return strcmp(a->group, "row") == 0      ? 1e18
           : strcmp(a->group, "tensor") == 0 ? 2e18
           : isnan(a->G)                     ? 0
                                             : a->G;
}

static int by_name(const void *a, const void *b)
{
    const struct measured_arm *x = *(const struct measured_arm *const *)a;
    const struct measured_arm *y = *(const struct measured_arm *const *)b;
    int c = strcmp(x->fmt, y->fmt);

    c = c ? c : strcmp(x->family, y->family);
    c = c ? c : compare(rank_of(x), rank_of(y));
    return c ? c : strcmp(x->name, y->name);
}

static int by_arm(const void *a, const void *b)
{
    const struct measured_row *x = a, *y = b;
    const int c = x->arm != y->arm ? x->arm - y->arm : x->twin - y->twin;

    return c ? c : (x->seed > y->seed) - (x->seed < y->seed);
}

static void number_texts(struct measured_arm *arms, int i)
{
    arms[i].family_id = arms[i].group_id = i;
    for (int k = i - 1; k >= 0; k--) {
        if (strcmp(arms[k].family, arms[i].family) == 0)
            arms[i].family_id = arms[k].family_id;
        if (strcmp(arms[k].group, arms[i].group) == 0)
            arms[i].group_id = arms[k].group_id;
    }
}

static void name_families(struct measured *m)
{
    const char **arm = mem_array((size_t)m->n_arms + 1, sizeof *arm);
    char **family;

    for (int i = 0; i < m->n_arms; i++)
        arm[i] = m->arms[i].name;
    family = arm_families(arm, (size_t)m->n_arms);
    for (int i = 0; i < m->n_arms; i++)
        m->arms[i].family = family[i];
    free(family);
    free(arm);
}

static void sort(struct measured *m)
{
    struct measured_arm **order =
        mem_array((size_t)m->n_arms + 1, sizeof *order);
    struct measured_arm *arms = mem_array((size_t)m->n_arms + 1, sizeof *arms);
    int *now = mem_array((size_t)m->n_arms + 1, sizeof *now);

    for (int i = 0; i < m->n_arms; i++)
        order[i] = &m->arms[i];
    qsort(order, (size_t)m->n_arms, sizeof(struct measured_arm *), by_name);
    for (int i = 0; i < m->n_arms; i++) {
        now[order[i] - m->arms] = i;
        arms[i] = *order[i];
        number_texts(arms, i);
    }
    for (int i = 0; i < m->n; i++)
        m->rows[i].arm = now[m->rows[i].arm];
    if (m->n)
        qsort(m->rows, (size_t)m->n, sizeof *m->rows, by_arm);
    free(m->arms);
    m->arms = arms;
    free(order);
    free(now);
}

enum status measured_read(struct measured *out, struct db *db, const char *grid,
                          struct err *err)
{
    int64_t id = 0;
    struct db_stmt *s = NULL;
    bool row = true;
    char last[2][32] = { "", "" };
    enum status st = grid ? db_need_grid(&id, db, grid, err) : OK;

    *out = (struct measured){ .grid = grid ? mem_strdup(grid) : NULL };
    if (st == OK)
        st = db_stmt_open(&s, db, grid ? of_grid : of_all, err);
    if (st == OK && grid)
        db_bind_int(s, "grid", id);
    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row)
        add_row(out, s, last);
    db_stmt_close(s);
    if (st == OK) {
        name_families(out);
        sort(out);
    } else {
        measured_release(out);
    }
    return st;
}

void measured_release(struct measured *m)
{
    for (int i = 0; i < m->n_arms; i++) {
        free(m->arms[i].name);
        free(m->arms[i].family);
        free(m->arms[i].group);
        free(m->arms[i].fmt);
    }
    free(m->arms);
    free(m->rows);
    free(m->grid);
    *m = (struct measured){ .n = 0 };
}

/* --- sides ------------------------------------------------------------------ */

static void side_open(struct measured_side *s, const struct measured *m)
{
    *s = (struct measured_side){
        .name = "",
        .arms = mem_array((size_t)m->n_arms + 1, sizeof *s->arms),
        .list = mem_array((size_t)m->n_arms + 1, sizeof *s->list),
    };
}

static void side_add(struct measured_side *s, int arm)
{
    s->list[s->n++] = arm;
    s->arms[arm] = true;
}

void measured_side_release(struct measured_side *s)
{
    free(s->arms);
    free(s->list);
    s->arms = NULL;
    s->list = NULL;
}

void measured_side_of_arm(struct measured_side *out, const struct measured *m,
                          int arm)
{
    side_open(out, m);
    out->name = m->arms[arm].name;
    side_add(out, arm);
}

void measured_side_of_family(struct measured_side *out,
                             const struct measured *m, const char *family)
{
    side_open(out, m);
    for (int i = 0; i < m->n_arms; i++)
        if (strcmp(m->arms[i].family, family) == 0) {
            out->name = m->arms[i].family;
            side_add(out, i);
        }
}

void measured_side_of_all(struct measured_side *out, const struct measured *m)
{
    side_open(out, m);
    out->name = "all that is quantized";
    for (int i = 0; i < m->n_arms; i++)
        side_add(out, i);
}

/* "int3" and "int3 W+A" begin "int3 W+A". */
static bool begins(const char *family, const char *name)
{
    const size_t n = strlen(name);

    return n && strncmp(family, name, n) == 0 &&
           (family[n] == '\0' || family[n] == ' ');
}

/* The one family that a name begins; NULL with the sentence otherwise. */
static const char *find_family(const struct measured *m, const char *name,
                               struct err *err)
{
    const char *found = NULL, **names, *near;
    struct str several = { 0 };
    bool many = false;

    names = mem_array((size_t)m->n_arms + 1, sizeof *names);
    for (int i = 0; i < m->n_arms; i++) {
        names[i] = m->arms[i].family;
        if (!begins(m->arms[i].family, name) ||
            (found && strcmp(found, m->arms[i].family) == 0))
            continue;
        many = many || found;
        found = m->arms[i].family;
        str_addf(&several, "%s'%s'", several.len ? ", " : "", found);
    }
    near = text_nearest(name, names, (size_t)m->n_arms);
    if (many)
        err_set(err, ERR_USAGE, "'%.60s' is several: %.400s; say which", name,
                str_text(&several));
    else if (!found)
        err_set(err, ERR_USAGE,
                "no finished run %s%s%s is '%.60s'%s%s%s (qlaw query cost "
                "lists what there is)",
                m->grid ? "of grid '" : "", m->grid ? m->grid : "",
                m->grid ? "'" : "here", name, near ? ", did you mean '" : "",
                near ? near : "", near ? "'?" : "");
    str_release(&several);
    free(names);
    return many ? NULL : found;
}

enum status measured_side(struct measured_side *out, const struct measured *m,
                          const char *name, struct err *err)
{
    const char *family;

    *out = (struct measured_side){ .name = "" };
    for (int i = 0; i < m->n_arms; i++)
        if (strcmp(m->arms[i].name, name) == 0) {
            measured_side_of_arm(out, m, i);
            return OK;
        }
    family = find_family(m, name, err);
    if (!family)
        return ERR_USAGE;
    measured_side_of_family(out, m, family);
    return OK;
}
