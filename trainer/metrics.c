#include "trainer/metrics.h"

#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "trainer/size.h"

static enum status put_line(int fd, struct str *line, struct err *err)
{
    enum status st;

    str_add(line, "}\n");
    st =
        fd < 0 ? OK : file_write_all(fd, line->data, line->len, "metrics", err);
    str_release(line);
    return st;
}

enum status metrics_point(int fd, const struct curve_point *p, struct err *err)
{
    struct str s = { 0 };

    str_add(&s, "{");
    json_add_number(&s, "step", p->step);
    json_add_number(&s, "tokens", p->tokens);
    json_add_number(&s, "train_loss", p->train_loss);
    json_add_number(&s, "val_loss", p->val_loss);
    json_add_number(&s, "lr", p->lr);
    json_add_number(&s, "grad_norm", p->grad_norm);
    json_add_number(&s, "wall_s", p->wall_s);
    return put_line(fd, &s, err);
}

static void add_training(struct str *s, const struct run_result *r)
{
    json_add_number(s, "train_loss", r->train_loss);
    json_add_number(s, "best_loss", r->best_loss);
    if (!isnan(r->probe_loss))
        json_add_number(s, "probe_loss", r->probe_loss);
    for (int kind = 0; kind < LAYER_HEAD; kind++) {
        char name[32];

        snprintf(name, sizeof name, "kurtosis.%s", layer_rows[kind].name);
        json_add_number(s, name, r->kurtosis[kind]);
    }
}

static void add_loss(struct str *s, const struct run_result *r)
{
    json_add_number(s, "loss", r->loss);
    json_add_number(s, "loss_se", r->loss_se);
    if (!r->is_post)
        add_training(s, r);
    for (int i = 0; i < r->n_numbers; i++)
        json_add_number(s, r->numbers[i].name, r->numbers[i].value);
    json_add_text(s, "weights_sha256", r->weights_sha256);
}

enum status metrics_final(int fd, const struct run_result *r,
                          const struct config *c, struct err *err)
{
    const struct model_size size = config_size(c);
    struct str s = { 0 };

    str_add(&s, "{\"final\":true");
    if (r->diverged || r->stopped) {
        str_add(&s, r->diverged ? ",\"diverged\":true" : ",\"stopped\":true");
        json_add_number(&s, "step", (double)r->steps);
        json_add_text(&s, "reason", r->reason);
    } else {
        add_loss(&s, r);
    }
    json_add_number(&s, "steps", (double)r->steps);
    json_add_number(&s, "tokens", (double)r->tokens);
    json_add_number(&s, "flops", r->flops);
    json_add_number(&s, "wall_s", r->wall_s);
    json_add_number(&s, "tok_per_s",
                    r->wall_s > 0 ? (double)r->tokens / r->wall_s : 0);
    json_add_number(&s, "n_body", (double)size.body);
    json_add_number(&s, "n_embed", (double)size.embed);
    json_add_number(&s, "n_head_params", (double)size.head);
    json_add_number(&s, "n_other", (double)size.other);
    return put_line(fd, &s, err);
}
