/* handle.h - what is behind struct db, for the files of this room. */
#ifndef DB_HANDLE_H
#define DB_HANDLE_H

#include <sqlite3.h>

#include "db/db.h"
#include "db/schema.h"

struct db_stmt;

struct db {
    sqlite3 *handle;
    char *path;
    const struct schema *schema; /* what is opened must be, or become */
    char *copy;                  /* of the file before an upgrade, or NULL */
    double patience_s;
    void (*say)(const char *sentence); /* whom we wait for, or NULL */
    bool (*given_up)(void);            /* or NULL */
    double waiting_since_s;
    bool said;
    struct db_stmt **kept; /* statements; those used last come last */
    size_t n_kept;
    bool in_transaction;
    int code; /* of the last failure */
};

/* The sentence of the failure that SQLite just had; ERR_DB. */
enum status db_failed(struct db *db, const char *what, struct err *err);

/* Before the handle is closed. */
void db_forget_statements(struct db *db);

/* A statement that finds the file locked tries again, as long as db_patience. */
void db_wait_for_others(struct db *db);

/* db_open for a program of another schema (tests), and for a file that nobody
 * but the caller knows, of which an upgrade keeps no copy. */
struct db_how {
    enum db_mode mode;
    const struct schema *schema;
    bool is_scratch;
};
enum status db_open_as(struct db **out, const char *path,
                       const struct db_how *how, struct err *err);

#endif
