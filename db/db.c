/* db.c - a handle: whom it waits for, what went wrong, transactions. */
#include "db/handle.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"

#define SILENT_S 2       /* a wait is worth a word then */
#define STEPS    1000000 /* of SQLite's machine, some hundredths of a second */

const char *db_library_version(void)
{
    return sqlite3_libversion();
}

bool db_library_has_strict(void)
{
    return sqlite3_libversion_number() >= 3037000;
}

const char *db_path(const struct db *db)
{
    return db->path;
}

const char *db_copy_kept(const struct db *db)
{
    return db->copy;
}

void db_set_patience(struct db *db, double seconds)
{
    db->patience_s = seconds;
}

double db_patience(const struct db *db)
{
    return db->patience_s;
}

void db_set_waiting(struct db *db, void (*say)(const char *sentence))
{
    db->patience_s = INFINITY;
    db->say = say;
}

enum db_trouble db_trouble(const struct db *db)
{
    if (db->code == SQLITE_READONLY_DBMOVED)
        return DB_MOVED;
    switch (db->code & 0xff) {
    case SQLITE_OK:
        return DB_NO_TROUBLE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return DB_BUSY;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: /* the journal */
    case SQLITE_READONLY:
        return DB_NO_SPACE;
    default:
        return DB_BROKEN;
    }
}

/* --- what went wrong ----------------------------------------------------- */

static bool is_busy(int code)
{
    return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
}

static enum status busy(const struct db *db, struct err *err)
{
    char *who = db_holder(db->path);

    err_set(err, ERR_DB,
            "%s is locked: %s holds it; end its transaction and run the same "
            "command again",
            db->path, who);
    free(who);
    return ERR_DB;
}

enum status db_failed(struct db *db, const char *what, struct err *err)
{
    db->code = sqlite3_extended_errcode(db->handle);
    if (db->code == SQLITE_READONLY_ROLLBACK)
        return err_set(err, ERR_DB,
                       "%s holds a half-written change of a program that was "
                       "killed; the next 'qlaw run' or 'qlaw db check' undoes "
                       "it",
                       db->path);
    if (db->code == SQLITE_READONLY_DBMOVED)
        return err_set(err, ERR_DB,
                       "%s was moved, removed or replaced while it was in use; "
                       "what was trained is in its runs folder: put the file "
                       "back or make it again ('qlaw db rebuild'), and run the "
                       "same command again",
                       db->path);
    if (is_busy(db->code))
        return busy(db, err);
    if ((db->code & 0xff) == SQLITE_CORRUPT ||
        (db->code & 0xff) == SQLITE_NOTADB)
        return err_set(err, ERR_DB,
                       "%s is damaged (%s: %s); 'qlaw db rebuild' makes it "
                       "again from runs/ once it is moved away",
                       db->path, what, sqlite3_errmsg(db->handle));
    return err_set(err, ERR_DB, "%s: %s: %s", db->path, what,
                   sqlite3_errmsg(db->handle));
}

/* --- waiting ------------------------------------------------------------- */

static void say_waiting(struct db *db)
{
    char *who = db_holder(db->path);
    char *sentence =
        mem_printf("waiting for %s, which %s holds", db->path, who);

    db->say(sentence);
    db->said = true;
    free(sentence);
    free(who);
}

/* SQLite asks whether to try again, tries times before this.  The pauses grow
 * to a quarter second. */
static int wait_for_others(void *ctx, int tries)
{
    struct db *db = ctx;
    const double now = clock_monotonic();
    struct timespec pause = { .tv_nsec = 250000000 };

    if (tries == 0) {
        db->waiting_since_s = now;
        db->said = false;
    }
    if (now - db->waiting_since_s >= db->patience_s)
        return 0;
    if (db->say && !db->said && now - db->waiting_since_s >= SILENT_S)
        say_waiting(db);
    if (tries < 8)
        pause.tv_nsec = 1000000L << tries;
    nanosleep(&pause, NULL);
    return 1;
}

void db_wait_for_others(struct db *db)
{
    sqlite3_busy_handler(db->handle, wait_for_others, db);
}

static int ask_given_up(void *ctx)
{
    const struct db *db = ctx;

    return db->given_up();
}

void db_set_given_up(struct db *db, bool (*given_up)(void))
{
    db->given_up = given_up;
    sqlite3_progress_handler(db->handle, STEPS, ask_given_up, db);
}

/* --- transactions -------------------------------------------------------- */

static enum status execute(struct db *db, const char *sql, struct err *err)
{
    db->code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return db->code == SQLITE_OK ? OK : db_failed(db, sql, err);
}

enum status db_begin(struct db *db, struct err *err)
{
    const enum status st = execute(db, "BEGIN IMMEDIATE", err);

    db->in_transaction = st == OK;
    return st;
}

enum status db_commit(struct db *db, struct err *err)
{
    const enum status st = execute(db, "COMMIT", err);

    if (st == OK)
        db->in_transaction = false;
    return st;
}

void db_rollback(struct db *db)
{
    if (db->in_transaction)
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    db->in_transaction = false;
}

enum status db_read_begin(struct db *db, struct err *err)
{
    enum status st = execute(db, "BEGIN", err); /* takes no lock */

    db->in_transaction = st == OK;
    if (st == OK)
        st = execute(db, "SELECT 1 FROM sqlite_master LIMIT 1", err);
    if (st != OK)
        db_rollback(db);
    return st;
}

void db_read_end(struct db *db)
{
    db_rollback(db);
}
