/* env.h - a row of table env: on what a run was made. */
#ifndef DB_ENV_H
#define DB_ENV_H

#include "db/db.h"

/* Its texts are the caller's. */
struct db_env {
    const char *fingerprint; /* its identity */
    const char *qlaw_version, *git_commit, *compiler, *cflags;
    const char *cpu_model, *isa, *kernel, *libc;
    const char *libs_json; /* an object: name and version of each library */
    int64_t git_dirty;     /* 0 or 1 */
    int64_t cores;         /* that the process may use */
};

/* Put it unless one of its fingerprint is there, and get its number. */
enum status db_env_put(int64_t *env_id, struct db *db, const struct db_env *e,
                       struct err *err);

#endif
