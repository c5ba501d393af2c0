/* http.h - one attempt of a download (internal to fetch.c). */
#ifndef HARNESS_FETCH_HTTP_H
#define HARNESS_FETCH_HTTP_H

#include "base/err.h"
#include "harness/fetch/fetch.h"

enum attempt_outcome {
    ATTEMPT_DONE,    /* the part file is complete */
    ATTEMPT_AGAIN,   /* worth another try */
    ATTEMPT_REFUSED, /* will not get better */
};

struct attempt {
    enum attempt_outcome outcome;
    double wait_s; /* ATTEMPT_AGAIN: what the server asked for, 0: nothing */
};

/* Continue or begin part with the body of url; the sentence in err explains
 * every outcome but ATTEMPT_DONE. */
struct attempt fetch_attempt(const char *url, const char *part,
                             const struct fetch_options *options,
                             struct err *err);

#endif
