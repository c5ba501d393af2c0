/* parent.h - the model that a training ends with. */
#ifndef POST_PARENT_H
#define POST_PARENT_H

#include "trainer/data.h"
#include "trainer/model.h"
#include "trainer/run.h"

/* Put the last weights of the training of c, which is no post-training run, into
 * m: from io's parent or its own folder where they are there, else by training
 * c.  out says what became of that; diverged and stopped trainings leave m alone
 * (ERR_DIVERGED; OK with out->stopped). */
enum status parent_weights(struct run_result *out, struct model *m,
                           const struct config *c, uint64_t seed,
                           uint64_t data_seed, const struct data *data,
                           const struct run_io *io, struct err *err);

#endif
