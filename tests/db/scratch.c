#include "tests/db/scratch.h"

#include "tests/check.h"

void scratch_fill(struct db *db, const char *sql)
{
    char *message = NULL;

    if (sqlite3_exec(db_handle(db), sql, NULL, NULL, &message) != SQLITE_OK)
        print_error("%s\n", message);
    assert_null(message);
}

double scratch_number(struct db *db, const char *sql)
{
    sqlite3_stmt *stmt;
    struct err err;
    bool row;
    double x;

    check_ok(db_prepare(&stmt, db, sql, &err), err);
    check_ok(db_step(&row, db, stmt, &err), err);
    assert_true(row);
    x = sqlite3_column_double(stmt, 0);
    sqlite3_reset(stmt);
    return x;
}
