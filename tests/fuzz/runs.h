/* runs.h - a small runs/ folder as a grid leaves it, for fuzzers. */
#ifndef TESTS_FUZZ_RUNS_H
#define TESTS_FUZZ_RUNS_H

#include "db/db.h"

/* A file of it, as it was. */
struct runs_file {
    char *path, *text;
};

struct runs {
    char *folder; /* an empty one of ours, removed with everything in it */
    struct runs_file *files;
    int n;
    char *empty; /* the bytes of a database without a row */
    size_t empty_size;
};

/* In memory where there is such a folder. */
void runs_make(struct runs *r);
void runs_remove(struct runs *r);

/* A database without a row under that name in the folder, opened to write. */
struct db *runs_database(const struct runs *r, const char *name);

/* End the program when `db check` would not be content. */
void runs_check(struct db *db, const char *what, const char *input, size_t n);

/* The whole of a file, however many bytes; n may be NULL. */
char *runs_read(const char *path, size_t *n);
void runs_write(const char *path, const char *data, size_t n);

#endif
