/* selector.h - which layers a [quant "SELECTOR"] section means.
 *
 *   KIND            a row of layers.h, of every block, or head
 *   BLOCKS          3, 0-3, first:2, last:1
 *   BLOCKS.KIND     0-3.fc2, last:1.qkv */
#ifndef TRAINER_SELECTOR_H
#define TRAINER_SELECTOR_H

#include <stdbool.h>

#include "base/err.h"
#include "trainer/layers.h"

/* Is text a selector?  Otherwise err explains. */
bool selector_check(const char *text, struct err *err);

/* Does a (checked) selector mean this layer?  layer is ignored for the head,
 * which only "head" selects. */
bool selector_matches(const char *text, int layer, int n_layer,
                      enum layer_kind kind);

#endif
