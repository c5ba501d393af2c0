/* fitted.h - short ways for tests to make tables and fit them. */
#ifndef TESTS_FIT_FITTED_H
#define TESTS_FIT_FITTED_H

#include "fit/fit.h"
#include "tests/check.h"

/* A table and what was fitted to it; options are applied in order. */
struct fitted {
    struct table *table;
    struct fit_spec spec;
    struct model *model;
    struct fit fit;
    struct err err;
    enum status status; /* of fit_model_new or fit_run */
};

/* law_or_formula is a law's name or a formula.  options ends with NULL; each is
 * a word of the command line without its dashes, an equals sign, and its
 * value: "loss=huber:1e-3", "where=loss<3.4", "derive=D = C/(6*N)", "fix=...",
 * "start=...", "bound=...", "group=k:fmt", "space=linear", "sigma=s",
 * "cluster=run", "bootstrap=200", "seed=7", "start-only", "profile", "strict". */
void fitted_text(struct fitted *x, const char *csv, const char *law_or_formula,
                 const char *const *options);

/* The same from a file of the shared data. */
void fitted_shared(struct fitted *x, const char *file,
                   const char *law_or_formula, const char *const *options);
void fitted_release(struct fitted *x);

/* The estimate of a parameter; fails the test when there is none. */
const struct fit_estimate *fitted_get(const struct fitted *x, const char *name);

#define OPTIONS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_OPTIONS   ((const char *const[]){ NULL })

#endif
