/* upgrade.h - a file of an older version becomes one of today's.
 *
 * upgrade/NNN.sql leads to version NNN.  All that a file needs are applied in
 * one transaction with the change of user_version, after a copy of the file as
 * it was is beside it: qlaw.db.v2 of version 2.  Killed at any moment, the file
 * is of the old version or of the new one.  Whoever finds it at the same time
 * waits, and then finds it upgraded.
 *
 * A file of that name is never written over: one with the same bytes, which a
 * killed upgrade left, is the copy; beside another, the copy is qlaw.db.v2-2 and
 * so on.  An upgrade that fails takes its copy away again. */
#ifndef DB_UPGRADE_H
#define DB_UPGRADE_H

#include <stdbool.h>

#include "base/err.h"

struct db;

/* keep: with a copy, whose name db_copy_kept tells.  ERR_DB or ERR_IO, the file
 * as it was, where the copy or the upgrade cannot be written (no room, a folder
 * that cannot be written), where others hold the file for too long, and where it
 * is refused (schema.h). */
enum status upgrade_file(struct db *db, bool keep, struct err *err);

#endif
