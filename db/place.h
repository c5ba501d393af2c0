/* place.h - a database file that is made beside and put in place whole.
 *
 * SQLite plays NAME-journal into the file that is called NAME, whoever left it
 * there: beside a file that was killed in the middle of a commit and moved away
 * since, it would undo pages of the file that we put in its place.  So a file
 * of ours takes its name only when nothing of another's lies there. */
#ifndef DB_PLACE_H
#define DB_PLACE_H

#include "db/db.h"

/* Make an empty file to fill, beside path; what killed makers of path left
 * behind goes first.  *name is the caller's to free. */
enum status db_place_make(char **name, const char *path, struct err *err);

/* Fill it with the bytes of a database that may be in use. */
enum status db_copy_bytes(struct db *db, const char *name, struct err *err);

/* The same in steps, for who holds the lock of source himself.  Open before it
 * is taken and close after it is given back: closing drops all locks that this
 * process has on source.  Each follow makes the copy what source is then; *out
 * is to be closed also on failure (ERR_IO). */
struct db_copy;
enum status db_copy_open(struct db_copy **out, const char *source,
                         const char *target, struct err *err);
enum status db_copy_follow(const struct db_copy *c, struct err *err);
void db_copy_close(struct db_copy *c);

/* Another file is this copy, byte for byte. */
bool db_copy_is(const struct db_copy *c, const char *path);

/* Sync it and let it take the name.  It is gone from its own either way. */
enum status db_place_take(const char *name, const char *path, struct err *err);

/* The same, ERR_DB where a file of that name is there: it is left alone. */
enum status db_place_take_new(const char *name, const char *path,
                              struct err *err);

/* Remove it and what SQLite put beside it. */
void db_place_drop(const char *name);

#endif
