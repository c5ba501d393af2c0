/* grid_help.h - grids from text, in a folder that goes away. */
#ifndef TESTS_HARNESS_GRID_HELP_H
#define TESTS_HARNESS_GRID_HELP_H

#include "harness/grid/grid.h"

/* cmocka group set-up and tear-down: a temporary folder, GRID_DIR. */
int grid_dir_make(void **state);
int grid_dir_remove(void **state);

/* A path in it, valid until the next call; a file of it with this text. */
const char *grid_path(const char *name);
void grid_write(const char *name, const char *text);

/* Load text as the file grid.ini; a [data] section that names a small corpus
 * is added at its end. */
enum status grid_from(struct grid **out, const char *text,
                      const struct grid_options *options, struct err *err);

/* The same for a text that must be right, with -s arguments (NULL ends). */
struct grid *grid_of(const char *text, ...) __attribute__((sentinel));

/* How many points have key = value (canonical text). */
int grid_count(const struct grid *g, const char *key, const char *value);

#endif
