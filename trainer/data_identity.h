/* data_identity.h - which data a configuration means, before anything trains.
 *
 * The files are read, hashed and looked at once for all runs that use them. */
#ifndef TRAINER_DATA_IDENTITY_H
#define TRAINER_DATA_IDENTITY_H

#include <stdint.h>

#include "base/err.h"
#include "trainer/config.h"

/* What is in the files of a configuration. */
struct data_facts {
    int64_t bytes, tokens; /* of data.path */
    int max_token;         /* of all its files */
    int64_t cuts;          /* lines that are data.delimiter */
    int64_t near_cuts;     /* and those with blanks after it: not cut */
    int64_t within;        /* how often it stands anywhere */
};

/* Read what c names (corpus.h).  Sets data.sha256, data.val_sha256 and
 * data.kind where they are open; ERR_CONFIG when they differ, and for whatever
 * data_open would refuse but the vocabulary. */
enum status data_identify(struct config *c, struct data_facts *facts,
                          struct err *err);

/* Does model.vocab fit the tokens?  Too small a one, or one that bytes never
 * fill, which means ids; a trainer of the user's own may do as it likes. */
enum status data_fits(const struct config *c, const struct data_facts *facts,
                      struct err *err);

#endif
