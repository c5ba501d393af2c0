/* fillers.h - each instruction set's file fills the entries it has (internal
 * to kernels). */
#ifndef KERNELS_FILLERS_H
#define KERNELS_FILLERS_H

#include "kernels/kernels.h"

#define ATTENTION_BLOCK 64 /* queries taken together */
#define ATTENTION_PAD   32 /* the widest panel of any set */
#define STRIP_PAD       16 /* zeros after a row of scores, at most */

void kernels_fill_ref(struct kernels *kn);
void kernels_fill_avx2(struct kernels *kn);
void kernels_fill_avx512(struct kernels *kn);
void kernels_fill_vnni(struct kernels *kn); /* integer products only */
void kernels_fill_bf16(struct kernels *kn); /* bf16 products only */

#endif
