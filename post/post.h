/* post.h - what is done to a trained model before it is measured once more.
 *
 * A configuration with a [post] section is that of a post-training run.  It
 * begins with the weights of its parent (config_base), which it trains itself
 * where they are not to be had, and ends with a final line (trainer/run.h) that
 * also has, each measured here by one process on the same sequences:
 *
 *   parent_loss      of the parent, as its own final line says
 *   delta, delta_se  loss - parent_loss, and its standard error over sequences
 *   kl               mean over the tokens of KL(parent || this), in nats
 *   kl25             the same of both renormalized over the parent's 25
 *                    likeliest tokens (arXiv 2510.25602, section 4)
 *   bits_w           stored bits of a weight of the blocks, scales included
 *   bits_all         of a parameter; what is not quantized counts 16
 *   bits_x           of a number that the blocks' linear layers are given
 *   fold_error       what post.fold has changed of the logits, of their size
 *   calib_tokens     that layers' inputs were taken from
 *   fallbacks        layers that were rounded to nearest where the fitter
 *                    could not solve theirs
 *
 * steps and tokens are the parent's, since the laws mean those. */
#ifndef POST_POST_H
#define POST_POST_H

#include "base/rng.h"
#include "post/calib.h"
#include "post/ranges.h"
#include "trainer/data.h"
#include "trainer/model.h"
#include "trainer/run.h"

struct post {
    const struct config *config;          /* with its post section */
    struct config *parent_config, *infer; /* config_base, config_infer */
    uint64_t seed, data_seed;
    const struct run_io *io;
    const struct kernels *kn;
    int threads;
    struct data *data;
    struct model *parent; /* as it was trained */
    struct model *model;  /* the one that is changed and measured */
    struct calib calib;   /* where the fitter or a static input asks for it */
    struct ranges ranges;
    int fallbacks;
    double fold_change; /* fold.h */
};

/* As run_train: c is resolved and config_is_post.  ERR_DIVERGED also where the
 * parent did; ERR_STOPPED leaves what the training of the parent saved, and
 * does the rest again. */
enum status post_run(struct run_result *out, const struct config *c,
                     uint64_t seed, uint64_t data_seed, const struct run_io *io,
                     struct err *err);

/* What a stream of random numbers is keyed by: the seed, and post.draw. */
uint64_t post_key(const struct post *p, enum rng_purpose purpose,
                  uint64_t lane);

/* ERR_STOPPED when io says so; asked between layers. */
enum status post_may_go_on(const struct post *p, struct err *err);

#endif
