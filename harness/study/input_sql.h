/* input_sql.h - the statement that gives fits the runs of a database. */
#ifndef HARNESS_STUDY_INPUT_SQL_H
#define HARNESS_STUDY_INPUT_SQL_H

#include "harness/study/request.h"

/* A row for each run that the request selects, or for each point of a run's curve
 * (--envelope); the first column is run_id.  where: a condition on the columns, or
 * NULL.  With a grid in the request the parameter :grid is its number.  The caller
 * frees it. */
char *input_sql(const struct fit_request *rq, const char *where,
                const char *n_def);

#endif
