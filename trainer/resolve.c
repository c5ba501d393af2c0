/* resolve.c - what depends on several keys. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "trainer/config_quant.h"
#include "trainer/folds.h"
#include "trainer/stop.h"

static enum status check_divides(const struct config *c, const char *a,
                                 const char *b, struct err *err)
{
    const int64_t x = (int64_t)config_number(c, a);
    const int64_t y = (int64_t)config_number(c, b);

    if (x > 0 && y % x == 0)
        return OK;
    err_set(err, ERR_CONFIG, "%s = %lld does not divide %s = %lld", a,
            (long long)x, b, (long long)y);
    return err_about(err, ERR_CONFIG, "%s %s", a, b);
}

static enum status resolve_shape(struct config *c, struct err *err)
{
    const int64_t d = config_model_d_model(c);
    int64_t head_size;

    if (config_model_n_kv_head(c) == 0)
        config_set_number(c, "model.n_kv_head", (double)config_model_n_head(c));
    if (config_model_d_ff(c) == 0)
        config_set_number(c, "model.d_ff",
                          (double)((8 * d + 3 * 32 - 1) / (3 * 32) * 32));
    if (check_divides(c, "model.n_head", "model.d_model", err) != OK ||
        check_divides(c, "model.n_kv_head", "model.n_head", err) != OK)
        return ERR_CONFIG;
    head_size = d / config_model_n_head(c);
    if (head_size % 2 == 0)
        return OK;
    err_set(err, ERR_CONFIG,
            "model.d_model / model.n_head = %lld is odd: rotary embedding "
            "needs pairs",
            (long long)head_size);
    return err_about(err, ERR_CONFIG, "model.d_model model.n_head");
}

/* Activations are indexed by int in the kernels. */
static enum status check_step(const struct config *c, double step,
                              struct err *err)
{
    const struct model_dims s = model_dims_of(c);
    const double widest = model_dims_widest(&s);

    if (step * widest < 0x1p31)
        return OK;
    err_set(err, ERR_CONFIG,
            "train.batch * model.seq_len = %g tokens a step: with rows of %g "
            "numbers at most %g",
            step, widest, floor(0x1p31 / widest) - 1);
    return err_about(err, ERR_CONFIG, "train.batch model.seq_len");
}

/* Tokens become whole steps and the warm-up a number of steps, so that two
 * ways of saying the same are one run. */
static enum status resolve_schedule(struct config *c, struct err *err)
{
    const int64_t step = config_train_batch(c) * config_model_seq_len(c);
    const int64_t tokens = config_train_tokens(c);
    const int64_t steps = (tokens + step - 1) / step;
    const double warmup = config_train_warmup(c);
    const char *schedule = config_train_schedule(c);

    /* What our own trainer cannot hold, another one may. */
    if (!config_is_exec(c) && check_step(c, (double)step, err) != OK)
        return ERR_CONFIG;
    if (warmup >= 1 && warmup > (double)steps) {
        err_set(err, ERR_CONFIG,
                "train.warmup = %g is longer than the run of %lld steps",
                warmup, (long long)steps);
        return err_about(err, ERR_CONFIG, "train.warmup");
    }
    config_set_number(c, "train.tokens", (double)(steps * step));
    config_set_number(c, "train.warmup",
                      warmup < 1 ? floor(warmup * (double)steps + 0.5)
                                 : floor(warmup));
    if (strcmp(schedule, "wsd") != 0)
        config_set(c, "train.decay", setting_find("train.decay")->fallback,
                   NULL);
    if (strcmp(schedule, "constant") == 0)
        config_set(c, "train.lr_final",
                   setting_find("train.lr_final")->fallback, NULL);
    return OK;
}

static void to_default(struct config *c, enum setting_id id)
{
    const struct setting *s = setting_at(id);

    /* What is there already keeps the tables of quantizers. */
    if (strcmp(config_value(c, id)->text, s->fallback) != 0)
        config_set(c, s->key, s->fallback, NULL);
}

/* Nothing of [post] says something alone. */
static enum status check_no_post(const struct config *c, struct err *err)
{
    const char *key = NULL, *at;

    for (int i = 0; (at = config_override_at(c, i)) && !key; i++)
        if (quant_section_of(at) == SECTION_POST)
            key = at;
    for (int i = 0; i < N_SETTINGS && !key; i++)
        if (quant_section_of(setting_at(i)->key) == SECTION_POST &&
            strcmp(config_value(c, (enum setting_id)i)->text,
                   setting_at(i)->fallback) != 0)
            key = setting_at(i)->key;
    if (!key)
        return OK;
    err_set(err, ERR_CONFIG,
            "%s = %s without post.fit: say what is done after training, rtn or "
            "gptq",
            key, config_get(c, key));
    return err_about(err, ERR_CONFIG, "%s", key);
}

/* Is a random number drawn for any rounding after training? */
static bool post_draws(const struct config *c)
{
    const struct layer_quant *q;

    for (int i = 0; i < config_model_n_layer(c) * LAYER_HEAD; i++) {
        q = config_post_layer(c, i / LAYER_HEAD,
                              (enum layer_kind)(i % LAYER_HEAD));
        if ((q->spec[OPERAND_W].on && q->spec[OPERAND_W].rounding->draws) ||
            (q->spec[OPERAND_X].on && q->spec[OPERAND_X].rounding->draws))
            return true;
    }
    return false;
}

/* A fitter that rounds one weight after another needs to know what it alone
 * becomes. */
static enum status check_elementwise(const struct config *c, struct err *err)
{
    char buf[QUANT_TEXT];

    for (int i = 0; i < config_model_n_layer(c) * LAYER_HEAD; i++) {
        const enum layer_kind kind = (enum layer_kind)(i % LAYER_HEAD);
        const struct quant_spec *s =
            &config_post_layer(c, i / LAYER_HEAD, kind)->spec[OPERAND_W];

        if (!s->on || quant_is_elementwise(s))
            continue;
        err_set(err, ERR_CONFIG,
                "post.fit = gptq rounds one weight after another, which %s of "
                "%s in block %d does not do: a zero point, a rotation or a "
                "tile needs post.fit = rtn",
                quant_print(buf, s), layer_rows[kind].name, i / LAYER_HEAD);
        return err_about(err, ERR_CONFIG, "post.fit post.w");
    }
    return OK;
}

/* What the fitter does not read goes back to its default, so that one run has
 * one spelling. */
static enum status resolve_post(struct config *c, struct err *err)
{
    struct fold folds[FOLDS_MOST];
    bool calibrates, draws;
    int n;

    if (!config_is_post(c))
        return check_no_post(c, err);
    if (folds_read(folds, &n, config_post_fold(c), err) != OK)
        return ERR_CONFIG;
    if (strcmp(config_post_fit(c), "gptq") == 0)
        return check_elementwise(c, err);
    calibrates = config_post_calibrates(c);
    draws = post_draws(c);
    to_default(c, KEY_post_act_order);
    to_default(c, KEY_post_damp);
    if (!calibrates)
        to_default(c, KEY_post_calib);
    if (!calibrates && !draws)
        to_default(c, KEY_post_draw);
    return config_settle_quant(c, err);
}

enum status config_resolve(struct config *c, struct err *err)
{
    enum status st = resolve_shape(c, err);

    if (st == OK)
        st = resolve_schedule(c, err);
    if (st == OK)
        st = stop_resolve(c, err);
    if (st == OK)
        st = config_settle_quant(c, err);
    if (st == OK)
        st = resolve_post(c, err);
    return st;
}
