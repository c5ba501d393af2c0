/* fuzz.h - what the fuzzers share: texts mixed from pieces, and the clock.
 *
 * A driver is a function that is given one input and ends the program (a
 * sanitizer, fuzz_fail) when something is wrong.  Everything is drawn from the
 * seed that is printed:
 *
 *   fuzz_X [SECONDS [SEED]]
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct fuzz {
    uint64_t key, i;          /* of the random numbers */
    const char *const *seeds; /* whole inputs, right and wrong */
    size_t n_seeds;
    const char *const *words; /* pieces to put in between */
    size_t n_words;
};

size_t fuzz_pick(struct fuzz *f, size_t n); /* 0 .. n-1 */
double fuzz_number(struct fuzz *f);         /* of any size and sign */

/* A seed, or stretches of several, with some changes of bytes and words. */
void fuzz_text(struct str *out, struct fuzz *f);

/* Change size bytes in place a little, without changing how many they are. */
void fuzz_bytes(unsigned char *bytes, size_t size, struct fuzz *f);

/* A copy that ends where its memory ends, so that reading on is noticed. */
char *fuzz_exact(const char *text, size_t n);

/* Say what is wrong with an input, and end. */
void fuzz_fail(const char *what, const char *input, size_t n)
    __attribute__((noreturn));

/* Call one(f, ctx) until the time is over; what names the inputs. */
int fuzz_main(int argc, char **argv, struct fuzz *f, const char *what,
              void (*one)(struct fuzz *f, void *ctx), void *ctx);

#endif
