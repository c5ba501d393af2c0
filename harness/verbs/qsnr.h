/* qsnr.h - what the parts of the verb qsnr share. */
#ifndef HARNESS_VERBS_QSNR_H
#define HARNESS_VERBS_QSNR_H

#include "plots/picture.h"
#include "post/qsnr.h"

/* Formats that are compared two and two. */
#define QSNR_MOST 32
struct qsnr_formats {
    struct quant_spec spec[QSNR_MOST];
    char *text[QSNR_MOST];
    int n;
};

/* Does the error model know both of the pair that begins there? */
bool qsnr_pair_known(const struct qsnr_formats *f, int first);

/* Ratios against crest factors, a panel for each pair that the error model knows,
 * with its curves and where they cross.  NULL: it knows none. */
struct picture *qsnr_picture(const struct qsnr *q,
                             const struct qsnr_formats *f);

#endif
