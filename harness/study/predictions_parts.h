/* predictions_parts.h - between predictions.c, which collects answers, and
 * predictions_text.c, which writes them. */
#ifndef HARNESS_STUDY_PREDICTIONS_PARTS_H
#define HARNESS_STUDY_PREDICTIONS_PARTS_H

#include "harness/study/predictions.h"

#define BANDS 4 /* limits of the law's band and of a run's */

struct missing {
    size_t i;
    char *why;
};

struct predictions {
    const struct settings *s;
    const struct model *m;
    const char *what;
    enum predictions_format format;
    char **head;    /* [columns] */
    bool *is_words; /* [columns]: of the setting, and not all numbers */
    int columns, settings, terms; /* of the setting; of the law */
    char **cells;                 /* row after row */
    size_t n, cap;
    size_t *at; /* combination of each row */
    struct missing *missing;
    int n_missing;
    double most_beyond;
    char *beyond_what; /* of the furthest */
    bool has_interval;
};

/* Which setting it was: "line 7" or "N=1G, D=0". */
void predictions_name(struct str *out, const struct predictions *p, size_t i);

#endif
