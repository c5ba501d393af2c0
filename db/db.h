/* db.h - the SQLite file: one writer, many readers.
 *
 * The file is a rollback-journal database (TRUNCATE, synchronous=FULL) written
 * by one process, the scheduler, in BEGIN IMMEDIATE batches.  schema.sql is the
 * documented schema; its views are the public interface and keep their columns
 * within a major version and follow the program (schema.h).  application_id is
 * "QLAW", user_version the schema's version: an older file is upgraded when it is
 * opened to write (upgrade.h), and to read it answers as it is.
 *
 * Opening refuses, by name and reason, what is not ours: a foreign or damaged
 * file, a newer version, a folder, a FIFO.  A read-only handle writes nothing,
 * not even a journal.  SQL is ours: values are always bound, and names of tables
 * and columns in it are checked against the schema (statement.h). */
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define DB_APPLICATION_ID 0x514C4157 /* "QLAW" */
#define DB_VERSION        3

enum db_mode {
    DB_READ,  /* an existing file, read only */
    DB_WRITE, /* created when absent; the schema is made under EXCLUSIVE */
};

/* Of the SQLite that is linked, "3.40.1". */
const char *db_library_version(void);

/* Does it know STRICT tables (3.37)? */
bool db_library_has_strict(void);

struct db; /* owns the connection and its cached statements */

/* ":memory:" and URIs would open something else than the file that everything
 * else (locks, runs/) lies beside: ERR_USAGE, with how to name such a file. */
enum status db_check_name(const char *path, struct err *err);

enum status db_open(struct db **out, const char *path, enum db_mode mode,
                    struct err *err);
void db_close(struct db *db);
const char *db_path(const struct db *db);

/* Where the file was upgraded when this handle opened it: the copy of it as it
 * was; else NULL. */
const char *db_copy_kept(const struct db *db);

/* Every statement waits for a file that others hold for so many seconds
 * (10; 30 to write); then ERR_DB says who holds it. */
void db_set_patience(struct db *db, double seconds);
double db_patience(const struct db *db);

/* Wait for ever instead, and say once whom for: a forgotten reader must end
 * nothing that writes. */
void db_set_waiting(struct db *db, void (*say)(const char *sentence));

/* Give a statement up, as interrupted, once this says so; it is asked now and
 * then while a statement runs. */
void db_set_given_up(struct db *db, bool (*given_up)(void));

/* Who holds the file, "sqlite3 (pid 42)"; the caller frees it. */
char *db_holder(const char *path);

/* BEGIN IMMEDIATE, COMMIT, ROLLBACK. */
enum status db_begin(struct db *db, struct err *err);
enum status db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);

/* Several questions of one moment.  A writer cannot commit in between, so
 * nothing slow belongs there. */
enum status db_read_begin(struct db *db, struct err *err);
void db_read_end(struct db *db);

/* What kind of failure the last ERR_DB of this handle was. */
enum db_trouble {
    DB_NO_TROUBLE,
    DB_BUSY,     /* somebody else holds the file: try again */
    DB_NO_SPACE, /* the disk is full, read-only or failing */
    DB_MOVED,    /* the file was moved, removed or replaced under us */
    DB_BROKEN,   /* damaged, or a statement is wrong */
};
enum db_trouble db_trouble(const struct db *db);

/* The text of schema.sql, compiled in. */
extern const char db_schema[];

#endif
