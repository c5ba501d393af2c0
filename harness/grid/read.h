/* read.h - between grid/read.c and grid/args.c: a document being made. */
#ifndef HARNESS_GRID_READ_H
#define HARNESS_GRID_READ_H

#include "harness/grid/doc.h"
#include "harness/grid/wrong.h"

#define MAX_DEPTH 16 /* of includes */
#define MAX_FILES 256

struct reading {
    struct doc *d;
    const char *stack[MAX_DEPTH]; /* the open files, outermost first */
    int depth;
    struct err *err;    /* of the step at hand */
    struct wrong wrong; /* every entry that could not be read */
};

/* Note the failure of a step, if it is one, and go on. */
void reading_note(struct reading *r, enum status st);

/* Read a grid file and what it includes, as new layers; what is wrong in it is
 * noted.  ERR_IO when it cannot be opened. */
enum status reading_file(struct reading *r, const char *path);

/* Let the document own ini and begin its layer. */
void reading_keep_file(struct doc *d, struct ini *ini);

/* The values of an entry, for a key that must exist; the same and merge it. */
enum status reading_value(struct reading *r, struct doc_values *v,
                          const char *key, const struct ini_entry *e,
                          bool axis);
enum status reading_assign(struct reading *r, const char *key,
                           const struct ini_entry *e, enum doc_kind kind);

/* A line of [filter]: one filter more. */
enum status reading_filter(struct reading *r, const struct ini_entry *e);

#endif
