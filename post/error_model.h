/* error_model.h - what quantizing a block costs, from its crest factor alone
 * (arXiv 2510.25602, theorems 1 and 2).
 *
 * kappa = largest magnitude / root mean square of a block; rho = its scale over
 * the ideal one, absmax / largest code.  Of integers the error is uniform within
 * a step; of floating-point numbers it is relative where they are normal, that of
 * a step below, and the number itself where it is flushed to zero, with shares as
 * of normal numbers.  With an e4m3 scale the largest of a block of g is exact. */
#ifndef POST_ERROR_MODEL_H
#define POST_ERROR_MODEL_H

#include <stdbool.h>

#include "kernels/quant.h"

/* Does the model know the format: integers and floating-point numbers with
 * subnormals, scaled by groups? */
bool error_model_knows(const struct quant_spec *s);

/* Signal to noise in dB.  published: with 2^(bits - 1) for an integer's largest
 * code, as the paper writes it; else with the code itself. */
double error_model_db(const struct quant_spec *s, double kappa, double rho,
                      bool published);

/* What its scales are over the ideal ones on the average, as the paper has it:
 * 1.5 for powers of two that round up, else 1.05. */
double error_model_rho(const struct quant_spec *s);

/* The largest crest factor up to which integer `a` is better than `b`; NaN where
 * they do not cross. */
double error_model_crossover(const struct quant_spec *a,
                             const struct quant_spec *b, double rho,
                             bool published);

#endif
