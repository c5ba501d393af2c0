#include "post/parent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainer/run_state.h"
#include "trainer/weights.h"

/* Is the training's end there already, in the folder that we were told of or in
 * our own? */
static bool find_weights(struct model *m, const unsigned char id[32],
                         const struct run_io *io)
{
    const char *const places[] = { io->parent, io->dir };

    for (int i = 0; i < 2; i++) {
        struct err err;

        if (!places[i] || !weights_there(places[i]))
            continue;
        if (weights_read(m, places[i], id, &err) == OK)
            return true;
        fprintf(stderr, "qlaw: %s\n", err.text);
    }
    return false;
}

static enum status train(struct run_result *out, struct model *m,
                         const struct config *c, uint64_t seed,
                         uint64_t data_seed, const struct run_io *from,
                         struct err *err)
{
    struct run_weights weights = { NULL };
    struct run_io io = *from;
    enum status st;

    fprintf(stderr,
            "qlaw: the weights of the training before are not there; it "
            "is done first\n");
    io.metrics_fd = -1;
    io.n_branches = 0;
    io.keep_weights = true; /* what follows may be stopped and done again */
    io.weights = &weights;
    st = run_train(out, c, seed, data_seed, &io, err);
    if (weights.params)
        memcpy(m->params, weights.params, m->tensors.values * sizeof(real));
    free(weights.params);
    return st;
}

enum status parent_weights(struct run_result *out, struct model *m,
                           const struct config *c, uint64_t seed,
                           uint64_t data_seed, const struct data *data,
                           const struct run_io *io, struct err *err)
{
    unsigned char id[32];

    *out = (struct run_result){ 0 };
    run_identify(id, c, seed, data_seed, data_sha256(data));
    return find_weights(m, id, io) ? OK
                                   : train(out, m, c, seed, data_seed, io, err);
}
