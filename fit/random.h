/* random.h - a family of laws in one fit: constants that differ between groups
 * by chance.
 *
 *   r_i = r_i(theta + b_g),  b_gk ~ N(0, tau_k^2),  noise N(0, sigma^2)
 *
 * A constant that every group has its own value of (--group-param) says nothing
 * about a group that was not run; one value for all takes groups for copies.
 * Here a group's constant is drawn: the rows tell the mean and the spread tau.
 * Residuals are linear in b to first order about theta, exactly so for a
 * constant that stands alone or before a term in linear space.  Variances are
 * estimated by restricted maximum likelihood (Patterson and Thompson 1971); the
 * interval of a constant is Student's with the degrees of freedom that its
 * variance is known by (Satterthwaite 1946, as in Giesbrecht and Burns 1985),
 * that of a tau the profile of the restricted likelihood. */
#ifndef FIT_RANDOM_H
#define FIT_RANDOM_H

#include "base/str.h"
#include "fit/model.h"

#define RANDOM_MOST 3 /* constants that vary */
#define RANDOM_FEW  5 /* groups below which a spread is hardly known */

struct random_effect {
    char *param;
    int index;          /* of model.params */
    double tau, lo, hi; /* 95 % */
};

struct random_fit {
    const struct model *m;
    char *column;
    int groups;
    struct random_effect effects[RANDOM_MOST];
    int n_effects;
    double *theta, *se, *lo, *hi, *dof; /* [n_params] */
    double sigma;
    double likelihood; /* log of the restricted one */
    bool converged;
};

/* texts: "E:family", up to three of one column.  ERR_USAGE for a constant or a
 * column that is not there, ERR_FIT where the groups are too few. */
enum status random_run(struct random_fit *out, const struct model *m,
                       const struct table *t, const char *const *texts, int n,
                       uint64_t seed, struct err *err);
void random_release(struct random_fit *r);
void random_text(struct str *out, const struct random_fit *r,
                 const char *source);
void random_json(struct str *out, const struct random_fit *r);

#endif
