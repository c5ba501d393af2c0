/* fit.c - a stored fit, evaluated from its formula and parameters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/expr.h"
#include "base/str.h"
#include "db/statement.h"
#include "fit/law.h"
#include "harness/figures/data.h"

/* --- the settings that a formula may name --------------------------------- */

enum {
    VAR_N,
    VAR_D,
    VAR_G,
    VAR_B,
    VAR_E,
    VAR_M,
    VAR_P,
    VAR_GMSE,
    VAR_LAYERS,
    VAR_WIDTH,
    VAR_FLOPS,
    VAR_COUNT
};

static const char *const var_names[VAR_COUNT] = {
    "N", "D", "G", "B", "E", "M", "P", "gmse", "n_layer", "d_model", "flops",
};

/* An unquantized twin has the exponent and mantissa bits of fp32 and groups of
 * one element, which remove the quantization term of every law (as the table
 * that is fitted has them, study/input.c). */
static void fill_vars(double *slots, const struct plot_point *p, bool base)
{
    slots[VAR_N] = p->N;
    slots[VAR_D] = p->D;
    slots[VAR_G] = slots[VAR_B] = base ? 1 : p->G;
    slots[VAR_E] = base ? 8 : p->E;
    slots[VAR_M] = base ? 23 : p->M;
    slots[VAR_P] = base ? 32 : p->bits;
    slots[VAR_GMSE] = base ? 0 : p->gmse;
    slots[VAR_LAYERS] = p->n_layer;
    slots[VAR_WIDTH] = p->d_model;
    slots[VAR_FLOPS] = p->flops;
}

/* --- names of the formula ------------------------------------------------- */

const struct plot_param *plot_fit_param(const struct plot_fit *f,
                                        const char *name)
{
    for (int i = 0; f && i < f->n_stored; i++)
        if (strcmp(f->params[i].name, name) == 0)
            return &f->params[i];
    return NULL;
}

/* A grouped parameter gets a slot of its own, whose value depends on the
 * point. */
static int grouped_slot(struct plot_fit *f, const char *stem)
{
    for (int g = 0; g < f->n_grouped; g++)
        if (strcmp(f->params[f->slot_param[g]].stem, stem) == 0)
            return g;
    for (int i = 0; i < f->n_stored; i++)
        if (f->params[i].group && strcmp(f->params[i].stem, stem) == 0) {
            f->slot_param = mem_grow(f->slot_param, (size_t)f->n_grouped + 1,
                                     sizeof *f->slot_param);
            f->slot_param[f->n_grouped] = i;
            return f->n_grouped++;
        }
    return -1;
}

/* A parameter first, because E is the floor of one law and the exponent bits
 * of another. */
static bool find_name(void *ctx, const char *name, struct expr_symbol *out)
{
    struct plot_fit *f = ctx;
    const struct plot_param *p = plot_fit_param(f, name);
    const struct law *law = law_find(f->law);
    const struct law_var *v = law ? law_var(law, name) : NULL;
    const int group = p ? -1 : grouped_slot(f, name);

    if (p) {
        *out = (struct expr_symbol){ EXPR_SYM_CONST, 0, p->value };
        return true;
    }
    if (group >= 0) {
        *out = (struct expr_symbol){ EXPR_SYM_SLOT, VAR_COUNT + group, 0 };
        return true;
    }
    for (int i = 0; i < VAR_COUNT; i++)
        if (strcmp(var_names[i], name) == 0) {
            *out = (struct expr_symbol){ EXPR_SYM_SLOT, i, 0 };
            return true;
        }
    if (v && !isnan(v->absent)) {
        *out = (struct expr_symbol){ EXPR_SYM_CONST, 0, v->absent };
        return true;
    }
    return false;
}

static void compile(struct plot_fit *f)
{
    const struct expr_scope scope = { .find = find_name, .ctx = f };
    const char *equals = strchr(f->formula, '=');
    struct err err = { 0 };
    char *left;

    left = mem_strndup(f->formula, equals ? (size_t)(equals - f->formula) : 0);
    f->response = mem_strdup(text_trim(left));
    free(left);
    if (expr_parse(&f->expr, equals ? equals + 1 : f->formula, &scope, &err) !=
        OK) {
        f->expr = NULL;
        f->why = mem_strdup(err.text);
    }
}

bool plot_fit_uses(const struct plot_fit *f, const char *name)
{
    for (int i = 0; f && f->expr && i < VAR_COUNT; i++)
        if (strcmp(var_names[i], name) == 0)
            return expr_uses(f->expr, i);
    return false;
}

/* --- reading -------------------------------------------------------------- */

static const char fit_sql[] =
    "SELECT fit_id, name, law, expr, n_def, selection, loss_fn, status, "
    "data_sha256, created_at, n_points, n_params, n_starts, rmse, r2, "
    "converged FROM fit WHERE fit_id=:fit";

static char *text_at(struct db_stmt *s, int col)
{
    return mem_strdup(db_text(s, col));
}

static void take_row(struct plot_fit *f, struct db_stmt *s)
{
    int c = 0;

    f->id = db_int(s, c++);
    f->name = text_at(s, c++);
    f->law = text_at(s, c++);
    f->formula = text_at(s, c++);
    f->n_def = text_at(s, c++);
    f->selection = text_at(s, c++);
    f->loss_fn = text_at(s, c++);
    f->status = text_at(s, c++);
    f->data_sha256 = text_at(s, c++);
    f->created_at = text_at(s, c++);
    f->n_points = (int)db_int(s, c++);
    f->n_params = (int)db_int(s, c++);
    f->n_starts = (int)db_int(s, c++);
    f->rmse = db_real(s, c++);
    f->r2 = db_real(s, c++);
    f->converged = db_int(s, c++) != 0;
}

static void take_param(struct plot_fit *f, struct db_stmt *s)
{
    struct plot_param p = { .name = text_at(s, 0) };
    const size_t n = strcspn(p.name, "[");

    p.stem = mem_strndup(p.name, n);
    if (p.name[n] && text_has_suffix(p.name, "]"))
        p.group = mem_strndup(p.name + n + 1, strlen(p.name) - n - 2);
    p.value = db_real(s, 1);
    p.se = db_real(s, 2);
    p.lo = db_real(s, 3);
    p.hi = db_real(s, 4);
    p.at_bound = db_int(s, 5) != 0;
    f->params = mem_grow(f->params, (size_t)f->n_stored + 1, sizeof *f->params);
    f->params[f->n_stored++] = p;
}

/* The latest fit of a grid, else of everything. */
static enum status latest(int64_t *id, struct db *db, const char *grid,
                          struct err *err)
{
    return db_ask(
        id, db,
        "SELECT fit_id FROM fit WHERE :grid IS NULL OR "
        "coalesce(selection ->> '$.grid', :grid) = :grid "
        "ORDER BY selection ->> '$.grid' IS NULL, fit_id DESC LIMIT 1",
        DB_VALUES(DB_T("grid", grid)), err);
}

/* NULL where no fit has the number. */
static enum status read_row(struct plot_fit **out, struct db *db, int64_t id,
                            struct err *err)
{
    struct db_stmt *s;
    bool row = false;
    enum status st =
        db_stmt_with(&s, db, fit_sql, DB_VALUES(DB_I("fit", id)), err);

    *out = NULL;
    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && row) {
        *out = mem_alloc(sizeof **out);
        take_row(*out, s);
    }
    db_stmt_close(s);
    return st;
}

static enum status read_params(struct plot_fit *f, struct db *db,
                               struct err *err)
{
    struct db_stmt *s;
    bool row = true;
    enum status st =
        db_stmt_with(&s, db,
                     "SELECT name, value, se, lo95, hi95, at_bound FROM "
                     "fit_param WHERE fit_id=:fit ORDER BY name",
                     DB_VALUES(DB_I("fit", f->id)), err);

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row)
        take_param(f, s);
    db_stmt_close(s);
    return st;
}

enum status plot_fit_read(struct plot_fit **out, struct db *db,
                          const char *grid, int64_t fit_id, struct err *err)
{
    int64_t id = fit_id;
    enum status st = id ? OK : latest(&id, db, grid, err);

    *out = NULL;
    if (st != OK || !id)
        return st;
    st = read_row(out, db, id, err);
    if (st == OK && !*out)
        st = err_set(err, ERR_USAGE,
                     "%s holds no fit %lld (see 'qlaw query "
                     "fits')",
                     db_path(db), (long long)id);
    if (st != OK)
        return st;
    st = read_params(*out, db, err);
    compile(*out);
    return st;
}

void plot_fit_free(struct plot_fit *f)
{
    if (!f)
        return;
    for (int i = 0; i < f->n_stored; i++) {
        free(f->params[i].name);
        free(f->params[i].stem);
        free(f->params[i].group);
    }
    free(f->params);
    free(f->slot_param);
    free(f->name);
    free(f->law);
    free(f->formula);
    free(f->response);
    free(f->n_def);
    free(f->selection);
    free(f->loss_fn);
    free(f->status);
    free(f->data_sha256);
    free(f->created_at);
    free(f->why);
    expr_free(f->expr);
    free(f);
}

/* --- evaluating ----------------------------------------------------------- */

/* The value of a grouped parameter that belongs to a point: the table that was
 * fitted calls what is quantized "fmt", or "fmt/act_fmt//grad_fmt" where that
 * tells more (study/input.c); other columns are named by their words too. */
const char *plot_fit_group(const struct plot_fit *f, const char *stem,
                           const struct plot_point *p, bool base)
{
    const char *own[] = {
        p->quant, p->fmt, p->act_fmt, p->arm, p->family, NULL
    };
    const char *plain[] = { "fp32", "none", "bf16", "fp16", NULL };

    for (const char **word = base ? plain : own; *word; word++)
        for (int i = 0; i < f->n_stored; i++)
            if (f->params[i].group && strcmp(f->params[i].stem, stem) == 0 &&
                strcmp(f->params[i].group, *word) == 0)
                return f->params[i].group;
    return NULL;
}

/* A fit without twins has no value for them.  By its definition that of some is
 * 1; that of the others does not matter, because groups of 1 remove them. */
static double value_of_twins(const struct plot_fit *f, const char *stem)
{
    const struct law *law = law_find(f->law);
    const struct law_param *q = law ? law_param(law, stem) : NULL;

    if (q && q->flags & LAW_UNITY)
        return 1;
    for (int i = 0; i < f->n_stored; i++)
        if (f->params[i].group && strcmp(f->params[i].stem, stem) == 0)
            return f->params[i].value;
    return (double)NAN;
}

static double group_value(const struct plot_fit *f, const char *stem,
                          const struct plot_point *p, bool base)
{
    const char *word = plot_fit_group(f, stem, p, base);

    for (int i = 0; i < f->n_stored; i++)
        if (word && f->params[i].group == word)
            return f->params[i].value;
    return base ? value_of_twins(f, stem) : (double)NAN;
}

/* What the formula names, at a point; NULL when it cannot be evaluated there.
 * The caller frees it. */
static double *slots_of(const struct plot_fit *f, const struct plot_point *p,
                        bool base)
{
    double *slots;

    if (!f || !f->expr || !p->known)
        return NULL;
    slots = mem_array((size_t)(VAR_COUNT + f->n_grouped), sizeof *slots);
    fill_vars(slots, p, base);
    for (int g = 0; g < f->n_grouped; g++)
        slots[VAR_COUNT + g] =
            group_value(f, f->params[f->slot_param[g]].stem, p, base);
    return slots;
}

static double evaluate(const struct plot_fit *f, const struct plot_point *p,
                       bool base)
{
    double *slots = slots_of(f, p, base);
    const double v = slots ? expr_eval(f->expr, slots) : (double)NAN;

    free(slots);
    return isfinite(v) ? v : (double)NAN;
}

double plot_fit_value(const struct plot_fit *f, const struct plot_point *p)
{
    return evaluate(f, p, p->base);
}

double plot_fit_base(const struct plot_fit *f, const struct plot_point *p)
{
    return evaluate(f, p, true);
}

double plot_fit_loss(const struct plot_fit *f, const struct plot_point *p)
{
    return f && strcmp(f->response, "loss") == 0 ? plot_fit_value(f, p)
                                                 : (double)NAN;
}

double plot_fit_delta(const struct plot_fit *f, const struct plot_point *p)
{
    if (f && strcmp(f->response, "delta") == 0)
        return plot_fit_value(f, p);
    return plot_fit_loss(f, p) -
           (f && strcmp(f->response, "loss") == 0 ? plot_fit_base(f, p) : 0);
}

/* The unquantized loss falls with N, so bisection over log N finds it. */
double plot_fit_share(const struct plot_fit *f, const struct plot_point *p)
{
    const double least = log(1e-6), most = log(1e3);
    const double loss = plot_fit_loss(f, p);
    double *slots = isnan(loss) ? NULL : slots_of(f, p, true);
    double lo = least, hi = most, v = 0;

    if (!slots)
        return (double)NAN;
    for (int i = 0; i < 60 && isfinite(v); i++) {
        slots[VAR_N] = p->N * exp((lo + hi) / 2);
        v = expr_eval(f->expr, slots);
        *(v > loss ? &lo : &hi) = (lo + hi) / 2;
    }
    free(slots);
    return isfinite(v) && lo > least && hi < most ? exp(lo) : (double)NAN;
}
