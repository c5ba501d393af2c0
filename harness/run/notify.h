/* notify.h - word that a grid has ended, for those who are away.
 *
 * $QLAW_WEBHOOK holds the address, because it is a secret and a grid's text is
 * kept in the database.  Nothing that qlaw starts inherits it: trainers print
 * and record their environment. */
#ifndef HARNESS_RUN_NOTIFY_H
#define HARNESS_RUN_NOTIFY_H

#include "base/err.h"

/* Take the address out of the environment, before anything is started; later
 * calls return it again, NULL when there is none. */
const char *notify_address(void);

/* POST a JSON text; http and https only, no redirects, ten seconds at most.
 * The sentence never holds the address. */
enum status notify_post(const char *url, const char *json, struct err *err);

#endif
