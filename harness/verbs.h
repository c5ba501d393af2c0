/* verbs.h - each verb lives in its own file and is a row of main.c. */
#ifndef HARNESS_VERBS_H
#define HARNESS_VERBS_H

#include "harness/cli.h"

extern const struct verb verb_bench, verb_doctor, verb_check, verb_config,
    verb_plan, verb_run, verb_status, verb_show, verb_query, verb_fit,
    verb_predict, verb_plot, verb_report, verb_compare, verb_fetch, verb_train, verb_formats,
    verb_laws, verb_keys, verb_version, verb_help;

#endif
