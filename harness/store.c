#include "harness/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

/* --- what a point's columns say --------------------------------------------------- */

/* The operands as the body's layers use them; layer 0's fc1 stands for all
 * (overrides show in the arm text). */
struct operands {
    struct quant_spec spec[OPERAND_COUNT];
    bool reuse[OPERAND_COUNT];
    const struct quant_spec *lead; /* w, else x, else the first that is on */
};

static void read_operands(struct operands *o, const struct config *c)
{
    o->lead = NULL;
    for (int k = 0; k < OPERAND_COUNT; k++) {
        config_quant(&o->spec[k], &o->reuse[k], c, 0, "fc1",
                     (enum quant_operand)k);
        if (!o->lead && o->spec[k].on && !o->reuse[k])
            o->lead = &o->spec[k];
    }
}

static const char *gran_name(const struct quant_spec *s)
{
    static const char *const names[] = { "group", "row", "tensor" };

    return s && s->elem.scaled ? names[s->gran] : NULL;
}

/* Elements that share a scale: the group; per row the input width, averaged
 * over the block's matrices by their sizes; per tensor none. */
static double effective_group(const struct config *c,
                              const struct quant_spec *s)
{
    const double d = config_number(c, "model.d_model");
    const double f = config_number(c, "model.d_ff");
    const double kv = d / config_number(c, "model.n_head") *
                      config_number(c, "model.n_kv_head");
    const double wide = 2 * d * d + 2 * d * kv + 2 * d * f; /* inputs of d */

    if (!s || !s->elem.scaled || s->gran == QUANT_TENSOR)
        return NAN;
    if (s->gran == QUANT_GROUP)
        return s->group;
    return (wide * d + d * f * f) / (wide + d * f);
}

static const char *const short_names[OPERAND_COUNT] = { "W", "A", "dYd", "Wd",
                                                        "dYg", "Ag" };

/* "W+A" and what they share, or each with its own format. */
static void add_operands(struct str *s, const struct operands *o)
{
    char buf[QUANT_TEXT], lead[QUANT_TEXT];
    int on = 0, same = 0;

    quant_print(lead, o->lead);
    for (int k = 0; k < OPERAND_COUNT; k++) {
        on += o->spec[k].on && !o->reuse[k];
        same += o->spec[k].on && !o->reuse[k] &&
                strcmp(quant_print(buf, &o->spec[k]), lead) == 0;
    }
    if (on == same)
        str_addf(s, "%s ", o->lead->elem.name);
    for (int k = 0, n = 0; k < OPERAND_COUNT; k++) {
        if (!o->spec[k].on || o->reuse[k])
            continue;
        str_addf(s, "%s%s", n++ ? "+" : "", short_names[k]);
        if (on != same)
            str_addf(s, ":%s", o->spec[k].elem.name);
    }
}

char *store_arm(const struct config *c)
{
    struct operands o;
    struct str s = { 0 };

    read_operands(&o, c);
    if (!o.lead && !config_override_at(c, 0))
        return mem_strdup("unquantized");
    if (o.lead) {
        add_operands(&s, &o);
        if (o.lead->elem.scaled && o.lead->gran == QUANT_GROUP)
            str_addf(&s, " g%d", o.lead->group);
        else if (o.lead->elem.scaled)
            str_addf(&s, " %s", gran_name(o.lead));
        if (o.lead->elem.scaled &&
            strcmp(quant_scale_name(o.lead->scale), "fp32") != 0)
            str_addf(&s, " %s", quant_scale_name(o.lead->scale));
    }
    for (int i = 0; config_override_at(c, i); i++) {
        const char *key = config_override_at(c, i);

        str_addf(&s, "%s%s=%s", s.len ? " " : "", key + strlen("quant."),
                 config_get(c, key));
    }
    return str_steal(&s);
}

/* --- putting --------------------------------------------------------------------- */

static enum status one_id(int64_t *id, struct db *db, sqlite3_stmt *stmt,
                          struct err *err)
{
    bool row;
    enum status st = db_step(&row, db, stmt, err);

    if (st == OK && row)
        *id = sqlite3_column_int64(stmt, 0);
    else if (st == OK)
        st = err_set(err, ERR_DB, "a row that was just written is missing");
    sqlite3_reset(stmt);
    return st;
}

static enum status put_dataset(int64_t *id, const struct config *c,
                               struct db *db, struct err *err)
{
    const char *name = config_get(c, "data.path");
    const char *sha = config_get(c, "data.sha256");
    const bool tokens = text_has_suffix(name, ".u16");
    sqlite3_stmt *stmt;
    enum status st =
        db_run(db, err,
               "INSERT OR IGNORE INTO dataset(name, sha256, tokenizer, vocab, "
               "n_tokens) VALUES(?,?,?,?,0)",
               "ttti", name, sha, tokens ? "u16" : "bytes",
               config_int(c, "model.vocab"));

    if (st == OK)
        st = db_prepare(&stmt, db,
                        "SELECT dataset_id FROM dataset WHERE name=? AND "
                        "sha256=? AND tokenizer=?",
                        err);
    if (st != OK)
        return st;
    db_bind(stmt, "ttt", name, sha, tokens ? "u16" : "bytes");
    return one_id(id, db, stmt, err);
}

/* The Gaussian error of a format is the same for all points that use it. */
struct gmse_cache {
    char name[24];
    double value;
};

static double gaussian_error(struct gmse_cache *cache,
                             const struct quant_spec *s)
{
    if (!s)
        return NAN;
    if (strcmp(cache->name, s->elem.name) != 0) {
        snprintf(cache->name, sizeof cache->name, "%s", s->elem.name);
        cache->value = num_gaussian_mse(&s->elem);
    }
    return cache->value;
}

static enum status check_stored(const struct grid_point *p, const char *config,
                                struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row, same;
    enum status st = db_prepare(
        &stmt, db, "SELECT config FROM point WHERE point_id=?", err);

    if (st != OK)
        return st;
    db_bind(stmt, "t", p->id);
    st = db_step(&row, db, stmt, err);
    if (st != OK)
        return st;
    same = row &&
           strcmp((const char *)sqlite3_column_text(stmt, 0), config) == 0;
    sqlite3_reset(stmt);
    return same ? OK
                : err_set(err, ERR_DB,
                          "point %s is stored with another configuration",
                          p->id);
}

static enum status put_point(const struct grid_point *p, int64_t dataset,
                             struct gmse_cache *cache, struct db *db,
                             struct err *err)
{
    const struct config *c = p->config;
    json_t *json = config_identity(c, true);
    char *config = json_canonical_text(json), *arm = store_arm(c);
    struct operands o;
    const struct quant_spec *l;
    const struct num_format *f;
    enum status st;

    read_operands(&o, c);
    l = o.lead;
    f = l ? &l->elem : NULL;
    st = db_run(
        db, err,
        "INSERT OR IGNORE INTO point(point_id, config, twin_id, is_base, "
        "dataset_id, n_layer, d_model, n_embed, n_head_params, n_body, "
        "n_other, tokens, fmt, exp_bits, man_bits, group_size, act_fmt, "
        "grad_fmt, scale_fmt, rounding, gmse, flops_plan, mem_plan, gran, "
        "g_eff, arm) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
        "?,?)",
        "ttti" "iiiiiiii" "tiid" "tttt" "ddit" "dt",
        p->id, config, p->twin, (int64_t)p->is_base, dataset,
        config_int(c, "model.n_layer"), config_int(c, "model.d_model"),
        p->size.embed, p->size.head, p->size.body, p->size.other,
        p->size.tokens, f ? f->name : "fp32", (int64_t)(f ? f->exp_bits : 8),
        (int64_t)(f ? f->man_bits : 23),
        gran_name(l) && l->gran == QUANT_GROUP ? (double)l->group : NAN,
        o.spec[OPERAND_X].on ? o.spec[OPERAND_X].elem.name : NULL,
        o.spec[OPERAND_DY_D].on   ? o.spec[OPERAND_DY_D].elem.name
        : o.spec[OPERAND_DY_G].on ? o.spec[OPERAND_DY_G].elem.name
                                  : NULL,
        l && f->scaled ? quant_scale_name(l->scale) : NULL,
        !l                                ? NULL
        : l->rounding == NUM_STOCHASTIC ? "stochastic"
                                        : "nearest",
        gaussian_error(cache, l), p->size.flops_per_token *
                                      (double)p->size.tokens,
        p->size.memory_bytes, gran_name(l), effective_group(c, l), arm);
    if (st == OK)
        st = check_stored(p, config, db, err);
    free(config);
    free(arm);
    json_decref(json);
    return st;
}

static char *seeds_json(const struct grid_point *p)
{
    struct str s = { 0 };

    str_add(&s, "[");
    for (int i = 0; i < p->n_seeds; i++)
        str_addf(&s, "%s%llu", i ? "," : "", (unsigned long long)p->seeds[i]);
    str_add(&s, "]");
    return str_steal(&s);
}

static enum status put_runs(const struct grid *g, const struct grid_point *p,
                            int64_t grid_id, struct db *db, struct err *err)
{
    char *seeds = seeds_json(p);
    enum status st = db_run(
        db, err,
        "INSERT OR REPLACE INTO grid_point(grid_id, point_id, ordinal, block, "
        "priority, seeds) VALUES(?,?,?,?,?,?)",
        "itititt", grid_id, p->id, (int64_t)p->ordinal, p->block,
        (int64_t)p->priority, seeds);

    for (int i = 0; i < p->n_seeds && st == OK; i++)
        st = db_run(db, err,
                    "INSERT OR IGNORE INTO run(point_id, seed, data_seed) "
                    "VALUES(?,?,?)",
                    "tii", p->id, (int64_t)p->seeds[i],
                    (int64_t)grid_data_seed(g, p, p->seeds[i]));
    free(seeds);
    return st;
}

static enum status put_grid_row(int64_t *grid_id, const struct grid *g,
                                const char *argv, struct db *db,
                                struct err *err)
{
    sqlite3_stmt *stmt;
    enum status st = db_run(db, err,
                            "INSERT OR IGNORE INTO grid(name, ini_text, "
                            "ini_sha256, argv) VALUES(?,?,?,?)",
                            "tttt", g->name, g->text, g->sha256, argv);

    if (st == OK)
        st = db_prepare(&stmt, db, "SELECT grid_id FROM grid WHERE name=? AND "
                                   "ini_sha256=?",
                        err);
    if (st != OK)
        return st;
    db_bind(stmt, "tt", g->name, g->sha256);
    return one_id(grid_id, db, stmt, err);
}

enum status store_grid(int64_t *grid_id, const struct grid *g,
                       const char *argv, struct db *db, struct err *err)
{
    struct gmse_cache cache = { "", 0 };
    enum status st = put_grid_row(grid_id, g, argv, db, err);

    for (int i = 0; i < g->n_points && st == OK; i++) {
        int64_t dataset = 0;

        st = put_dataset(&dataset, g->points[i].config, db, err);
        if (st == OK)
            st = put_point(&g->points[i], dataset, &cache, db, err);
        if (st == OK)
            st = put_runs(g, &g->points[i], *grid_id, db, err);
    }
    return st;
}

/* --- taking ----------------------------------------------------------------------- */

enum status store_reclaim(int *n, struct db *db, struct err *err)
{
    enum status st = db_run(
        db, err,
        "UPDATE attempt SET outcome='lost', message='its scheduler ended', "
        "ended_at=strftime('%Y-%m-%dT%H:%M:%fZ','now') WHERE outcome IS NULL",
        "");

    if (st == OK)
        st = db_run(db, err,
                    "UPDATE run SET state='pending', state_reason='its "
                    "scheduler ended' WHERE state IN ('running','queued')",
                    "");
    *n = sqlite3_changes(db_handle(db));
    return st;
}

static enum status one_run(struct store_run *r, const struct grid_point *p,
                           struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row;
    enum status st = db_prepare(&stmt, db,
                                "SELECT run_id, data_seed, state, attempts "
                                "FROM run WHERE point_id=? AND seed=?",
                                err);

    if (st != OK)
        return st;
    db_bind(stmt, "ti", p->id, (int64_t)r->seed);
    st = db_step(&row, db, stmt, err);
    if (st == OK && !row)
        st = err_set(err, ERR_DB, "run %s-%llu is missing", p->id,
                     (unsigned long long)r->seed);
    if (st == OK) {
        r->run_id = sqlite3_column_int64(stmt, 0);
        r->data_seed = (uint64_t)sqlite3_column_int64(stmt, 1);
        snprintf(r->state, sizeof r->state, "%s",
                 (const char *)sqlite3_column_text(stmt, 2));
        r->attempts = sqlite3_column_int(stmt, 3);
        sqlite3_reset(stmt);
    }
    return st;
}

enum status store_runs(struct store_run **runs, int *n, const struct grid *g,
                       struct db *db, struct err *err)
{
    struct store_run *list = mem_array((size_t)g->n_runs, sizeof *list);
    enum status st = OK;

    *n = 0;
    for (int i = 0; i < g->n_points && st == OK; i++)
        for (int k = 0; k < g->points[i].n_seeds && st == OK; k++) {
            struct store_run *r = &list[(*n)++];

            r->point = i;
            r->seed = g->points[i].seeds[k];
            st = one_run(r, &g->points[i], db, err);
        }
    *runs = list;
    if (st != OK) {
        free(list);
        *runs = NULL;
    }
    return st;
}
