/* open.c - what is ours is opened, what is not is refused. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "db/handle.h"
#include "db/upgrade.h"

/* --- refusing what is not ours ------------------------------------------- */

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
        return errno == ENOENT ? err_set(err, ERR_DB,
                                         "%s does not exist; 'qlaw run' "
                                         "makes it",
                                         path)
                               : err_errno(err, ERR_DB, "%s", path);
    }
    if (!S_ISREG(sb.st_mode))
        return err_set(err, ERR_DB, "%s is not a regular file", path);
    *fresh = sb.st_size == 0 && mode == DB_WRITE;
    if (sb.st_size == 0 && mode == DB_READ)
        return err_set(err, ERR_DB, "%s is empty: no grid was run there", path);
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
        return db_failed(db, "cannot read", err);
    if (id != DB_APPLICATION_ID)
        return err_set(err, ERR_DB,
                       "%s is a database of another program; it is left alone",
                       db->path);
    if (version > db->schema->version)
        return err_set(err, ERR_DB,
                       "%s has schema version %lld, this qlaw knows %d: use a "
                       "newer qlaw",
                       db->path, (long long)version, db->schema->version);
    return OK;
}

/* --- opening ------------------------------------------------------------- */

static enum status create_schema(struct db *db, struct err *err)
{
    /* Labels of arms are those of presets (harness/grid/arm.h) from the first.
     */
    static const char begun[] = "INSERT INTO meta VALUES('arms','presets')";
    char pragmas[120];

    snprintf(pragmas, sizeof pragmas,
             "PRAGMA application_id=%d; PRAGMA user_version=%d;",
             DB_APPLICATION_ID, db->schema->version);
    if (sqlite3_exec(db->handle, "BEGIN EXCLUSIVE", NULL, NULL, NULL) !=
        SQLITE_OK)
        return db_failed(db, "cannot begin", err);
    /* Somebody may have made it while we waited. */
    if (ask(db, "PRAGMA application_id") == DB_APPLICATION_ID ||
        (sqlite3_exec(db->handle, pragmas, NULL, NULL, NULL) == SQLITE_OK &&
         sqlite3_exec(db->handle, db->schema->text, NULL, NULL, NULL) ==
             SQLITE_OK &&
         sqlite3_exec(db->handle, begun, NULL, NULL, NULL) == SQLITE_OK)) {
        if (sqlite3_exec(db->handle, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
            return OK;
    }
    db_failed(db, "cannot make the schema", err);
    sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return ERR_DB;
}

static enum status configure(struct db *db, enum db_mode mode, struct err *err)
{
    static const char safe[] = "PRAGMA cell_size_check=ON;"
                               "PRAGMA foreign_keys=ON;";
    static const char writer[] = "PRAGMA journal_mode=TRUNCATE;"
                                 "PRAGMA synchronous=FULL;";
    int code;

    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (mode == DB_READ)
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_extended_result_codes(db->handle, 1);
    db_wait_for_others(db);
    code = sqlite3_exec(db->handle, safe, NULL, NULL, NULL);
    if (code == SQLITE_OK && mode == DB_WRITE)
        code = sqlite3_exec(db->handle, writer, NULL, NULL, NULL);
    return code == SQLITE_OK ? OK : db_failed(db, "cannot open", err);
}

/* What a writer does to an old file, and a reader over it (schema.h). */
static enum status bring_up_to_date(struct db *db, const struct db_how *how,
                                    struct err *err)
{
    const struct schema *s = db->schema;
    struct schema_found found;
    enum status st = schema_check(&found, db->handle, s, db->path, err);

    if (st != OK || !found.old)
        return st;
    if (how->mode == DB_READ)
        return schema_overlay(db->handle, s, db->path, err);
    return found.version < s->version
               ? upgrade_file(db, !how->is_scratch, err)
               : schema_mend(db->handle, s, db->path, err);
}

static enum status open_handle(struct db *db, const struct db_how *how,
                               bool fresh, struct err *err)
{
    const enum db_mode mode = how->mode;
    const int flags = mode == DB_READ
                          ? SQLITE_OPEN_READONLY
                          : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    enum status st;

    if (sqlite3_open_v2(db->path, &db->handle, flags, NULL) != SQLITE_OK)
        return db_failed(db, "cannot open", err);
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
    return st == OK ? bring_up_to_date(db, how, err) : st;
}

enum status db_check_name(const char *path, struct err *err)
{
    if (*path != ':' && strncmp(path, "file:", strlen("file:")) != 0)
        return OK;
    return err_set(err, ERR_USAGE,
                   "%s: a database is a file; one of that name is ./%s", path,
                   path);
}

enum status db_open_as(struct db **out, const char *path,
                       const struct db_how *how, struct err *err)
{
    struct db *db = mem_alloc(sizeof *db);
    bool fresh;
    enum status st;

    *out = NULL;
    db->path = mem_strdup(path);
    db->schema = how->schema;
    db->patience_s = how->mode == DB_WRITE ? 30 : 10;
    st = db_check_name(path, err);
    if (st == OK)
        st = check_file(path, how->mode, &fresh, err);
    if (st == OK && !fresh)
        st = check_header(path, err);
    if (st == OK)
        st = open_handle(db, how, fresh, err);
    if (st == OK)
        *out = db;
    else
        db_close(db);
    return st;
}

enum status db_open(struct db **out, const char *path, enum db_mode mode,
                    struct err *err)
{
    const struct db_how how = { .mode = mode, .schema = &schema_today };

    return db_open_as(out, path, &how, err);
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db_forget_statements(db);
    sqlite3_close(db->handle);
    free(db->path);
    free(db->copy);
    free(db);
}
