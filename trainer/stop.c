#include "trainer/stop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[STOP_NAMES] = {
    [STOP_STEP] = "step",           [STOP_TOKENS] = "tokens",
    [STOP_LOSS] = "loss",           [STOP_LOSS_START] = "loss_start",
    [STOP_LOSS_MIN] = "loss_min",   [STOP_VAL_LOSS] = "val_loss",
    [STOP_GRAD_NORM] = "grad_norm", [STOP_LR] = "lr",
};

static const char *const keys[] = { "stop.diverge", "stop.early" };

static bool find(void *ctx, const char *name, struct expr_symbol *out)
{
    (void)ctx;
    for (int i = 0; i < STOP_NAMES; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (struct expr_symbol){ EXPR_SYM_SLOT, i, 0 };
            return true;
        }
    return false;
}

static const char *nearest(void *ctx, const char *name)
{
    (void)ctx;
    return text_nearest(name, names, STOP_NAMES);
}

static const char *name_of(void *ctx, int slot)
{
    (void)ctx;
    return names[slot];
}

static enum status read_rule(struct expr **out, const char *key,
                             const struct config *c, struct err *err)
{
    const struct expr_scope scope = { .find = find, .nearest = nearest };
    const char *text = config_get(c, key);

    *out = NULL;
    if (!*text || expr_parse(out, text, &scope, err) == OK)
        return OK;
    err_prefix(err, "%s: ", key);
    if (err)
        err->status = ERR_CONFIG;
    err_about(err, ERR_CONFIG, "%s", key);
    return ERR_CONFIG;
}

enum status stop_read(struct stop_rules *out, const struct config *c,
                      struct err *err)
{
    enum status st = read_rule(&out->diverge, keys[0], c, err);

    out->early = NULL;
    out->patience = (double)config_stop_patience(c);
    return st == OK ? read_rule(&out->early, keys[1], c, err) : st;
}

void stop_release(struct stop_rules *r)
{
    expr_free(r->diverge);
    expr_free(r->early);
    *r = (struct stop_rules){ 0 };
}

enum status stop_resolve(struct config *c, struct err *err)
{
    enum status st = OK;

    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && st == OK; i++) {
        struct expr *e;
        char *text;

        st = read_rule(&e, keys[i], c, err);
        if (!e)
            continue;
        text = expr_print(e, name_of, NULL);
        config_set(c, keys[i], text, NULL);
        free(text);
        expr_free(e);
    }
    return st;
}

struct stop_state stop_start(void)
{
    struct stop_state s = { .facts = { 0 } };

    s.facts[STOP_LOSS_MIN] = INFINITY;
    s.facts[STOP_VAL_LOSS] = NAN;
    return s;
}

static bool holds(double *steps, const struct expr *e, const double *facts,
                  double patience)
{
    if (!e)
        return false;
    *steps = expr_eval(e, facts) > 0 ? *steps + 1 : 0;
    return *steps >= patience;
}

enum stop_answer stop_look(struct stop_state *s, const struct stop_rules *r,
                           double step, double tokens, double loss,
                           double grad_norm, double lr)
{
    double *facts = s->facts;

    facts[STOP_STEP] = step;
    facts[STOP_TOKENS] = tokens;
    facts[STOP_LOSS] = loss;
    facts[STOP_LOSS_START] = step == 1 ? loss : facts[STOP_LOSS_START];
    facts[STOP_LOSS_MIN] = fmin(facts[STOP_LOSS_MIN], loss);
    facts[STOP_GRAD_NORM] = grad_norm;
    facts[STOP_LR] = lr;
    if (holds(&s->diverge_steps, r->diverge, facts, r->patience))
        return STOP_DIVERGED;
    return holds(&s->early_steps, r->early, facts, r->patience) ? STOP_EARLY
                                                                : STOP_GO_ON;
}
