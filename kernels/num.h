/* num.h - element number formats.
 *
 * A format is fully described by its kind, its exponent and mantissa widths,
 * its bias and its largest finite magnitude; one rounding function serves all
 * of them.  Well-known formats are rows; any intN (2 <= N <= 8) and any eXmY
 * (X + Y <= 15) is built by num_find from its name.
 *
 *   intN    codes -2^(N-1) .. 2^(N-1)-1; the scale uses 2^(N-1)-1
 *   intNn   codes -(2^(N-1)-1) .. 2^(N-1)-1 ("narrow", symmetric)
 *   eXmY    sign, X exponent and Y mantissa bits, bias 2^(X-1)-1 (1 for X = 1),
 *           subnormals, every code finite (arXiv 2501.02423: Inf/NaN codes
 *           reused)
 *   e0mY    sign and Y bits of fixed point: (2^Y-1) steps of equal size
 *   e4m3    OCP OFP8: 448 is the largest (S.1111.111 is NaN)
 *   e5m2    OCP OFP8: as IEEE 754, 57344 is the largest
 *   fp16, bf16: IEEE half, bfloat16 (not scaled by default)
 *   :ieee after an eXmY keeps its top exponent for Inf/NaN, :finite uses every
 *   code, :nosub has no subnormals.
 *
 *   NAME:V:V:...  a table of codes that a user made: 2 to 256 numbers, sorted,
 *   the codes in this order (nf4:-1:-0.6961928:...:1).  The largest magnitude
 *   is what the scale aims at.
 *
 * A format with 8 or more exponent bits, fp16 and bf16 span what tensors span,
 * so their scale is 1: a plain cast. */
#ifndef KERNELS_NUM_H
#define KERNELS_NUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "kernels/quant/round.h"

enum num_kind { NUM_INT, NUM_FLOAT, NUM_TABLE };

#define NUM_NAME   24
#define NUM_VALUES 256                          /* of a table, at most */
#define NUM_TEXT   (NUM_NAME + 16 * NUM_VALUES) /* a table, written out */

struct num_table {
    int n;
    float values[NUM_VALUES];
    float edge[NUM_VALUES]; /* [i]: the least number that rounds to i + 1 */
};

struct num_format {
    char name[NUM_NAME];
    enum num_kind kind;
    int exp_bits, man_bits, bias;
    int emin; /* exponent of the smallest normal, float's own at most */
    bool subnormals;
    float max;       /* largest magnitude the scale aims at ("Qmax") */
    float min_code;  /* most negative code: -max, or -max-1 for intN */
    float step_zero; /* distance from 0 to the smallest positive value */
    int bits;        /* storage of one element */
    bool scaled;     /* false: the scale is 1, a plain cast */
    const char *source;
    /* NUM_TABLE: exp_bits is 0, man_bits bits - 1, as for integers.  Tables
     * live as long as the program, and equal ones are one. */
    const struct num_table *table;
};

/* The i-th named row, for listings; false past the end. */
bool num_at(struct num_format *out, int i);

/* Fill out from a name as above.  ERR_CONFIG with a suggestion otherwise. */
enum status num_find(struct num_format *out, const char *name, struct err *err);

/* The text that num_find reads: the name, with its values for a table. */
const char *num_print(char buf[NUM_TEXT], const struct num_format *f);

/* Round x to a value of f as mode says; u in [0, 1) is read only where mode
 * draws.  Codes of a table count from 0.  Values beyond the range saturate,
 * infinities too; NaN stays NaN.  This scalar function is the definition of
 * every format. */
float num_round(const struct num_format *f, float x,
                const struct num_rounding *mode, float u);

/* The bit pattern of a value of f (sign, exponent, mantissa; two's complement
 * for integers) and back. */
uint32_t num_encode(const struct num_format *f, float value);
float num_decode(const struct num_format *f, uint32_t code);

/* Mean squared error of the format on a unit Gaussian at its best scale,
 * computed by quadrature (arXiv 2506.01863, GMSE). */
double num_gaussian_mse(const struct num_format *f);

#endif
