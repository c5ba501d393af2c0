/* counts.h - what a trainer says it counted, against what was planned.
 *
 * N in its four conventions and the training FLOPs are variables of the laws.
 * A plan derives them from the configuration as our own trainer builds it; a
 * trainer of a user's own may build something else, so it reports them in its
 * final record, and what it reports is what the database keeps. */
#ifndef HARNESS_PROTO_COUNTS_H
#define HARNESS_PROTO_COUNTS_H

#include "harness/proto/metrics_line.h"
#include "trainer/size.h"

/* FLOPs that differ by more than this from 6 N D as planned are suspicious:
 * forward alone is a third of it, recomputed activations add a third. */
#define COUNTS_FLOPS_FACTOR 2.5

/* A sentence on every count that was reported and differs; false: none does. */
bool counts_differ(char *out, size_t size, const struct metrics_line *final,
                   const struct model_size *planned);

#endif
