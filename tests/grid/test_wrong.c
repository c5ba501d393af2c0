/* Every wrong grid of grids/wrong against the message written in it.
 *
 * A line "#= MESSAGE" holds the whole sentence the file must get, a line "#$
 * ARGUMENTS" the options it is loaded with (one option and its value). */
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "harness/grid/grid.h"
#include "tests/check.h"

/* What follows mark at the start of a line, or NULL; the caller frees it. */
static char *marked(const struct str *file, const char *mark)
{
    const size_t n = strlen(mark);
    const char *end = file->data + file->len;

    for (const char *p = file->data; p && p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));

        if ((size_t)(end - p) > n && strncmp(p, mark, n) == 0)
            return mem_strndup(p + n, (size_t)((nl ? nl : end) - p) - n);
        p = nl ? nl + 1 : NULL;
    }
    return NULL;
}

static void set_options(struct grid_options *o, char *args, const char **value)
{
    if (!args)
        return;
    *value = strchr(args, ' ') + 1;
    if (text_has_prefix(args, "-s "))
        o->sets = value, o->n_sets = 1;
    else if (text_has_prefix(args, "-i "))
        o->overlays = value, o->n_overlays = 1;
    else if (text_has_prefix(args, "--profile "))
        o->profiles = value, o->n_profiles = 1;
    else if (text_has_prefix(args, "--only "))
        o->only = *value;
    else
        fail_msg("unknown option in %s", args);
}

static bool gets_its_message(const char *path)
{
    struct str file = { 0 };
    struct grid_options options = { 0 };
    struct grid *g = NULL;
    struct err err = { 0 };
    const char *value;
    char *want, *args;
    enum status st;
    bool good;

    check_ok(file_read(&file, path, 1 << 20, &err), err);
    want = marked(&file, "#= ");
    args = marked(&file, "#$ ");
    assert_non_null(want);
    set_options(&options, args, &value);
    st = grid_load(&g, path, &options, &err);
    good = st != OK && strcmp(err.text, want) == 0;
    if (!good)
        print_error("%s\n  says     %s\n  expected %s\n", path,
                    st == OK ? "nothing" : err.text, want);
    grid_free(g);
    free(want);
    free(args);
    str_release(&file);
    return good;
}

static void every_wrong_grid_gets_its_message(void **state)
{
    glob_t found;
    int wrong = 0;

    (void)state;
    assert_int_equal(chdir(GRIDS "/wrong"), 0);
    assert_int_equal(glob("*.ini", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 60);
    for (size_t i = 0; i < found.gl_pathc; i++)
        wrong += !gets_its_message(found.gl_pathv[i]);
    print_message("%zu wrong grids\n", found.gl_pathc);
    globfree(&found);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wrong_grid_gets_its_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
