/* fields.h - what a spec says beside its element format: a table of tables
 * (internal to kernels/quant). */
#ifndef KERNELS_QUANT_FIELDS_H
#define KERNELS_QUANT_FIELDS_H

#include "kernels/quant.h"

struct quant_field_row {
    const char *key;      /* of [quant] */
    const char *noun;     /* what errors call a word of it */
    const char *kind;     /* stands for its words where they are too many to
                             list: "scale format"; NULL: they are listed */
    const char *symbol;   /* the same in the syntax: "SCALE" */
    const char *fallback; /* where neither the text nor its key says a word */
    bool silent;          /* the usual word is not written */
    const char *cast;     /* of a plain cast, whose text leaves the field out;
                             NULL: it means something there too */
    /* False, and s as it was, where text is no word of this table. */
    bool (*read)(struct quant_spec *s, const char *text);
    /* The row of s: its number, and its parameters. */
    int (*row)(const struct quant_spec *s, double param[QUANT_PARAMS]);
    const struct quant_word *(*at)(int i); /* NULL past the end */
};

extern const struct quant_field_row quant_fields[QUANT_FIELDS];

#endif
