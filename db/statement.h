/* statement.h - SQL with values in and values out, by name and by type.
 *
 * A parameter is written :name and bound by that name; each must be bound
 * before the first step, NULL by db_bind_null or a NULL text or a NaN.  What a
 * binding does wrong, a name that is not there or a value that is left out, is
 * the failure of the next step.
 *
 * Statements are kept for the next time.  One that is open is nobody else's:
 * the same SQL opened within its loop is another statement, and what is open is
 * not forgotten for want of room. */
#ifndef DB_STATEMENT_H
#define DB_STATEMENT_H

#include <stddef.h>

#include "db/db.h"

struct db_stmt;

/* *out is NULL on failure (ERR_DB); else db_stmt_close gives it back. */
enum status db_stmt_open(struct db_stmt **out, struct db *db, const char *sql,
                         struct err *err);
void db_stmt_close(struct db_stmt *s); /* NULL is none */

/* A question in a person's own SQL: one statement that only reads.  A parameter
 * of it that nobody binds is NULL. */
enum db_refusal {
    DB_TAKEN,   /* *out is open, to be closed as any other; else it is NULL */
    DB_NOT_SQL, /* db_message says why */
    DB_EMPTY,   /* nothing but blanks and comments */
    DB_SEVERAL, /* more than one statement */
    DB_WRITES,
};
enum db_refusal db_stmt_asked(struct db_stmt **out, struct db *db,
                              const char *sql);

/* What SQLite says of the last failure, without our own words around it; lives
 * until the next call of this room. */
const char *db_message(const struct db *db);

/* The byte of the SQL that it is about, from 1; 0: none. */
int db_message_column(const struct db *db);

/* Texts and blobs are copied; a NaN and a NULL text are NULL. */
void db_bind_int(struct db_stmt *s, const char *name, int64_t value);
void db_bind_real(struct db_stmt *s, const char *name, double value);
void db_bind_text(struct db_stmt *s, const char *name, const char *text);
void db_bind_text_n(struct db_stmt *s, const char *name, const char *text,
                    size_t size);
void db_bind_blob(struct db_stmt *s, const char *name, const void *data,
                  size_t size);
void db_bind_null(struct db_stmt *s, const char *name);

/* *row says whether a row is there; false on failure.  After the last one the
 * statement can be bound and run again. */
enum status db_stmt_step(bool *row, struct db_stmt *s, struct err *err);

/* Column i, from 0, of the row; what they point to lives until the next step.
 */
int64_t db_int(struct db_stmt *s, int i); /* 0 for NULL */
double db_real(struct db_stmt *s, int i); /* NaN for NULL */
double db_real_or(struct db_stmt *s, int i, double otherwise); /* for NULL */
const char *db_text(struct db_stmt *s, int i);                 /* "" for NULL */
const void *db_blob(size_t *size, struct db_stmt *s, int i);
bool db_is_null(struct db_stmt *s, int i);

/* How many columns, and what they are called. */
int db_columns(const struct db_stmt *s);
const char *db_column(const struct db_stmt *s, int i);

enum db_type { DB_NULL, DB_INTEGER, DB_REAL, DB_TEXT, DB_BLOB };
enum db_type db_type(struct db_stmt *s, int i);

/* --- in one call -----------------------------------------------------------
 */

/* A value for a parameter; a list ends with one without a name. */
struct db_value {
    const char *name;
    enum db_type type;
    int64_t i;
    double real;
    const char *text;
};

#define DB_I(n, v) ((struct db_value){ .name = (n), DB_INTEGER, .i = (v) })
#define DB_R(n, v) ((struct db_value){ .name = (n), DB_REAL, .real = (v) })
#define DB_T(n, v) ((struct db_value){ .name = (n), DB_TEXT, .text = (v) })

#define DB_VALUES(...)                                                         \
    ((const struct db_value[]){ __VA_ARGS__, { .name = NULL } })

/* Run it to the end; values NULL: it has no parameters. */
enum status db_do(struct db *db, const char *sql, const struct db_value *values,
                  struct err *err);

/* Several statements, one after the other, each with those of the values that
 * it names. */
enum status db_do_all(struct db *db, const char *const *sql, size_t n,
                      const struct db_value *values, struct err *err);

/* The first column of its first row as a whole number; 0 where there is none.
 */
enum status db_ask(int64_t *out, struct db *db, const char *sql,
                   const struct db_value *values, struct err *err);

/* The same as text, "" for NULL, which the caller frees; NULL: no row. */
enum status db_ask_text(char **out, struct db *db, const char *sql,
                        const struct db_value *values, struct err *err);

/* Open with its values bound. */
enum status db_stmt_with(struct db_stmt **out, struct db *db, const char *sql,
                         const struct db_value *values, struct err *err);

/* The number that the last INSERT gave, and how many rows the last statement
 * changed. */
int64_t db_last_id(struct db *db);
int64_t db_changes(struct db *db);

#endif
