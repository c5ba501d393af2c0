/* err.h - failure is a value with a sentence.
 *
 * A function that can fail returns an enum status and, when it is not OK, has
 * written one sentence into the caller's struct err.  The sentence is written
 * where the facts are known, passed up unchanged, and printed once, by main,
 * whose exit code comes from the status. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

/* STATUS(name, exit code, meaning).  The exit codes are the public contract of
 * qlaw(1); 64, 65 and 80 are spoken by trainers only.  75 asks to be run again at
 * once, so nothing that will fail again may end with it. */
#define STATUS_LIST(STATUS)                                                    \
    STATUS(OK, 0, "everything asked for is done")                              \
    STATUS(ERR_RUNS, 1, "finished, but some runs failed or diverged")          \
    STATUS(ERR_USAGE, 2, "usage error")                                        \
    STATUS(ERR_CONFIG, 3, "a grid or configuration file is wrong")             \
    STATUS(ERR_TOOL, 4, "a needed program or CPU feature is missing")          \
    STATUS(ERR_DB, 5, "database busy, damaged, foreign or newer")              \
    STATUS(ERR_REFUSED, 6, "refused: over budget, dirty tree, breaker")        \
    STATUS(ERR_IO, 7, "input/output or network")                               \
    STATUS(ERR_FIT, 8, "fit did not converge or law not identifiable")         \
    STATUS(ERR_NOMEM, 9, "out of memory")                                      \
    STATUS(ERR_UNSUPPORTED, 64, "trainer: configuration not supported")        \
    STATUS(ERR_DIVERGED, 65, "trainer: the run diverged")                      \
    STATUS(ERR_STOPPED, 75, "stopped early, everything saved, run again")      \
    STATUS(ERR_BUSY, 80, "trainer: another process trains in its folder")

enum status {
#define STATUS_ENUM(name, code, text) name,
    STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
};

struct err {
    enum status status;
    int column;      /* of the place in the text that was read, from 1; 0 */
    char about[128]; /* the keys it is about, the one to look at first, with
                        blanks between; "" */
    char text[4096]; /* cut, never overflowed */
};

/* Record a failure: printf-style sentence without a trailing newline.
 * Returns status, so that `return err_set(...)` reads as one step.  err may be
 * NULL when the caller does not want the sentence. */
enum status err_set(struct err *err, enum status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Say of the failure that err holds which keys it is about, or at which column
 * of the text that was read it is; returns its status.  Whoever knows where
 * those stand puts the place before the sentence. */
enum status err_about(struct err *err, enum status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
enum status err_at_column(struct err *err, enum status status, int column);

/* The same as err_set, with strerror(errno) appended after ": ". */
enum status err_errno(struct err *err, enum status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Put a prefix ("file:line: ") before the sentence already in err. */
void err_prefix(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Put words behind it. */
void err_append(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

int err_exit_code(enum status status);

#endif
