/* contrast_parts.h - between the files of contrast. */
#ifndef HARNESS_STUDY_CONTRAST_PARTS_H
#define HARNESS_STUDY_CONTRAST_PARTS_H

#include <stdint.h>

#include "harness/study/contrast.h"

/* What a name on the command line stands for. */
struct contrast_side {
    int64_t grid;   /* 0: not a grid */
    char point[24]; /* of a run or point */
    int64_t seed;   /* -1: all */
};

/* The standard deviation of one difference by chance (contrast.h): noise,
 * noise_of and noise_dof of c.  Both seeds are known. */
enum status contrast_find_noise(struct contrast *c, struct db *db,
                                const struct contrast_side *a,
                                const struct contrast_side *b, struct err *err);

#endif
