/* json.h - what a report says, for programs: one object in one line.
 *
 *   {"schema":"qlaw/report/1","grid":"...","title":"...","files":["..."],
 *    "figures_folder":"...","figures_missing":"why",
 *    "answer":[{"kind":"sentence|finding|warning","text":"..."}],
 *    "figures":[{"figure","finding","data"}]}
 *
 * grid is null for all runs, figures_missing where none is; the answer's words
 * are those of the page. */
#ifndef HARNESS_REPORT_JSON_H
#define HARNESS_REPORT_JSON_H

#include "harness/report/report.h"

void report_json_add(struct str *out, const struct report *r,
                     char *const *files, int n_files);

#endif
