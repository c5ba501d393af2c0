/* Databases that were damaged, or were never one: whatever is merged, our own
 * stays sound, and what is refused leaves no row behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/admin.h"
#include "db/statement.h"
#include "harness/store/rebuild.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/runs.h"

struct merging {
    struct runs runs;
    char *good; /* the bytes of a database with runs in it */
    size_t size;
    char *other, *journal;
};

static void silent(const char *sentence)
{
    (void)sentence;
}

static void make_good(struct merging *m)
{
    struct db *db = runs_database(&m->runs, "other.db");
    char *root = mem_printf("%s/runs", m->runs.folder);
    struct rebuild sum;
    struct err err;

    if (rebuild_from(&sum, db, root, silent, &err) != OK || sum.results == 0)
        fuzz_fail("no database to begin with", "", 0);
    db_close(db);
    m->other = mem_printf("%s/other.db", m->runs.folder);
    m->journal = mem_printf("%s-journal", m->other);
    m->good = runs_read(m->other, &m->size);
    free(root);
}

/* Some bytes anywhere or close together, a page of another place, or its end
 * missing. */
static size_t damage(char *bytes, size_t size, struct fuzz *f)
{
    const size_t page = 4096, pages = size / page;
    size_t at;

    switch (fuzz_pick(f, 6)) {
    case 0:
        fuzz_bytes((unsigned char *)bytes, 100, f); /* the header */
        return size;
    case 1:
        memcpy(bytes + page * fuzz_pick(f, pages),
               bytes + page * fuzz_pick(f, pages), page);
        return size;
    case 2:
        return fuzz_pick(f, size + 1);
    case 3:
        at = page * fuzz_pick(f, pages);
        fuzz_bytes((unsigned char *)bytes + at, 64, f); /* of a page */
        return size;
    default:
        at = fuzz_pick(f, size - 256);
        fuzz_bytes((unsigned char *)bytes + at, 256, f);
        return size;
    }
}

static int64_t rows(struct db *db)
{
    int64_t n;

    return db_ask(&n, db,
                  "SELECT (SELECT count(*) FROM run) + "
                  "(SELECT count(*) FROM point) + (SELECT count(*) FROM grid)",
                  NULL, NULL) == OK
               ? n
               : -1;
}

static void one(struct fuzz *f, void *ctx)
{
    const struct merging *m = ctx;
    char *bytes = mem_alloc(m->size);
    struct db *db = runs_database(&m->runs, "x.db");
    struct db_merge sum;
    struct err err = { 0 };
    size_t size;

    memcpy(bytes, m->good, m->size);
    size = damage(bytes, m->size, f);
    runs_write(m->other, bytes, size);
    if (fuzz_pick(f, 8) == 0)
        runs_write(m->journal, bytes, size / 2);
    else
        unlink(m->journal);
    if (db_merge(&sum, db, m->other, &err) != OK) {
        if (!*err.text)
            fuzz_fail("refused without a word", bytes, size);
        if (rows(db) != 0)
            fuzz_fail("refused, and rows were taken", bytes, size);
    }
    runs_check(db, "our own is unsound afterwards", bytes, size);
    db_close(db);
    free(bytes);
}

int main(int argc, char **argv)
{
    struct fuzz f = { .n_seeds = 0 };
    struct merging m = { .size = 0 };
    int code;

    runs_make(&m.runs);
    make_good(&m);
    code = fuzz_main(argc, argv, &f, "damaged databases", one, &m);
    runs_remove(&m.runs);
    free(m.good);
    free(m.other);
    free(m.journal);
    return code;
}
