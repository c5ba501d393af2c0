/* qsnr.h - how much of each operand of a trained model a format keeps: crest
 * factors and ratios of signal to quantization noise (QSNR), measured, and as the
 * error model says (error_model.h).
 *
 * The model is the trained one without quantizers; its operands are those of
 * training steps on sequences of the training set, each cut along the axis that
 * its product reduces over. */
#ifndef POST_QSNR_H
#define POST_QSNR_H

#include "trainer/config.h"
#include "trainer/run.h"

#define QSNR_CUTS 3 /* whole lines, groups of 32, groups of 16 */
extern const int qsnr_cuts[QSNR_CUTS]; /* 0: a line */

struct qsnr_crest {
    double q1, median, q3; /* over the parts of all matrices */
};

/* One format on one operand of one matrix; sums of squares. */
struct qsnr_cell {
    double signal, noise;
    double model;  /* noise that the error model expects; NaN: it does not know
                     the format */
    double crests; /* of its groups, each times its signal; NaN: the same */
};

struct qsnr {
    int n_layer, n_formats;
    const struct quant_spec *formats; /* [n_formats], the caller's */
    /* [layer][kind][operand][format] */
    struct qsnr_cell *cells;
    struct qsnr_crest crest[OPERAND_COUNT][QSNR_CUTS];
    int sequences;
};

/* As post_run finds or trains the model of c, whatever c does to it after
 * training.  ERR_CONFIG where a format does not cut an operand's axis. */
enum status qsnr_run(struct qsnr *out, const struct config *c, uint64_t seed,
                     uint64_t data_seed, const struct quant_spec *formats,
                     int n_formats, int sequences, const struct run_io *io,
                     struct err *err);
void qsnr_release(struct qsnr *q);

const struct qsnr_cell *qsnr_at(const struct qsnr *q, int layer,
                                enum layer_kind kind,
                                enum quant_operand operand, int format);

/* The crest factor of its groups, a mean weighted by their signals; NaN: the error
 * model does not know the format. */
double qsnr_crest(const struct qsnr_cell *c);

/* In dB; of the model where model says so. */
double qsnr_db(const struct qsnr_cell *c, bool model);

#endif
