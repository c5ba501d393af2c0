/* blame.h - which tensor was the first that is not finite.
 *
 * A run whose loss or gradient is NaN or infinite has diverged, and the next
 * question is where it began.  Operands that are quantized are looked at as
 * they are read (linear.h); here, after the fact and at the price of one pass
 * over what the model keeps, the others. */
#ifndef TRAINER_BLAME_H
#define TRAINER_BLAME_H

#include "trainer/model.h"

/* The first in the order of the forward pass; call it before anything else
 * uses the activations.  The sentence is m->work.bad, which it fills:
 * "the output of fc1 in block 2 is not finite". */
const char *blame_forward(struct model *m);

/* The first in the order of the backward pass, from the head down:
 * "the gradient of fc2 in block 3 is not finite". */
const char *blame_gradient(struct model *m);

#endif
