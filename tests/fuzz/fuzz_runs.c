/* Folders of runs as nobody left them: whatever is in them, a rebuild ends, says
 * what it could not take, and the database that it makes is sound. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/store/rebuild.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/runs.h"

static const char *const words[] = {
    "\"attempt\":",
    "\"begin\":",
    "\"end\":",
    "\"state\":\"done\"",
    "\"ok\"",
    "\"outcome\":\"lost\"",
    "\"final\":true,",
    "\"loss\":",
    "NaN",
    "-inf",
    "1e999",
    "null",
    "true",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\u0000",
    "\\ud800",
    "\\",
    "\xff",
    "\xc3\xa9",
    "9007199254740993",
    "-1",
    "18446744073709551616",
    "\n",
    "\r",
    "\"points\":[",
    "\"seeds\":",
    "\"name\":",
    "\"config\":",
    "\"seed\":",
    "\"data_seed\":",
    "\"quant\":{",
    "\"data\":{",
    "\"trainer\":{",
    "[[[[[[[[[[",
    "\"sum\":\"00000000\"",
    "\"deleted_runs\":[[\"a\",1]]",
    "\"renamed\":[[\"h\",\"g\",1]]",
    "\"deleted_grids\":[\"h\"]",
    "\"tags\":[[1,2,3]]",
};

static int told;

static void warn(const char *sentence)
{
    told++;
    if (!*sentence)
        fuzz_fail("a warning without a word", "", 0);
}

/* A sum would give each change away. */
static char *without_sums(const char *text)
{
    static const char sum[] = ",\"sum\":\"";
    char *copy = mem_strdup(text), *at;

    while ((at = strstr(copy, sum))) {
        const char *close = strchr(at + strlen(sum), '"');

        if (!close)
            break;
        memmove(at, close + 1, strlen(close));
    }
    return copy;
}

/* Change one file; its text is what is shown of a finding. */
static void change(struct str *shown, const struct runs_file *file,
                   struct fuzz *f)
{
    char *text =
        fuzz_pick(f, 4) ? without_sums(file->text) : mem_strdup(file->text);
    const char *const seeds[] = { text };
    struct fuzz own = { .key = f->key,
                        .i = f->i,
                        .seeds = seeds,
                        .n_seeds = 1,
                        .words = words,
                        .n_words = sizeof words / sizeof words[0] };
    struct str out = { 0 };

    fuzz_text(&out, &own);
    f->i = own.i;
    if (fuzz_pick(f, 20) == 0)
        unlink(file->path);
    else
        runs_write(file->path, str_text(&out), out.len);
    str_addf(shown, "--- %s\n", file->path);
    str_add_n(shown, str_text(&out), out.len);
    str_release(&out);
    free(text);
}

static void restore(const struct runs *r)
{
    for (int i = 0; i < r->n; i++)
        runs_write(r->files[i].path, r->files[i].text,
                   strlen(r->files[i].text));
}

static void one(struct fuzz *f, void *ctx)
{
    const struct runs *r = ctx;
    char *root = mem_printf("%s/runs", r->folder);
    struct db *db = runs_database(r, "x.db");
    struct str shown = { 0 };
    struct rebuild sum;
    struct err err = { 0 };

    for (size_t n = 1 + fuzz_pick(f, 3); n > 0; n--)
        change(&shown, &r->files[fuzz_pick(f, (size_t)r->n)], f);
    told = 0;
    if (rebuild_from(&sum, db, root, warn, &err) != OK)
        fuzz_fail(*err.text ? err.text : "refused without a word",
                  str_text(&shown), shown.len);
    if (sum.odd > 0 && told == 0)
        fuzz_fail("left out without a word", str_text(&shown), shown.len);
    runs_check(db, "what was made is unsound", str_text(&shown), shown.len);
    db_close(db);
    restore(r);
    str_release(&shown);
    free(root);
}

int main(int argc, char **argv)
{
    struct fuzz f = { .n_seeds = 0 };
    struct runs r;
    int code;

    runs_make(&r);
    code = fuzz_main(argc, argv, &f, "folders of runs", one, &r);
    runs_remove(&r);
    return code;
}
