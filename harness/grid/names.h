/* names.h - between grid/names.c and grid/expr.c: what a name is. */
#ifndef HARNESS_GRID_NAMES_H
#define HARNESS_GRID_NAMES_H

#include "harness/grid/expr.h"

/* Larger than any group that a number could say. */
#define GROUP_ROW    1e15
#define GROUP_TENSOR 2e15

enum slot_kind {
    SLOT_COMPUTED, /* index: row of computed[] */
    SLOT_SCRATCH,  /* index: number of the scratch key */
    SLOT_NUMBER,   /* the keys of a configuration */
    SLOT_BOOL,
    SLOT_WORD,
    SLOT_QUANT,
    SLOT_GROUP,
};

struct slot {
    enum slot_kind kind;
    int index;
    char *key;           /* of a configuration */
    const char *instead; /* where an override that is not set looks */
};

struct names {
    const struct doc *doc; /* its formats are words */
    struct slot *slots;
    int n_slots;
    char **scratch;
    int n_scratch;
    char **words; /* a word's value is its place */
    int n_words;
    char hint[64]; /* the last suggestion */
};

/* Which keys a computed name depends on. */
enum { ON_MODEL = 1, ON_TOKENS = 2, ON_QUANT = 4 };

enum computed_id {
    C_N,
    C_BODY,
    C_EMBED,
    C_HEAD,
    C_OTHER,
    C_TOTAL,
    C_D,
    C_STEPS,
    C_FLOPS,
    C_MEM,
    C_BITS,
    C_EXP,
    C_MAN,
    C_GMSE
};

struct computed_name {
    const char *name;
    unsigned on;
};
extern const struct computed_name computed_names[];
extern const int n_computed_names;

/* The number that stands for a word. */
double names_word(struct names *n, const char *word);

bool names_find(void *ctx, const char *name, struct expr_symbol *out);
const char *names_nearest(void *ctx, const char *name);

#endif
