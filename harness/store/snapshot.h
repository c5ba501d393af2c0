/* snapshot.h - a database as of one moment, for reports that read for long.
 *
 * Beside a scheduler, statements made one after the other contradict each
 * other, and one long transaction would keep it from committing.  So then a copy
 * is read, which is gone from its folder as soon as it is not needed by name. */
#ifndef HARNESS_STORE_SNAPSHOT_H
#define HARNESS_STORE_SNAPSHOT_H

#include "base/file.h"
#include "db/db.h"

struct snapshot {
    struct db *db; /* open for reading; of the copy, or of the file itself */
    struct file_folder folder;
};

/* Signals wait until the name is dropped.  Without room for a copy, and where
 * nobody writes, the file itself is opened. */
enum status snapshot_open(struct snapshot *s, const char *db_path,
                          struct err *err);

/* db stays open, and is closed by the caller. */
void snapshot_drop_name(struct snapshot *s);

#endif
