/* http.h - one attempt of a download (internal to fetch.c). */
#ifndef HARNESS_FETCH_HTTP_H
#define HARNESS_FETCH_HTTP_H

#include "base/err.h"
#include "harness/fetch/fetch.h"

enum part_outcome {
    PART_DONE,    /* the part file is complete */
    PART_AGAIN,   /* worth another try */
    PART_REFUSED, /* will not get better */
};

struct part_end {
    enum part_outcome outcome;
    double wait_s; /* PART_AGAIN: what the server asked for, 0: nothing */
};

/* Continue or begin part with the body of url; the sentence in err explains
 * every outcome but PART_DONE. */
struct part_end fetch_part(const char *url, const char *part,
                           const struct fetch_options *options,
                           struct err *err);

#endif
