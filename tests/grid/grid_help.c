#include "tests/grid/grid_help.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/check.h"

static char dir[64];

int grid_dir_make(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/qlaw-grid-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *sb, int flag,
                      struct FTW *ftw)
{
    (void)sb;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int grid_dir_remove(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *grid_path(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

void grid_write(const char *name, const char *text)
{
    struct err err = { 0 };

    check_ok(file_replace(grid_path(name), text, strlen(text), &err), err);
}

enum status grid_from(struct grid **out, const char *text,
                      const struct grid_options *options, struct err *err)
{
    char *whole = mem_printf("%s\n[data]\npath = %s/corpus.txt\n", text, GRIDS);

    grid_write("grid.ini", whole);
    free(whole);
    return grid_load(out, grid_path("grid.ini"), options, err);
}

struct grid *grid_of(const char *text, ...)
{
    const char *sets[8];
    struct grid_options options = { .sets = sets };
    struct err err = { 0 };
    struct grid *g = NULL;
    const char *set;
    va_list ap;

    va_start(ap, text);
    while ((set = va_arg(ap, const char *)))
        sets[options.n_sets++] = set;
    va_end(ap);
    check_ok(grid_from(&g, text, &options, &err), err);
    return g;
}

int grid_count(const struct grid *g, const char *key, const char *value)
{
    int n = 0;

    for (int i = 0; i < g->n_points; i++)
        n += strcmp(config_get(g->points[i].config, key), value) == 0;
    return n;
}
