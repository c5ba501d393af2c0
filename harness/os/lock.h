/* lock.h - one scheduler for a database.
 *
 * A kernel lock on DATABASE.lock (an open-file-description lock, so that
 * asking who holds it does not take it): it vanishes with its holder, and
 * there is never a stale one to remove.  The holder writes one line into the
 * file for others to read,
 *
 *   pid 4711 start 123456 boot 5d3c... host node7 since 2026-11-24T09:15:11.123Z
 *
 * and empties the file when it ends as it should: a line without a lock says
 * that it did not. */
#ifndef HARNESS_OS_LOCK_H
#define HARNESS_OS_LOCK_H

#include <stdbool.h>

#include "base/err.h"
#include "db/db.h"
#include "harness/os/process.h"

struct lock {
    int fd;
    bool unclean; /* the holder before was killed */
};

struct lock_holder {
    struct process process;
    char host[PROCESS_HOST], since[32];
};

/* ERR_DB names the holder.  The database itself need not exist yet. */
enum status lock_take(struct lock *lock, const char *db_path, struct err *err);
void lock_release(struct lock *lock);

/* Open the database to write, and wait for those who hold it, however long that
 * is; stderr says whom for.  Who writes beside a scheduler needs no lock. */
enum status lock_db(struct db **db, const char *db_path, struct err *err);

/* Where opening it upgraded an older file, stderr says so and names the copy;
 * lock_db has done it. */
void lock_say_upgraded(const struct db *db);

/* Take the lock and open the database to write, where no scheduler may be at
 * work.  *db is NULL on failure; the caller closes it and releases the lock in
 * any case. */
enum status lock_open(struct lock *lock, struct db **db, const char *db_path,
                      struct err *err);

/* Does somebody hold the lock now?  Writes nothing. */
bool lock_held(struct lock_holder *out, const char *db_path);

#endif
