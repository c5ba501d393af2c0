/* small.h - a tiny configuration on a deterministic text, for tests. */
#ifndef TESTS_TRAINER_SMALL_H
#define TESTS_TRAINER_SMALL_H

#include "trainer/config.h"
#include "trainer/run.h"

/* A folder with text.txt in it: an order-1 source over 20 letters, so that
 * there is something to learn.  small_folder_free removes it. */
char *small_folder(void);
void small_folder_free(char *dir);

/* Such a folder for all tests of a program: its group's set-up and tear-down. */
extern char *small_dir;
int small_set_up(void **state);
int small_tear_down(void **state);

/* 2 layers of width 32 in contexts of 16, batches of 4; sets are "key=value"
 * texts ended by NULL.  Resolved; the caller frees it. */
struct config *small_config(const char *dir, ...) __attribute__((sentinel));

/* A run with its lines collected; stop_after 0 runs to the end; ckpt may be
 * NULL.  The caller frees *lines (may be NULL). */
enum status small_run(struct run_result *out, char **lines,
                      const struct config *c, uint64_t seed, const char *ckpt,
                      int64_t stop_after, const char *isa);

/* The lines without their clocks: "wall_s" and "tok_per_s" cut out. */
char *small_without_clock(const char *lines);

#endif
