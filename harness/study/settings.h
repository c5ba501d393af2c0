/* settings.h - the settings that a law is asked at: every combination of the
 * lists NAME=VALUE,VALUE, in each row of a table.
 *
 * Commas part values, always: N=7,000,000 is refused, as its zeros have to be
 * a mistake.  A row of the table gives what the law asks for; its other columns
 * are carried along.  Rows keep their order, and the last list runs fastest. */
#ifndef HARNESS_STUDY_SETTINGS_H
#define HARNESS_STUDY_SETTINGS_H

#include <stdint.h>

#include "base/texts.h"
#include "fit/model.h"
#include "fit/table.h"

struct setting_list {
    char *name;
    char **value;
    int n;
};

struct settings {
    struct setting_list *lists;
    int n_lists;
    struct table *table; /* NULL: the lists alone */
    bool *asked;         /* [table->n_cols] the law asks for it */
    size_t count;        /* combinations */
};

/* Where settings come from. */
struct settings_source {
    char *const *texts; /* n of NAME=VALUE,... */
    int n;
    const char *at; /* a table, "-" for standard input; NULL: none */
    const struct texts
        *map; /* names that its columns get where they are there */
};

/* needs names one more setting than those of m ("C"), or is NULL. */
enum status settings_read(struct settings *s,
                          const struct settings_source *from,
                          const struct model *m, const char *needs,
                          struct err *err);
void settings_release(struct settings *s);

/* ERR_USAGE where no combination has a value for something that the law cannot
 * do without. */
enum status settings_complete(const struct settings *s, const struct model *m,
                              struct err *err);

/* The row of the table and the value of each list that make combination i. */
size_t settings_row(const struct settings *s, size_t i);
const char *settings_value(const struct settings *s, size_t i, int list);

/* Combination i as NAME=VALUE for predict.h, or NULL with *why, which the
 * caller frees, where a cell is none.  The caller frees the list of *n texts. */
char **settings_at(int *n, char **why, const struct settings *s,
                   const struct model *m, size_t i);
void settings_free(char **texts, int n);

#endif
