#include "db/retired.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *table, *column;
} retired[] = {
    { "env", "git_diff" },       { "dataset", "source_url" },
    { "dataset", "fetched_at" }, { "point", "fp_tokens" },
    { "attempt", "cores" },      { "fit", "env_id" },
};

bool db_is_retired(const char *table, const char *column)
{
    for (size_t i = 0; i < sizeof retired / sizeof retired[0]; i++)
        if (strcmp(table, retired[i].table) == 0 &&
            strcmp(column, retired[i].column) == 0)
            return true;
    return false;
}
