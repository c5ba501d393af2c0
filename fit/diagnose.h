/* diagnose.h - what a reader of a fit must be told.
 *
 * Each warning has a rule that can be stated in one sentence, and a test in
 * both directions. */
#ifndef FIT_DIAGNOSE_H
#define FIT_DIAGNOSE_H

#include "fit/fit.h"

/* Cluster of each row: the values of a column, or the word "config" for rows
 * that agree in every variable. */
enum status diagnose_clusters(struct fit *f, const struct table *t,
                              const char *cluster, struct err *err);

/* Convergence, bounds, flat directions, degrees of freedom. */
void diagnose_minimum(struct fit *f);

/* Minima of other constants within the noise; f->rival says which constants
 * they move. */
void diagnose_rivals(struct fit *f);

/* Does coordinate c take part in a direction that the data do not see? */
bool diagnose_is_flat(const struct fit *f, int c);

/* Lack of fit that shows without replicates: residuals that squares and
 * products of the log variables explain. */
void diagnose_pattern(struct fit *f);

/* Rows: left out, replicates against lack of fit, outliers, clusters. */
void diagnose_rows(struct fit *f, const struct table *t,
                   const struct fit_spec *spec);

/* Rows that err together: the one column whose values make residuals alike and
 * that matters most; copies. */
void diagnose_alike(struct fit *f, const struct table *t,
                    const struct fit_spec *spec);

/* Columns called like constants, and settings that the law does not know. */
void diagnose_names(struct fit *f, const struct table *t);
void diagnose_pooled(struct fit *f, const struct table *t);

#endif
