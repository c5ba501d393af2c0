#include "trainer/branch.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "trainer/schedule.h"

/* A constant rate is a wsd without decay.  One step is left to each run, which
 * also brings its final validation.  A post-training run leaves no trunk: its
 * parent does. */
int64_t branch_step(const struct config *c)
{
    struct schedule s;

    /* First, because grids ask for a million of them.  A user's own trainer
     * leaves no checkpoints of ours. */
    if (strcmp(config_train_schedule(c), "cosine") == 0 || config_is_post(c) ||
        strcmp(config_trainer_kind(c), "builtin") != 0)
        return 0;
    s = schedule_of(c);
    return s.kind == SCHEDULE_WSD && s.decay > 0 ? s.steps - s.decay
                                                 : s.steps - 1;
}

char *branch_identity(const struct config *c, enum identity what)
{
    static const char *const own[] = { "tokens", "schedule", "decay",
                                       "lr_final" };
    json_t *identity = config_identity(c, what);
    json_t *train = json_object_get(identity, "train");
    char *text;

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        json_object_del(train, own[i]);
    text = json_canonical_text(identity);
    json_decref(identity);
    return text;
}

void curve_add(struct curve *c, const struct curve_point *p)
{
    c->points = mem_grow(c->points, c->n + 1, sizeof *c->points);
    c->points[c->n++] = *p;
}

/* The validation loss of a step; *at walks through the trunk's curve. */
static double validation_at(const struct curve *trunk, size_t *at, int64_t step)
{
    while (*at < trunk->n && trunk->points[*at].step < (double)step)
        ++*at;
    return *at < trunk->n && trunk->points[*at].step == (double)step
               ? trunk->points[*at].val_loss
               : NAN;
}

void branch_curve(struct curve *out, double *loss_sum, double *loss_count,
                  const struct branch_note *notes, int64_t n, int64_t log_every,
                  const struct curve *trunk, const struct config *c)
{
    const struct schedule schedule = schedule_of(c);
    const double step_tokens =
        (double)config_train_batch(c) * (double)config_model_seq_len(c);
    size_t at = 0;

    *loss_sum = *loss_count = 0;
    for (int64_t step = 1; step <= n; step++) {
        const struct branch_note *note = &notes[step - 1];
        const double val = validation_at(trunk, &at, step);

        *loss_sum += note->loss;
        ++*loss_count;
        if (isnan(val) && step != 1 && step % log_every != 0)
            continue;
        curve_add(out, &(struct curve_point){
                           .step = (double)step,
                           .tokens = (double)step * step_tokens,
                           .train_loss = *loss_sum / *loss_count,
                           .val_loss = val,
                           .lr = schedule_rate(&schedule, step - 1),
                           .grad_norm = note->grad_norm,
                           .wall_s = note->wall_s,
                       });
        *loss_sum = *loss_count = 0;
    }
}
