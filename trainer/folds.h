/* folds.h - rewrites that leave the function of a model as it is, by name: the
 * text of post.fold, "norm+plant:weight:20". */
#ifndef TRAINER_FOLDS_H
#define TRAINER_FOLDS_H

#include "base/err.h"

enum fold_kind {
#define FOLD(name, word, letter, help, source) FOLD_##name,
#include "trainer/folds.def"
#undef FOLD
    FOLD_KINDS
};

struct fold {
    enum fold_kind kind;
    double x; /* its number; 0: it takes none */
};

#define FOLDS_MOST 8

struct fold_row {
    const char *word, *letter, *help, *source;
};
extern const struct fold_row fold_rows[FOLD_KINDS];

/* The folds of a text in their order, n of them, FOLDS_MOST at most.  ERR_CONFIG
 * names the word that is none. */
enum status folds_read(struct fold list[FOLDS_MOST], int *n, const char *text,
                       struct err *err);

#endif
