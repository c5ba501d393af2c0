/* selector.h - which layers a [quant "SELECTOR"] section means.
 *
 *   KIND            qkv, o, fc1, fc2 of every block, or head
 *   BLOCKS          3, 0-3, first:2, last:1
 *   BLOCKS.KIND     0-3.fc2, last:1.qkv */
#ifndef TRAINER_SELECTOR_H
#define TRAINER_SELECTOR_H

#include <stdbool.h>

#include "base/err.h"

/* The layer kinds, in the order of a block. */
enum layer_kind { LAYER_QKV, LAYER_O, LAYER_FC1, LAYER_FC2, LAYER_HEAD,
                  LAYER_KINDS };
extern const char *const layer_kinds[LAYER_KINDS];

/* Is text a selector?  Otherwise err explains. */
bool selector_check(const char *text, struct err *err);

/* Does a (checked) selector mean this layer?  layer is ignored for the head,
 * which only "head" selects. */
bool selector_matches(const char *text, int layer, int n_layer,
                      enum layer_kind kind);

#endif
