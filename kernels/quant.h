/* quant.h - the quantizer: one abstraction for every method.
 *
 * A quantizer spec is data:
 *
 *   element format x scale format x granularity x range x rounding
 *                  x zero point x transform
 *
 * Order of operations (design decision, each step tested):
 *   1. partition the operand along the axis the GEMM reduces over;
 *   2. range r of each part, by its rule (absmax, a percentile, ..);
 *   3. ideal scale r / Qmax, rounded to the scale's own format first;
 *   4. divide by the rounded scale (a true division), round, saturate;
 *   5. multiply back.
 * A part of zeros has scale 0 and codes 0.
 *
 * Text form, also the canonical one (every field present, in this order):
 *
 *   int4/g32/fp32/absmax/nearest
 *
 * and behind it asym or asymf, hadN, and static, where they are not the usual
 * ones (zero.h, rotate.h, when.h).
 *
 * format (with its values, for a table of codes) or preset (mxfp4, nvint4, ..),
 * then overrides in any order, each a word of one of the tables quant/gran.c,
 * quant/scale.c, quant/range.c, quant/round.c, quant/zero.c, quant/rotate.c and
 * quant/when.c.  A new rule is a row there, with its function; texts, errors,
 * lists and the manual follow.  e8m0 means
 * ceil, which never clips (arXiv 2510.25602 eq. 7-9); e8m0-floor is the OCP
 * rule.  e4m3 has a second, fp32 scale for the whole tensor (NVFP4,
 * 2509.25149). */
#ifndef KERNELS_QUANT_H
#define KERNELS_QUANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "kernels/num.h"
#include "kernels/quant/gran.h"
#include "kernels/quant/range.h"
#include "kernels/quant/rotate.h"
#include "kernels/quant/round.h"
#include "kernels/quant/scale.h"
#include "kernels/quant/when.h"
#include "kernels/quant/zero.h"
#include "kernels/real.h"

struct quant_spec {
    bool on; /* false: "none", the operand is left as it is */
    struct num_format elem;
    const struct quant_scale *scale;
    enum quant_gran gran;
    int group; /* QUANT_GROUP: elements that share a scale; QUANT_TILE: lines
                  and columns that do; else 0 */
    const struct quant_range *range;
    double range_param[QUANT_PARAMS];
    const struct num_rounding *rounding;
    enum quant_zero zero;
    enum quant_transform transform;
    int rotated; /* QUANT_HADAMARD: N */
    enum quant_when when;
};

/* What the base keys of [quant] say; a preset and a modifier override it. */
struct quant_defaults {
    const char *group; /* "32", "row", "tensor" */
    const char *scale, *range, *round;
};

/* What a text says beside the element format, in the order of the canonical
 * text: each a table of rows, of which the first is the usual one. */
enum quant_field {
    QUANT_FIELD_GRAN,
    QUANT_FIELD_SCALE,
    QUANT_FIELD_RANGE,
    QUANT_FIELD_ROUND,
    QUANT_FIELD_ZERO,
    QUANT_FIELD_TRANSFORM,
    QUANT_FIELD_WHEN,
    QUANT_FIELDS
};

#define QUANT_TEXT (NUM_TEXT + QUANT_FIELDS * (QUANT_WORD + 1))

/* What a text itself says; what it does not is open until quant_settle fills it
 * in.  "none" gives spec.on = false.  Errors name the offending part and
 * suggest. */
struct quant_words {
    struct quant_spec spec;
    bool said[QUANT_FIELDS];
};
enum status quant_read(struct quant_words *out, const char *text,
                       struct err *err);
enum status quant_settle(struct quant_spec *out, const struct quant_words *w,
                         const struct quant_defaults *defaults,
                         struct err *err);

/* Are the defaults words of their tables?  Else *wrong is the first that is
 * none. */
enum status quant_check_defaults(enum quant_field *wrong,
                                 const struct quant_defaults *defaults,
                                 struct err *err);

/* All three in one call; a wrong default is told before a wrong text. */
enum status quant_parse(struct quant_spec *out, const char *text,
                        const struct quant_defaults *defaults, struct err *err);

/* The canonical text; two specs with equal numerics print the same. */
const char *quant_print(char buf[QUANT_TEXT], const struct quant_spec *spec);

/* Do two specs say the same, as their canonical texts would show? */
bool quant_equal(const struct quant_spec *a, const struct quant_spec *b);

/* The word of one field of a spec that is on: "g32", "pct:99.9"; brief: with
 * six digits, for labels.  In buf, or a constant. */
const char *quant_print_field(char buf[QUANT_WORD],
                              const struct quant_spec *spec,
                              enum quant_field field, bool brief);

/* Is it the first row of its table, which goes without saying? */
bool quant_is_usual(const struct quant_spec *spec, enum quant_field field);

/* The text without the values of its table, for people; the caller frees. */
char *quant_brief(const char *text);

/* ERR_CONFIG unless a reduction axis of length k can be cut as spec says;
 * what names the operand and layer in the sentence. */
enum status quant_check(const struct quant_spec *spec, int k, const char *what,
                        struct err *err);

/* Stored bits of one element, scales included, for an axis of length k; those
 * of a static spec are stored once for any number of rows, and do not count. */
double quant_bits(const struct quant_spec *spec, int k, int rows);

/* Mean squared error of the whole quantizer, its groups and scales with it, on
 * 2^18 drawn numbers of N(0, 1) in rows of 4096; -10 log10 of it is the ratio
 * of signal to noise in dB. */
double quant_gaussian_mse(const struct quant_spec *spec);

/* The words of a table, for listings; NULL past the end. */
const struct quant_word *quant_word_at(enum quant_field field, int i);

/* The field that the key quant.KEY sets: "group", "scale", "range", "round";
 * QUANT_FIELDS: none. */
enum quant_field quant_field_find(const char *key);

/* The words of a table in one text, which the caller frees: to choose from,
 * "nearest|stochastic"; in a sentence, "absmax, or pct:P, a percentile of the
 * magnitudes". */
char *quant_choices(enum quant_field field);
char *quant_prose(enum quant_field field);

/* How the field is written behind an element format: "[/absmax|/pct:P]",
 * "[/SCALE]".  The caller frees. */
char *quant_syntax(enum quant_field field);

/* The presets, for listings; NULL past the end. */
struct quant_preset {
    const char *name, *text, *source;
};
const struct quant_preset *quant_preset_at(int i);

/* The preset that has this element, group and scale, whatever the range and
 * the rounding; NULL: none. */
const struct quant_preset *quant_preset_of(const struct quant_spec *spec);

/* Along which axis of a row-major [rows, cols] matrix the parts run. */
enum quant_axis { QUANT_ALONG_COLS, QUANT_ALONG_ROWS };

/* Where results go; a NULL pointer is not written.  Parts are numbered along
 * the axis first: for ALONG_COLS part p of row r is scales[r * parts + p], for
 * ALONG_ROWS part p of column c is scales[p * cols + c].  The parts of a static
 * spec span all lines, and are numbered along the axis alone. */
struct quant_io {
    real *value;     /* dequantized, [rows, cols], may be the input itself */
    real *elem;      /* the code as a number, before the scale: less the zero
                        point of asym, before the least number of asymf, and
                        of the rotated operand */
    real *scale;     /* rounded scale of each part */
    uint8_t *inside; /* 1 where the input was not clipped */
    int8_t *code;    /* elem / step_zero, where quant_has_int8 */
    real *zero; /* static: zero point of each part, of asymf its least number */
    /* What an earlier call with a static spec gave for scale and zero: then they
     * are taken, and no ranges.  zero_in: where there are zero points. */
    const real *scale_in, *zero_in;
};

/* Do the elements of a spec, in units of their smallest step, fit int8?  So do
 * intN, e2m1 (x2: up to 12), e2m3 (x8: up to 60) and other small formats. */
bool quant_has_int8(const struct quant_spec *spec);

/* Along columns: does what a row becomes depend on that row alone, and not on
 * the others or its number?  Of a static spec, once its scales are given. */
bool quant_by_rows(const struct quant_spec *spec);

/* Are all values of a spec, scales included, exact in bf16: at most 8
 * significant bits times a power of two? */
bool quant_is_bf16(const struct quant_spec *spec);

/* Is each number rounded by itself, at a scale that quant_io gives: symmetric
 * codes, no transform, and parts along one line? */
bool quant_is_elementwise(const struct quant_spec *spec);

/* Elements that share a scale along an axis of k: the group, else k. */
int quant_part_length(const struct quant_spec *spec, int k);

/* What hadN does before rounding, or takes back: in place; n divides the axis. */
void quant_rotate(real *x, int rows, int cols, enum quant_axis axis, int n,
                  bool back);

/* Number of parts in all: how many scales there are; 0 for a plain cast. */
int quant_parts(const struct quant_spec *spec, int rows, int cols,
                enum quant_axis axis);

/* Bytes of scratch the call below needs. */
size_t quant_work_size(const struct quant_spec *spec, int rows, int cols,
                       enum quant_axis axis);

/* The reference quantizer.  key is the stochastic-rounding stream; element
 * [r, c] draws number r * cols + c.  Returns false when the input holds NaN
 * or an infinity (outputs are then unspecified). */
bool quant_apply_ref(const struct quant_spec *spec, const struct quant_io *out,
                     const real *x, int rows, int cols, enum quant_axis axis,
                     uint64_t key, void *work);

#endif
