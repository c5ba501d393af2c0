/* verbs.h - the verbs; each lives in its own file and is a row of table.c. */
#ifndef HARNESS_VERBS_VERBS_H
#define HARNESS_VERBS_VERBS_H

#include "harness/cli/cli.h"

extern const struct verb verb_bench, verb_calibrate, verb_cancel, verb_collect,
    verb_submit, verb_worker, verb_check, verb_compare, verb_completion,
    verb_config, verb_db, verb_design, verb_doctor, verb_export, verb_fetch,
    verb_fit, verb_formats, verb_help, verb_import, verb_keys, verb_laws,
    verb_methods, verb_pause, verb_plan, verb_plot, verb_predict, verb_qsnr,
    verb_query, verb_report, verb_retry, verb_run, verb_show, verb_status,
    verb_train, verb_version, verb_watch;

/* What submit and calibrate share: options to a report. */
enum status submit_from_cli(struct cli *cli, int calibrate, struct err *err);

#endif
