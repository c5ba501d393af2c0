/* check.h - comparisons that print both values and fail on NaN.
 *
 * cmocka 1.1.5's float assertion narrows to float and accepts NaN. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* After the four that it leans on. */
#include <cmocka.h>

/* |got - want| <= tolerance. */
#define check_close(got, want, tolerance)                                      \
    check_close_at((got), (want), (tolerance), #got, __FILE__, __LINE__)

/* |got - want| <= tolerance * |want|. */
#define check_relative(got, want, tolerance)                                   \
    check_close_at((got), (want), (tolerance)*fabs((double)(want)), #got,      \
                   __FILE__, __LINE__)

#define check_ok(status, err)                                                  \
    check_ok_at((status), &(err), #status, __FILE__, __LINE__)

/* The sentence must contain text. */
#define check_says(err, text) check_says_at(&(err), (text), __FILE__, __LINE__)

struct err;
void check_close_at(double got, double want, double tolerance, const char *what,
                    const char *file, int line);
void check_ok_at(int status, const struct err *err, const char *what,
                 const char *file, int line);
void check_says_at(const struct err *err, const char *text, const char *file,
                   int line);

/* Has long double more digits than double, as a judge of doubles must?  Not
 * under valgrind, which computes with 53 bits whatever the type. */
bool check_long_double(void);

/* Skip the calling test loudly when it has not. */
#define check_need_long_double()                                               \
    do {                                                                       \
        if (!check_long_double()) {                                            \
            print_message("SKIPPED: %s needs a long double of more digits\n",  \
                          __func__);                                           \
            skip();                                                            \
        }                                                                      \
    } while (0)

/* Folder of shared data ("../shared" of the checkout, from QLAW_SHARED), or
 * NULL; a test that wants it then calls skip() after saying so. */
const char *check_shared(void);

/* Skip the calling test loudly when the shared data are absent. */
#define check_need_shared()                                                    \
    do {                                                                       \
        if (!check_shared()) {                                                 \
            print_message("SKIPPED: %s needs QLAW_SHARED\n", __func__);        \
            skip();                                                            \
        }                                                                      \
    } while (0)

#endif
