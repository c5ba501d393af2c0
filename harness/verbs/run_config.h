/* run_config.h - the configuration of one run, as its folder has it. */
#ifndef HARNESS_VERBS_RUN_CONFIG_H
#define HARNESS_VERBS_RUN_CONFIG_H

#include "base/json.h"
#include "trainer/config.h"

/* path: a file, or - for stdin.  Not resolved; *json holds the seeds, too.  Both
 * are the caller's (config_free, json_decref). */
enum status run_config_read(struct config **c, json_t **json, const char *path,
                            struct err *err);

/* A seed of the file: what is given if >= 0, else the file's, else fallback. */
uint64_t run_config_seed(const json_t *json, const char *key, double given,
                         uint64_t fallback);

/* The data seed that a grid would give to c, which is resolved. */
uint64_t run_config_order(const struct config *c, uint64_t seed);

/* All of it: read, resolved, with its seeds. */
enum status run_config_open(struct config **c, uint64_t *seed,
                            uint64_t *data_seed, const char *path,
                            struct err *err);

/* Where a scheduler keeps the run that a post-training run begins with, given
 * that one's own folder; the caller frees it. */
char *run_config_parent(const char *folder, const struct config *c,
                        uint64_t seed);

#endif
