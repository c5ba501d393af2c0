/* num_table.h - element formats that are a list of values (num.h).
 *
 * What QLoRA calls NF4 is such a list (arXiv 2305.14314, appendix E); so are
 * posits and logarithmic formats of up to eight bits.  Between two values the
 * nearer is taken, half way the one whose code is even. */
#ifndef KERNELS_QUANT_NUM_TABLE_H
#define KERNELS_QUANT_NUM_TABLE_H

#include "kernels/num.h"

/* Is it NAME:V:...?  (e4m3:ieee is not.) */
bool num_is_table(const char *text);

/* ERR_CONFIG, with what is wrong, unless the name is free and the values are 2
 * to 256 finite numbers, each above the one before, not all zero. */
enum status num_table_read(struct num_format *out, const char *text,
                           struct err *err);

float num_table_round(const struct num_format *f, float x,
                      const struct num_rounding *mode, float u);
uint32_t num_table_code(const struct num_format *f, float value);

/* Not clipped: |x - centre| < limit, half a step beyond the last values. */
void num_table_span(float *centre, float *limit, const struct num_format *f);

#endif
