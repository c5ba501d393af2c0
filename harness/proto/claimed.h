/* claimed.h - the files that workers of Slurm write in a run's folder, one a
 * claim (claim-TOKEN.jsonl), beside the run's own records: what stands in them
 * before anybody has collected it. */
#ifndef HARNESS_PROTO_CLAIMED_H
#define HARNESS_PROTO_CLAIMED_H

#include "harness/proto/record.h"

/* What a file of records says of the attempt with a token. */
struct claimed {
    bool begun, over, done; /* done: over with a result */
};

/* Of a file that is not there: nothing of the three. */
struct claimed claimed_look(const char *path, const char *token);

/* Tell a reader of the results in a folder that nobody has collected yet, and
 * of what is damaged among them. */
void claimed_tell_results(const char *folder, const struct record_reader *r);

#endif
