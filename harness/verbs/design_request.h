/* design_request.h - what `design` is asked for: runs that are there or are
 * sure to come, runs that might be made, and the constants to believe. */
#ifndef HARNESS_VERBS_DESIGN_REQUEST_H
#define HARNESS_VERBS_DESIGN_REQUEST_H

#include "fit/design.h"
#include "harness/cli/cli.h"
#include "harness/study/request.h"

struct design_request {
    struct fit_request rows; /* of --fit or --data */
    bool has_rows;
    struct model *m; /* of the fit to them */
    struct fit fit;
    bool has_fit;
    struct fit_spec spec;     /* without rows */
    struct table *candidates; /* of a grid or --candidates; NULL: none */
    bool from_grid;
    double noise;
    char *constants; /* where they come from, for people */
    char *settings[32];
    int n_settings;
    char *at; /* what settings point into */
};

enum status design_request_read(struct design_request *rq,
                                const struct cli *cli, struct err *err);
void design_request_release(struct design_request *rq);

/* The table of the rows made, or NULL, and the request of the law. */
const struct table *design_request_made(const struct design_request *rq);
const struct fit_spec *design_request_spec(const struct design_request *rq);

#endif
