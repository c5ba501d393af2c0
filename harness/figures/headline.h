/* headline.h - what a figure finds, in the length of a title.
 *
 * A row for each figure that has such a sentence; the others keep their names
 * for titles.  Nothing is claimed that an interval does not hold: where these
 * runs cannot tell, that is the finding. */
#ifndef HARNESS_FIGURES_HEADLINE_H
#define HARNESS_FIGURES_HEADLINE_H

#include "harness/figures/plot.h"

/* Characters of the longest headline. */
#define HEADLINE_LENGTH 70

/* Set p->headline for the figure, drawn of d as chosen (NULL: by itself).
 * Choices that show a part of the grid leave the name: findings are of all. */
void headline_set(struct picture *p, const char *figure, struct plot_data *d,
                  const struct plot_choice *choice);

#endif
