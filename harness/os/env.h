/* env.h - on what a run was made: program, compiler, machine, libraries. */
#ifndef HARNESS_OS_ENV_H
#define HARNESS_OS_ENV_H

#include <stdint.h>

#include "base/hash.h"
#include "db/db.h"

struct env {
    const char *version, *git_commit, *compiler, *cflags, *isa, *libc;
    int git_dirty;
    char cpu_model[128], kernel[128];
    int cores; /* that this process may use */
    char *libs_json;
    char fingerprint[HASH_HEX];
};

/* Look at this machine; env_release frees what it holds. */
void env_read(struct env *e);
void env_release(struct env *e);

/* The same as JSON, as runs/env/ keeps it; the caller frees it. */
char *env_json(const struct env *e);

/* Cores this process may use: affinity mask and control-group quota. */
int env_cores(void);

/* The row of e in the database, made when it is new. */
enum status env_store(int64_t *env_id, const struct env *e, struct db *db,
                      struct err *err);

#endif
