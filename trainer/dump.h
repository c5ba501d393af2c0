/* dump.h - what an independent implementation needs to replay a run.
 *
 * One line of JSON: {"config":{...},"data_sha256":"...",
 * "tensors":[{"name","layer","rows","cols"},...],"batch":B,"seq":T,
 * "batches":N,"lr":[...]}, a newline, then the parameters as little-endian
 * float32 in table order, then for each batch its tokens and its targets as
 * little-endian int32, [B, T] each.  config has every key (config_json); lr is
 * the learning rate of each of the N steps. */
#ifndef TRAINER_DUMP_H
#define TRAINER_DUMP_H

#include <stdint.h>

#include "base/err.h"
#include "trainer/config.h"

/* ERR_IO when path cannot be written, ERR_CONFIG as data_open. */
enum status dump_weights(const char *path, const struct config *c,
                         uint64_t seed, uint64_t data_seed, int batches,
                         struct err *err);

#endif
