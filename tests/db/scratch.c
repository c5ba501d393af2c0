#include "tests/db/scratch.h"

#include "db/handle.h"
#include "db/statement.h"
#include "tests/check.h"

void scratch_fill(struct db *db, const char *sql)
{
    char *message = NULL;

    if (sqlite3_exec(db->handle, sql, NULL, NULL, &message) != SQLITE_OK)
        print_error("%s\n", message);
    assert_null(message);
}

double scratch_number(struct db *db, const char *sql)
{
    struct db_stmt *s;
    struct err err;
    bool row;
    double x;

    check_ok(db_stmt_open(&s, db, sql, &err), err);
    check_ok(db_stmt_step(&row, s, &err), err);
    assert_true(row);
    x = db_real(s, 0);
    db_stmt_close(s);
    return x;
}
