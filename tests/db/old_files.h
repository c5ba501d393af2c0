/* old_files.h - files as earlier programs wrote them (old/make.sh), made again in
 * a folder of the test's own, and what must be true of one that is opened. */
#ifndef TESTS_DB_OLD_FILES_H
#define TESTS_DB_OLD_FILES_H

#include "base/str.h"
#include "db/handle.h"

struct old {
    const char *name;
    int tables, version; /* whose tables; what it says of itself */
    const char *after;   /* what its user did to it */
};

#define OLD_FILES_N 6
#define OF_HIS_OWN  4                 /* has things of its user's own */
#define NEWEST_OLD  (OLD_FILES_N - 1) /* of the last version but ours */
extern const struct old old_files[OLD_FILES_N];

/* The folder of this test, and the database in it. */
extern char old_dir[32], old_path[64];
int old_set_up(void **state);
int old_tear_down(void **state);
#define in_folder(f)                                                           \
    cmocka_unit_test_setup_teardown(f, old_set_up, old_tear_down)

void old_make(const struct old *o); /* at old_path, and nothing beside it */
struct db *old_open(const char *name, enum db_mode mode);

/* A copy of old_path as it is, old_dir/copy, opened past our own code. */
sqlite3 *old_copy(void);
char *old_beside(const char *suffix); /* the caller frees it */

/* Rows of a question as text, a line each, with digits of its reals. */
void old_add_rows(struct str *out, sqlite3 *h, const char *sql, int digits);
void old_add_views(struct str *out, sqlite3 *h);

void old_check_views(struct db *db, const char *of);
void old_check_sound(struct db *db);
void old_check_same(const char *name, const char *other);

/* Every row that was is there; views, triggers and version are a new file's. */
void old_check_upgraded(struct db *db, const struct old *o, sqlite3 *was);

#endif
