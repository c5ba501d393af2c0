/* covariance.h - what the data say about the parameters near the minimum.
 *
 * Columns of the Jacobian are scaled to length one before its singular values
 * are taken, so that units do not matter: their ratio is the condition number,
 * and the vectors of the small ones are the directions the data hardly see. */
#ifndef FIT_COVARIANCE_H
#define FIT_COVARIANCE_H

#include "fit/model.h"

struct covariance {
    int n;            /* coordinates, those at a bound excluded */
    int *coord;       /* which coordinates these are */
    double *inverse;  /* (J'WJ)^-1 over the directions that are seen, [n][n] */
    double *length;   /* of each column */
    double *singular; /* of the scaled Jacobian, descending */
    double *vectors;  /* [n][n], column k belongs to singular[k] */
    double condition;
    bool full_rank;   /* no singular value below 1e-10 of the first */
    double *leverage; /* [rows] diagonal of the hat matrix */
    double *jac;      /* [n_free][rows] in the coordinates of w */
};

/* At theta, in the present coordinates of w. */
void covariance_find(struct covariance *c, struct model_work *w,
                     const double *theta, const double *weight);
void covariance_release(struct covariance *c);

/* The place of coordinate f in c, or -1. */
int covariance_at(const struct covariance *c, int f);

#endif
