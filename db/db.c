#include "db/db.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "db/schema.h"

/* The standard promises only 4,095 characters; every compiler takes more. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
const char db_schema[] =
#include "db/schema_text.h"
    ;
#pragma GCC diagnostic pop

#define MAX_CACHED 64
#define SILENT_S   2 /* a wait is worth a word then */

struct cached {
    const char *sql; /* constant text: the pointer is the key */
    sqlite3_stmt *stmt;
};

struct db {
    sqlite3 *handle;
    char *path;
    double patience_s;
    void (*say)(const char *sentence); /* whom we wait for, or NULL */
    double waiting_since_s;
    bool said;
    struct cached cache[MAX_CACHED];
    int n_cached;
    bool in_transaction;
    int code; /* of the last failure */
};

sqlite3 *db_handle(struct db *db)
{
    return db->handle;
}

const char *db_path(const struct db *db)
{
    return db->path;
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

/* --- refusing what is not ours ------------------------------------------------- */

/* Looked at before SQLite is: a FIFO must not block, a device not be read. */
static enum status check_file(const char *path, enum db_mode mode, bool *fresh,
                              struct err *err)
{
    struct stat sb;

    *fresh = false;
    if (stat(path, &sb) != 0) {
        if (errno == ENOENT && mode == DB_WRITE) {
            *fresh = true;
            return OK;
        }
        return errno == ENOENT
                   ? err_set(err, ERR_DB, "%s does not exist; 'qlaw run' "
                                          "makes it",
                             path)
                   : err_errno(err, ERR_DB, "%s", path);
    }
    if (!S_ISREG(sb.st_mode))
        return err_set(err, ERR_DB, "%s is not a regular file", path);
    *fresh = sb.st_size == 0 && mode == DB_WRITE;
    if (sb.st_size == 0 && mode == DB_READ)
        return err_set(err, ERR_DB, "%s is empty: no grid was run there",
                       path);
    return OK;
}

/* The first bytes of a file; how many there are, -1 when it cannot be read. */
static ssize_t read_head(char *head, size_t size, const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const ssize_t n = fd < 0 ? -1 : read(fd, head, size);

    /* Closing a descriptor drops this process's POSIX locks on the file, so
     * this happens before SQLite opens it. */
    if (fd >= 0)
        close(fd);
    return n;
}

/* Who was killed while making the file may have left its first page unwritten,
 * beside a journal that says how to undo the rest. */
static bool is_unfinished(const char *path, const char *head, ssize_t n)
{
    static const char magic[] = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";
    char *journal = mem_printf("%s-journal", path), start[8];
    bool zero = n > 0;

    for (ssize_t i = 0; i < n; i++)
        zero = zero && head[i] == 0;
    zero = zero && read_head(start, sizeof start, journal) == sizeof start &&
           memcmp(start, magic, sizeof start) == 0;
    free(journal);
    return zero;
}

static enum status check_header(const char *path, struct err *err)
{
    char head[100];
    const ssize_t n = read_head(head, sizeof head, path);

    if (n < 0)
        return err_errno(err, ERR_DB, "%s", path);
    if (n == (ssize_t)sizeof head && memcmp(head, "SQLite format 3", 16) == 0)
        return OK;
    if (is_unfinished(path, head, n))
        return OK;
    return err_set(err, ERR_DB,
                   "%s is not an SQLite database; it is left alone", path);
}

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

static enum status sql_error(struct db *db, const char *what, struct err *err)
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

#define UNKNOWN INT64_MIN

/* One integer of a pragma; UNKNOWN when it cannot be asked. */
static int64_t ask(struct db *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value = UNKNOWN;

    if (sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

static enum status check_owner(struct db *db, struct err *err)
{
    const int64_t id = ask(db, "PRAGMA application_id");
    const int64_t version = ask(db, "PRAGMA user_version");

    if (id == UNKNOWN || version == UNKNOWN)
        return sql_error(db, "cannot read", err);
    if (id != DB_APPLICATION_ID)
        return err_set(err, ERR_DB,
                       "%s is a database of another program; it is left alone",
                       db->path);
    if (version > DB_VERSION)
        return err_set(err, ERR_DB,
                       "%s has schema version %lld, this qlaw knows %d: use a "
                       "newer qlaw",
                       db->path, (long long)version, DB_VERSION);
    return OK;
}

/* --- opening ---------------------------------------------------------------------- */

static enum status create_schema(struct db *db, struct err *err)
{
    /* Labels of arms are those of presets (harness/grid/arm.h) from the first. */
    static const char begun[] = "INSERT INTO meta VALUES('arms','presets')";
    char pragmas[120];

    snprintf(pragmas, sizeof pragmas,
             "PRAGMA application_id=%d; PRAGMA user_version=%d;",
             DB_APPLICATION_ID, DB_VERSION);
    if (sqlite3_exec(db->handle, "BEGIN EXCLUSIVE", NULL, NULL, NULL) !=
        SQLITE_OK)
        return sql_error(db, "cannot begin", err);
    /* Somebody may have made it while we waited. */
    if (ask(db, "PRAGMA application_id") == DB_APPLICATION_ID ||
        (sqlite3_exec(db->handle, pragmas, NULL, NULL, NULL) == SQLITE_OK &&
         sqlite3_exec(db->handle, db_schema, NULL, NULL, NULL) == SQLITE_OK &&
         sqlite3_exec(db->handle, begun, NULL, NULL, NULL) == SQLITE_OK)) {
        if (sqlite3_exec(db->handle, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
            return OK;
    }
    sql_error(db, "cannot make the schema", err);
    sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return ERR_DB;
}

static void say_waiting(struct db *db)
{
    char *who = db_holder(db->path);
    char *sentence = mem_printf("waiting for %s, which %s holds", db->path,
                                who);

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

static enum status configure(struct db *db, enum db_mode mode,
                             struct err *err)
{
    static const char safe[] = "PRAGMA cell_size_check=ON;"
                               "PRAGMA foreign_keys=ON;";
    static const char writer[] = "PRAGMA journal_mode=TRUNCATE;"
                                 "PRAGMA synchronous=FULL;";
    int code;

    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (mode == DB_READ)
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0,
                          NULL);
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_handler(db->handle, wait_for_others, db);
    code = sqlite3_exec(db->handle, safe, NULL, NULL, NULL);
    if (code == SQLITE_OK && mode == DB_WRITE)
        code = sqlite3_exec(db->handle, writer, NULL, NULL, NULL);
    return code == SQLITE_OK ? OK : sql_error(db, "cannot open", err);
}

static enum status open_handle(struct db *db, enum db_mode mode, bool fresh,
                               struct err *err)
{
    const int flags = mode == DB_READ
                          ? SQLITE_OPEN_READONLY
                          : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    enum status st;
    bool old = false;

    if (sqlite3_open_v2(db->path, &db->handle, flags, NULL) != SQLITE_OK)
        return sql_error(db, "cannot open", err);
    st = configure(db, mode, err);
    /* Who was killed while making the schema leaves a journal that has just
     * turned the file into an empty one again. */
    if (st == OK && mode == DB_WRITE && ask(db, "PRAGMA page_count") == 0)
        fresh = true;
    if (st == OK && fresh)
        st = create_schema(db, err);
    if (st == OK && mode == DB_WRITE &&
        sqlite3_db_readonly(db->handle, "main") == 1)
        st = err_set(err, ERR_DB, "%s is read-only", db->path);
    if (st == OK)
        st = check_owner(db, err);
    if (st == OK)
        st = schema_check(&old, db->handle, db->path, err);
    if (st == OK && old)
        st = schema_mend(db->handle, mode == DB_WRITE, db->path, err);
    return st;
}

enum status db_check_name(const char *path, struct err *err)
{
    if (*path != ':' && strncmp(path, "file:", strlen("file:")) != 0)
        return OK;
    return err_set(err, ERR_USAGE,
                   "%s: a database is a file; one of that name is ./%s", path,
                   path);
}

enum status db_open(struct db **out, const char *path, enum db_mode mode,
                    struct err *err)
{
    struct db *db = mem_alloc(sizeof *db);
    bool fresh;
    enum status st;

    *out = NULL;
    db->path = mem_strdup(path);
    db->patience_s = mode == DB_WRITE ? 30 : 10;
    st = db_check_name(path, err);
    if (st == OK)
        st = check_file(path, mode, &fresh, err);
    if (st == OK && !fresh)
        st = check_header(path, err);
    if (st == OK)
        st = open_handle(db, mode, fresh, err);
    if (st == OK)
        *out = db;
    else
        db_close(db);
    return st;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (int i = 0; i < db->n_cached; i++)
        sqlite3_finalize(db->cache[i].stmt);
    sqlite3_close(db->handle);
    free(db->path);
    free(db);
}

/* --- transactions ------------------------------------------------------------------- */

static enum status execute(struct db *db, const char *sql, struct err *err)
{
    db->code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return db->code == SQLITE_OK ? OK : sql_error(db, sql, err);
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

/* --- statements ---------------------------------------------------------------------- */

enum status db_prepare(sqlite3_stmt **out, struct db *db, const char *sql,
                       struct err *err)
{
    struct cached *c;

    *out = NULL;
    for (int i = 0; i < db->n_cached; i++)
        if (strcmp(db->cache[i].sql, sql) == 0) {
            *out = db->cache[i].stmt;
            sqlite3_reset(*out);
            sqlite3_clear_bindings(*out);
            return OK;
        }
    if (db->n_cached == MAX_CACHED) { /* forget the oldest */
        sqlite3_finalize(db->cache[0].stmt);
        memmove(db->cache, db->cache + 1,
                sizeof db->cache[0] * (size_t)--db->n_cached);
    }
    c = &db->cache[db->n_cached];
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                           &c->stmt, NULL) != SQLITE_OK)
        return sql_error(db, "cannot prepare", err);
    c->sql = sqlite3_sql(c->stmt); /* the statement's own copy */
    db->n_cached++;
    *out = c->stmt;
    return OK;
}

void db_bind_list(sqlite3_stmt *stmt, const char *types, va_list ap)
{
    for (int i = 0; types[i]; i++) {
        double x;
        const char *text;

        switch (types[i]) {
        case 'i':
            sqlite3_bind_int64(stmt, i + 1, va_arg(ap, int64_t));
            break;
        case 'd':
            x = va_arg(ap, double);
            if (isnan(x))
                sqlite3_bind_null(stmt, i + 1);
            else
                sqlite3_bind_double(stmt, i + 1, x);
            break;
        case 't':
            text = va_arg(ap, const char *);
            sqlite3_bind_text(stmt, i + 1, text, -1, SQLITE_TRANSIENT);
            break;
        default:
            sqlite3_bind_null(stmt, i + 1);
            break;
        }
    }
}

void db_bind(sqlite3_stmt *stmt, const char *types, ...)
{
    va_list ap;

    va_start(ap, types);
    db_bind_list(stmt, types, ap);
    va_end(ap);
}

enum status db_step(bool *row, struct db *db, sqlite3_stmt *stmt,
                    struct err *err)
{
    const int code = sqlite3_step(stmt);

    *row = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        return OK;
    if (code == SQLITE_DONE) {
        sqlite3_reset(stmt);
        return OK;
    }
    sql_error(db, "a statement failed", err);
    sqlite3_reset(stmt);
    return ERR_DB;
}

enum status db_run(struct db *db, struct err *err, const char *sql,
                   const char *types, ...)
{
    sqlite3_stmt *stmt;
    bool row = true;
    va_list ap;
    enum status st = db_prepare(&stmt, db, sql, err);

    if (st != OK)
        return st;
    va_start(ap, types);
    db_bind_list(stmt, types, ap);
    va_end(ap);
    while (st == OK && row)
        st = db_step(&row, db, stmt, err);
    return st;
}
