#include "harness/store/point.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "db/point.h"
#include "db/statement.h"
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

        json_object_foreach_safe(
            object, next_key, key,
            value) if (json_equal(value, json_object_get(other, key)))
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
        .identity = point_canonical(c, IDENTITY_RUN),
        .settings = point_settings(c),
        .arm = arm_text(c, true),
        .plain_arm = arm_text(c, false),
        .size = config_size(c),
        .gmse = NAN,
    };
    point_id(p->id, c, IDENTITY_RUN);
    point_id(p->twin, c, IDENTITY_TWIN);
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
    return strcmp(config_data_kind(c), "u16") == 0 ||
                   text_has_suffix(config_data_path(c), ".u16")
               ? "u16"
               : "bytes";
}

static enum status put_dataset(int64_t *id, const struct config *c,
                               struct db *db, struct err *err)
{
    return db_dataset_put(id, db, config_data_path(c), config_data_sha256(c),
                          tokenizer_of(c), config_model_vocab(c), err);
}

static enum status check_stored(const struct point_columns *p, struct db *db,
                                struct err *err)
{
    int64_t same;
    const enum status st =
        db_ask(&same, db, "SELECT config=:config FROM point WHERE point_id=:id",
               DB_VALUES(DB_T("config", p->identity), DB_T("id", p->id)), err);

    return st != OK || same
               ? st
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
    const char *kind = config_trainer_kind(c);
    const char *name = config_trainer_name(c);

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
static enum status named_by_presets(int64_t *out, struct db *db,
                                    struct err *err)
{
    return db_ask(out, db, "SELECT 1 FROM meta WHERE key='arms'", NULL, err);
}

static void set_sizes(struct db_point *out, const struct point_columns *p)
{
    out->n_layer = config_model_n_layer(p->config);
    out->d_model = config_model_d_model(p->config);
    out->n_embed = p->size.embed;
    out->n_head_params = p->size.head;
    out->n_body = p->size.body;
    out->n_other = p->size.other;
    out->tokens = p->size.tokens;
    out->flops_plan = p->size.flops;
    out->mem_plan = p->size.memory_bytes;
}

static void set_quantizer(struct db_point *out, const struct point_columns *p)
{
    const struct quant_spec *lead =
        p->quant.lead >= 0 ? &p->quant.spec[p->quant.lead] : NULL;
    const bool scaled = lead && lead->elem.scaled;
    const char *grad = format_of(&p->quant, OPERAND_DY_D);

    out->fmt = lead ? lead->elem.name : "fp32";
    out->exp_bits = exponent_bits(lead);
    out->man_bits = lead ? lead->elem.man_bits : 23;
    if (scaled && lead->gran == QUANT_GROUP)
        out->group_size = lead->group;
    out->act_fmt = format_of(&p->quant, OPERAND_X);
    out->grad_fmt = grad ? grad : format_of(&p->quant, OPERAND_DY_G);
    out->scale_fmt = scaled ? lead->scale->word.name : NULL;
    out->rounding = lead ? lead->rounding->word.name : NULL;
    out->gmse = p->gmse;
    out->gran = arm_gran(&p->quant);
    out->g_eff = p->quant.group;
}

static enum status put_row(const struct point_columns *p, int64_t dataset_id,
                           struct db *db, struct err *err)
{
    struct db_point row = db_point_default();
    int64_t presets;
    const enum status st = named_by_presets(&presets, db, err);

    row.point_id = p->id;
    row.config = p->identity;
    row.settings = p->settings;
    row.twin_id = p->twin;
    row.is_base = strcmp(p->id, p->twin) == 0;
    row.dataset_id = dataset_id;
    row.arm = presets ? p->arm : p->plain_arm;
    row.trainer = trainer_of(p->config);
    row.trainer_rev = config_trainer_revision(p->config);
    set_sizes(&row, p);
    set_quantizer(&row, p);
    return st == OK ? db_point_put(NULL, db, &row, err) : st;
}

enum status point_columns_put(const struct point_columns *p, struct db *db,
                              struct err *err)
{
    int64_t dataset_id;
    enum status st = put_dataset(&dataset_id, p->config, db, err);

    if (st == OK)
        st = put_row(p, dataset_id, db, err);
    return st == OK ? check_stored(p, db, err) : st;
}
