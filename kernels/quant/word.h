/* word.h - what the rows of the quantizer's tables have in common: a word, the
 * numbers it takes, and what it means.
 *
 * A row without parameters is written as its name ("row", "e8m0", "nearest"),
 * one with parameters as its name and, for each of them, what stands before
 * the number and the number: "g" "" 32, "pct" ":" 99.9. */
#ifndef KERNELS_QUANT_WORD_H
#define KERNELS_QUANT_WORD_H

#include <stdbool.h>

#include "base/str.h"

#define QUANT_PARAMS 2  /* of one row, at most */
#define QUANT_WORD   64 /* bytes of a word with its numbers */

struct quant_param {
    const char *before; /* NULL: the row has no more parameters */
    const char *letter; /* stands for the number in forms: "pct:P" */
    double least, most;
    bool open;  /* least itself is too little */
    bool whole; /* plain digits; else what text_read_number takes */
};

struct quant_word {
    const char *name;
    const char *help;    /* what it means, a line for the manual */
    const char *spelled; /* what to write where the word stands alone; NULL:
                            its form and the bounds of its numbers */
    struct quant_param param[QUANT_PARAMS];
};

/* Is text this word with numbers within their bounds?  Then they are in param,
 * 0 for those that the word does not take. */
bool quant_word_read(double param[QUANT_PARAMS], const struct quant_word *w,
                     const char *text);

/* The same of what follows the name. */
bool quant_params_read(double param[QUANT_PARAMS], const struct quant_word *w,
                       const char *text);

/* The text that reads back as w with these numbers, of 16 characters at most;
 * brief: of six digits, for labels.  In buf, or the name itself. */
const char *quant_word_print(char buf[QUANT_WORD], const struct quant_word *w,
                             const double *param, bool brief);

/* Append "pct:P"; and what may stand alone: "pct:P with 0 < P <= 100". */
void quant_word_form(struct str *out, const struct quant_word *w);
void quant_word_spell(struct str *out, const struct quant_word *w);

#endif
