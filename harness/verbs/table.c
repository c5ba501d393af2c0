/* table.c - the verbs, one row each.  A file of its own because the
 * program and the builder of its manual pages both read it. */
#include <string.h>

#include "harness/verbs/verbs.h"

/* In the order of a study, which is also the order of the overview. */
static const struct verb *const verbs[] = {
    &verb_doctor,  &verb_check,      &verb_config,  &verb_plan,
    &verb_run,     &verb_submit,     &verb_collect, &verb_calibrate,
    &verb_worker,  &verb_status,     &verb_watch,   &verb_show,
    &verb_cancel,  &verb_pause,      &verb_retry,   &verb_query,
    &verb_fit,     &verb_predict,    &verb_design,  &verb_plot,
    &verb_report,  &verb_compare,    &verb_export,  &verb_import,
    &verb_db,      &verb_fetch,      &verb_train,   &verb_bench,
    &verb_formats, &verb_qsnr,       &verb_laws,    &verb_methods,
    &verb_keys,    &verb_completion, &verb_version, &verb_help,
};

const struct verb *verb_at(int i)
{
    return i < (int)(sizeof verbs / sizeof verbs[0]) ? verbs[i] : NULL;
}

const struct verb *verb_find(const char *name)
{
    for (int i = 0; verb_at(i); i++)
        if (strcmp(verb_at(i)->name, name) == 0)
            return verb_at(i);
    return NULL;
}
