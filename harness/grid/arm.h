/* arm.h - what a configuration quantizes, as columns to group by.
 *
 * A post-training run is described by what is done after training; its text
 * says how it was trained before, where that was quantized, too:
 * "PTQ int3 W g32 gptq", "int4 W+A g32, PTQ int3 W g32 rtn".
 *
 * Layers may differ, so each operand is described by the quantizer that most
 * weights of the blocks see; where some see another, the overrides are named
 * in the text. */
#ifndef HARNESS_GRID_ARM_H
#define HARNESS_GRID_ARM_H

#include <stdbool.h>

#include "base/str.h"
#include "trainer/config.h"

struct arm {
    struct quant_spec spec[OPERAND_COUNT]; /* on = false: left as it is */
    int lead; /* the operand that stands for all: w, else x, ..; -1: none */
    /* Elements that share a scale under the lead: the group; per row the
     * input width, averaged over the weights; NaN per tensor or for none. */
    double group;
};

void arm_read(struct arm *out, const struct config *c);

/* "group", "row", "tensor"; NULL when nothing is scaled. */
const char *arm_gran(const struct arm *a);

/* "int4 W+A g32", "W:int4+A:int8 g32", "unquantized"; the caller frees it.
 * presets: "mxfp4 W+A" where that is what "e2m1 W+A g32 e8m0" says. */
char *arm_text(const struct config *c, bool presets);

/* Append the words for the group and the scale: " g32 e8m0". */
void arm_add_parts(struct str *s, const struct quant_spec *lead);

/* An arm without the word that says its group, which tells arms of one family
 * apart: "int4 W+A"; of a preset the same as of what it stands for, so that
 * mxfp4 is of one family with its neighbours in other groups: "e2m1 W+A e8m0"
 * (arm_family.c).  What was rounded after training is of one family where that
 * alone differs in its group: "int4 W g32, PTQ e2m1 W e8m0 rtn".  The caller
 * frees it. */
char *arm_family(const char *arm);

/* The families of n arms.  One whose rows are all of one preset is called by
 * it: "mxfp4 W+A".  The caller frees the texts and the list. */
char **arm_families(const char *const *arm, size_t n);

/* Is something else quantized, but no weights?  SQL on the table point p, of
 * what its columns describe. */
#define ARM_NO_WEIGHTS_SQL                                                     \
    "(SELECT coalesce(max(k.key IN ('x', 'dy_d', 'dy_g')) AND NOT "            \
    "max(k.key = 'w'), 0) FROM json_each(p.config, CASE WHEN "                 \
    "json_type(p.config, '$.post') IS NULL THEN '$.quant' ELSE '$.post' "      \
    "END) k)"

/* What is quantized in a word to group by, SQL on the table point p: formats
 * of weights, "/" activations, "//" gradients; "int4", "int4/int8", and "/int4"
 * where activations alone are. */
#define ARM_QUANT_SQL                                                          \
    "CASE WHEN " ARM_NO_WEIGHTS_SQL " THEN '' ELSE p.fmt END || "              \
    "coalesce('/' || p.act_fmt, '') || coalesce('//' || p.grad_fmt, '')"

#endif
