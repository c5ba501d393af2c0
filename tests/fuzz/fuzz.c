#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"

size_t fuzz_pick(struct fuzz *f, size_t n)
{
    return n ? (size_t)rng_below(f->key, f->i++, n) : 0;
}

double fuzz_number(struct fuzz *f)
{
    static const double odd[] = { 0, 1,      -1,    0.5,  2,
                                  3, 1e-300, 1e300, 1e17, -7.25 };
    const size_t which = fuzz_pick(f, 16);

    if (which < sizeof odd / sizeof odd[0])
        return odd[which];
    return (double)(int64_t)fuzz_pick(f, 20001) / 16 - 625;
}

static void mutate(struct str *text, struct fuzz *f)
{
    const size_t at = fuzz_pick(f, text->len + 1);
    const size_t rest = text->len - at, n = 1 + fuzz_pick(f, 12);
    const size_t piece = n < rest ? n : rest;
    const char *from = str_text(text) + at;
    struct str out = { 0 };

    str_add_n(&out, str_text(text), at);
    switch (fuzz_pick(f, 4)) {
    case 0: /* a word in between */
        str_add(&out, f->words[fuzz_pick(f, f->n_words)]);
        str_add_n(&out, from, rest);
        break;
    case 1: /* a piece missing */
        str_add_n(&out, from + piece, rest - piece);
        break;
    case 2: /* another byte */
        str_add_char(&out, (char)fuzz_pick(f, 256));
        str_add_n(&out, from + (rest > 0), rest - (rest > 0));
        break;
    default: /* a piece twice */
        str_add_n(&out, from, piece);
        str_add_n(&out, from, rest);
    }
    str_release(text);
    *text = out;
}

void fuzz_text(struct str *out, struct fuzz *f)
{
    for (size_t i = fuzz_pick(f, 4) ? 1 : 3; i > 0; i--) {
        const char *seed = f->seeds[fuzz_pick(f, f->n_seeds)];
        const size_t len = strlen(seed);
        const size_t a = fuzz_pick(f, 3) ? 0 : fuzz_pick(f, len + 1);

        str_add_n(out, seed + a, len - a);
    }
    for (size_t i = fuzz_pick(f, 8); i > 0; i--)
        mutate(out, f);
}

void fuzz_bytes(unsigned char *bytes, size_t size, struct fuzz *f)
{
    for (size_t i = 1 + fuzz_pick(f, 4); i > 0 && size > 0; i--) {
        const size_t at = fuzz_pick(f, size);

        switch (fuzz_pick(f, 3)) {
        case 0:
            bytes[at] ^= (unsigned char)(1u << fuzz_pick(f, 8));
            break;
        case 1:
            bytes[at] = (unsigned char)fuzz_pick(f, 256);
            break;
        default:
            bytes[at] = fuzz_pick(f, 2) ? 0xff : 0;
        }
    }
}

char *fuzz_exact(const char *text, size_t n)
{
    char *copy = malloc(n ? n : 1);

    if (!copy)
        abort();
    memcpy(copy, text, n);
    return copy;
}

void fuzz_fail(const char *what, const char *input, size_t n)
{
    fprintf(stderr, "%s\n---\n%.*s\n---\n", what, (int)n, input);
    exit(1);
}

int fuzz_main(int argc, char **argv, struct fuzz *f, const char *what,
              void (*one)(struct fuzz *f, void *ctx), void *ctx)
{
    const double seconds = argc > 1 ? atof(argv[1]) : 2;
    const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    const double start = clock_monotonic();
    long n = 0;

    f->key = rng_key(seed, RNG_TEST, 0);
    for (; clock_monotonic() - start < seconds; n++)
        one(f, ctx);
    printf("%ld %s from seed %llu in %.0f s\n", n, what,
           (unsigned long long)seed, seconds);
    return 0;
}
