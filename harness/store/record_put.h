/* record_put.h - what the folder runs/ keeps beside the runs themselves, so
 * that the database can be made again from it (record.h):
 *
 *   runs/env/FINGERPRINT.json   {"fingerprint":"...","qlaw_version":...}
 *   runs/grids/SHA.json         {"name":"...","ini_sha256":"...","argv":"...",
 *                                "created_at":"...","ini_text":"...","points":[
 *                                ["POINT",ordinal,"block",priority,[seeds]],
 *                                ...]}
 *
 * Both are written once and never changed. */
#ifndef HARNESS_STORE_RECORD_PUT_H
#define HARNESS_STORE_RECORD_PUT_H

#include "base/err.h"
#include "harness/grid/grid.h"
#include "harness/os/env.h"

enum status record_put_env(const char *db_path, const struct env *e,
                           struct err *err);
enum status record_put_grid(const char *db_path, const struct grid *g,
                            const char *argv, struct err *err);

#endif
