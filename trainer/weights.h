/* weights.h - what a finished run leaves for those that begin where it ended:
 * its parameters alone.
 *
 * DIR/weights has the form of a checkpoint (checkpoint.h) with one section,
 * "params", under the identity of the training that made them: 4 bytes a
 * parameter, against 12 of one of the two generations of a checkpoint. */
#ifndef TRAINER_WEIGHTS_H
#define TRAINER_WEIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "trainer/model.h"

/* id: run_identify's (run_state.h); steps: what the run took.  ERR_IO leaves a
 * file that was there as it was. */
enum status weights_write(const struct model *m, const char *dir,
                          const unsigned char id[32], int64_t steps,
                          struct err *err);

/* Into the parameters of m.  ERR_IO: absent, damaged, of another training or
 * shape; m is then as it was, or holds nothing of use. */
enum status weights_read(struct model *m, const char *dir,
                         const unsigned char id[32], struct err *err);

bool weights_there(const char *dir);
void weights_remove(const char *dir);

#endif
