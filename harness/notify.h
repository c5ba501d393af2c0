/* notify.h - word that a grid has ended, for those who are away.
 *
 * $QLAW_WEBHOOK holds the address, because it is a secret and a grid's text is
 * kept in the database. */
#ifndef HARNESS_NOTIFY_H
#define HARNESS_NOTIFY_H

#include "base/err.h"

/* POST a JSON text; http and https only, no redirects, ten seconds at most.
 * The sentence never holds the address. */
enum status notify_post(const char *url, const char *json, struct err *err);

#endif
