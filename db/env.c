#include "db/env.h"

#include "db/statement.h"

enum status db_env_put(int64_t *env_id, struct db *db, const struct db_env *e,
                       struct err *err)
{
    const enum status st = db_do(
        db,
        "INSERT OR IGNORE INTO env(fingerprint, qlaw_version, git_commit, "
        "git_dirty, compiler, cflags, cpu_model, isa, cores, kernel, libc, "
        "libs_json) "
        "VALUES(:fingerprint, :qlaw_version, :git_commit, "
        ":git_dirty, :compiler, :cflags, :cpu_model, :isa, :cores, :kernel, "
        ":libc, :libs_json)",
        DB_VALUES(DB_T("fingerprint", e->fingerprint),
                  DB_T("qlaw_version", e->qlaw_version),
                  DB_T("git_commit", e->git_commit),
                  DB_I("git_dirty", e->git_dirty),
                  DB_T("compiler", e->compiler), DB_T("cflags", e->cflags),
                  DB_T("cpu_model", e->cpu_model), DB_T("isa", e->isa),
                  DB_I("cores", e->cores), DB_T("kernel", e->kernel),
                  DB_T("libc", e->libc), DB_T("libs_json", e->libs_json)),
        err);

    return st == OK
               ? db_ask(env_id, db,
                        "SELECT env_id FROM env WHERE fingerprint=:fingerprint",
                        DB_VALUES(DB_T("fingerprint", e->fingerprint)), err)
               : st;
}
