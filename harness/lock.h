/* lock.h - one scheduler for a database.
 *
 * A kernel lock on DATABASE.lock: it vanishes with its holder, so there is
 * never a stale one to remove.  The holder writes its pid and start into the
 * file for others to read. */
#ifndef HARNESS_LOCK_H
#define HARNESS_LOCK_H

#include "base/err.h"

/* Take the lock; *fd keeps it until closed.  ERR_DB names the holder. */
enum status lock_take(int *fd, const char *db_path, struct err *err);

#endif
