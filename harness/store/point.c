#include "harness/store/point.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "harness/grid/point_id.h"

/* --- the columns ------------------------------------------------------------------ */

char *point_settings(const struct config *c)
{
    struct config *fresh = config_new();
    json_t *all = config_json(c), *defaults = config_json(fresh);
    const char *section, *key;
    json_t *object, *value;
    void *next_section, *next_key;
    char *text;

    json_object_foreach_safe(all, next_section, section, object)
    {
        const json_t *other = json_object_get(defaults, section);

        json_object_foreach_safe(object, next_key, key, value)
            if (json_equal(value, json_object_get(other, key)))
                json_object_del(object, key);
        if (json_object_size(object) == 0)
            json_object_del(all, section);
    }
    text = json_canonical_text(all);
    json_decref(all);
    json_decref(defaults);
    config_free(fresh);
    return text;
}

void point_columns_of(struct point_columns *p, const struct config *c,
                      struct gmse *known)
{
    *p = (struct point_columns){
        .config = c,
        .identity = point_canonical(c, true),
        .settings = point_settings(c),
        .arm = arm_text(c, true),
        .plain_arm = arm_text(c, false),
        .size = config_size(c),
        .gmse = NAN,
    };
    point_id(p->id, c, true);
    point_id(p->twin, c, false);
    arm_read(&p->quant, c);
    if (p->quant.lead >= 0)
        p->gmse = gmse_of(known, &p->quant.spec[p->quant.lead].elem);
}

void point_columns_release(struct point_columns *p)
{
    free(p->identity);
    free(p->settings);
    free(p->arm);
    free(p->plain_arm);
}

/* --- putting ---------------------------------------------------------------------- */

/* What a trainer of the user's own makes of its files is its affair; their
 * name says it then. */
static const char *tokenizer_of(const struct config *c)
{
    return strcmp(config_get(c, "data.kind"), "u16") == 0 ||
                   text_has_suffix(config_get(c, "data.path"), ".u16")
               ? "u16"
               : "bytes";
}

static enum status put_dataset(const struct config *c, struct db *db,
                               struct err *err)
{
    const char *name = config_get(c, "data.path");

    return db_run(db, err,
                  "INSERT OR IGNORE INTO dataset(name, sha256, tokenizer, "
                  "vocab, n_tokens) VALUES(?,?,?,?,0)",
                  "ttti", name, config_get(c, "data.sha256"), tokenizer_of(c),
                  config_int(c, "model.vocab"));
}

static enum status check_stored(const struct point_columns *p, struct db *db,
                                struct err *err)
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
    same = row && strcmp((const char *)sqlite3_column_text(stmt, 0),
                         p->identity) == 0;
    sqlite3_reset(stmt);
    return same ? OK
                : err_set(err, ERR_DB,
                          "point %s is stored with another configuration",
                          p->id);
}

/* The format of an operand, NULL when it is left as it is. */
static const char *format_of(const struct arm *a, enum quant_operand k)
{
    return a->spec[k].on ? a->spec[k].elem.name : NULL;
}

/* What the column says: the kind, or the name of a user's own. */
static const char *trainer_of(const struct config *c)
{
    const char *kind = config_get(c, "trainer.kind");
    const char *name = config_get(c, "trainer.name");

    return strcmp(kind, "builtin") != 0 && *name ? name : kind;
}

/* A table of codes has neither exponents nor a mantissa; that the latter is
 * its bits - 1 all the same says how many bits it has. */
static double exponent_bits(const struct quant_spec *lead)
{
    return !lead                          ? 8
           : lead->elem.kind == NUM_TABLE ? (double)NAN
                                          : lead->elem.exp_bits;
}

/* A database that was begun without names of presets goes on without, so that
 * one arm has one label in it. */
static enum status named_by_presets(bool *out, struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    enum status st = db_prepare(
        &stmt, db, "SELECT 1 FROM meta WHERE key='arms'", err);

    if (st == OK)
        st = db_step(out, db, stmt, err);
    if (st == OK && *out)
        sqlite3_reset(stmt);
    return st;
}

static enum status put_row(const struct point_columns *p, struct db *db,
                           struct err *err)
{
    bool presets = true;
    enum status st = named_by_presets(&presets, db, err);
    const struct config *c = p->config;
    const struct quant_spec *lead =
        p->quant.lead >= 0 ? &p->quant.spec[p->quant.lead] : NULL;
    const bool scaled = lead && lead->elem.scaled;
    const char *grad = format_of(&p->quant, OPERAND_DY_D);

    if (st != OK)
        return st;
    return db_run(
        db, err,
        "INSERT OR IGNORE INTO point(point_id, config, settings, twin_id, "
        "is_base, dataset_id, n_layer, d_model, n_embed, n_head_params, "
        "n_body, n_other, tokens, fmt, exp_bits, man_bits, group_size, "
        "act_fmt, grad_fmt, scale_fmt, rounding, gmse, flops_plan, mem_plan, "
        "gran, g_eff, arm, trainer, trainer_rev) SELECT ?,?,?,?,?,dataset_id,"
        "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,? FROM dataset WHERE "
        "name=? AND sha256=? AND "
        "tokenizer=?",
        "tttti"
        "iiiiiii"
        "tdid"
        "tttt"
        "ddi"
        "tdt"
        "tt"
        "ttt",
        p->id, p->identity, p->settings, p->twin,
        (int64_t)(strcmp(p->id, p->twin) == 0), config_int(c, "model.n_layer"),
        config_int(c, "model.d_model"), p->size.embed, p->size.head,
        p->size.body, p->size.other, p->size.tokens,
        lead ? lead->elem.name : "fp32", exponent_bits(lead),
        (int64_t)(lead ? lead->elem.man_bits : 23),
        scaled && lead->gran == QUANT_GROUP ? (double)lead->group : (double)NAN,
        format_of(&p->quant, OPERAND_X),
        grad ? grad : format_of(&p->quant, OPERAND_DY_G),
        scaled ? lead->scale->word.name : NULL,
        lead ? lead->rounding->word.name : NULL,
        p->gmse, p->size.flops_per_token * (double)p->size.tokens,
        p->size.memory_bytes, arm_gran(&p->quant), p->quant.group,
        presets ? p->arm : p->plain_arm, trainer_of(c),
        config_get(c, "trainer.revision"), config_get(c, "data.path"),
        config_get(c, "data.sha256"), tokenizer_of(c));
}

enum status point_columns_put(const struct point_columns *p, struct db *db,
                              struct err *err)
{
    enum status st = put_dataset(p->config, db, err);

    if (st == OK)
        st = put_row(p, db, err);
    return st == OK ? check_stored(p, db, err) : st;
}
