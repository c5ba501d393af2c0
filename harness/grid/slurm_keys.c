#include "harness/grid/slurm_keys.h"

#include "base/words.h"

enum status slurm_keys_check(const struct config *base, struct err *err)
{
    const double grace = config_run_grace(base);
    const double limit = config_slurm_max_time(base);
    char open, **words = words_split(config_slurm_args(base), &open);
    char a[32], b[32];

    words_free(words);
    if (!words)
        return err_set(err, ERR_CONFIG, "slurm.args: a %c is not closed", open);
    if (2 * grace > limit)
        return err_set(err, ERR_CONFIG,
                       "run.grace of %s leaves a task less than half of "
                       "slurm.max_time, %s, to work in",
                       text_duration(a, grace), text_duration(b, limit));
    return OK;
}
