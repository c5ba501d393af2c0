/* findings.h - what the finished runs of a grid say of its formats, before
 * anybody words it: what each arm costs, which formats differ, and how the cost
 * moves with group size, parameters and tokens.
 *
 * Every interval is that of cells.h.  Contrasts between families are tested
 * together (Holm 1979 at 5 %), and their intervals hold together (Bonferroni);
 * each of the others holds by itself. */
#ifndef HARNESS_STUDY_FINDINGS_H
#define HARNESS_STUDY_FINDINGS_H

#include "harness/study/measured.h"

struct finding_cost { /* of an arm */
    int arm, family;
    struct cells_mean cost;
};

struct finding_contrast { /* b costs more than a by c.diff */
    int a, b;             /* families */
    struct measured_contrast c;
    double lo, hi; /* 95 % for all contrasts together */
    double within; /* the same to within this many nats, at 95 % by itself */
    bool told;     /* beyond chance after Holm */
};

struct finding_effect {
    char variable;            /* G, N or D */
    struct measured_effect e; /* e.change.diff.cells = 0: no pair */
};

#define FINDING_EFFECTS 3

struct findings {
    const char **families; /* in the order of the arms; texts of measured */
    int n_families;
    struct finding_cost *costs; /* of arms that have one, in order */
    int n_costs;
    struct finding_contrast *contrasts; /* that have an interval; those told
                                           first, then by their size in
                                           standard errors */
    int n_contrasts, n_told;
    bool against_best; /* too many families: each against the cheapest alone */
    struct finding_effect effects[FINDING_EFFECTS]; /* of G, N and D */
};

void findings_make(struct findings *out, const struct measured *m);

/* How many costs have their error from there. */
int findings_errors(const struct findings *f, enum cells_error error);
void findings_release(struct findings *f);

#endif
