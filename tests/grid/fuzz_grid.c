/* Grids that nobody would write: pieces of right and wrong ones, mixed.
 *
 *   fuzz_grid FOLDER [SECONDS [SEED]]
 *
 * Whatever is read must end in a grid or in one sentence that begins with a
 * place, and a grid that is read must read back from its own merged text.
 * Run it in a build with -Db_sanitize=address,undefined. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "harness/grid/source.h"

#define MAX_SEEDS 512
#define MAX_SIZE  20000

static struct str seeds[MAX_SEEDS];
static int n_seeds;

static const char *const words[] = {
    "[sweep]\n",
    "[axis \"a\"]\n",
    "[block \"b\"]\n",
    "[derive]\n",
    "[filter]\n",
    "[include]\npath = ",
    "[quant \"fc2\"]\n",
    "[profile \"p\"]\n",
    "[x]\n",
    "keys = ",
    "values = ",
    "exclude = ",
    "keep = ",
    "quant.w = int4",
    "train.tokens = ",
    "log(1, 10, 3)",
    "step(1,",
    "load(\"x\")",
    "\n    ",
    " # ",
    " ; ",
    "\"",
    ",",
    "(",
    ")",
    "=",
    "==",
    "x.a",
    "N_body",
    "1e308",
    "-1",
    "0",
    "Ki",
    "${",
    "\xef\xbb\xbf",
    "\xff",
    "\r\n",
    "!",
    "+=",
    "row",
    "quant.last:1.w = int8\n",
    "?",
    ":",
    "^",
    "min(",
    "none",
    "e8m0_floor",
};
#define N_WORDS (sizeof words / sizeof words[0])

struct source {
    uint64_t key, i;
};

static size_t pick(struct source *s, size_t n)
{
    return n ? (size_t)rng_below(s->key, s->i++, n) : 0;
}

static void load_seeds(const char *folder)
{
    static const char *const patterns[] = { "*.ini", "wrong/*.ini" };

    for (size_t k = 0; k < 2; k++) {
        char *pattern = mem_printf("%s/%s", folder, patterns[k]);
        glob_t found;

        if (glob(pattern, 0, NULL, &found) == 0)
            for (size_t i = 0; i < found.gl_pathc && n_seeds < MAX_SEEDS; i++)
                file_read(&seeds[n_seeds++], found.gl_pathv[i], MAX_SIZE, NULL);
        globfree(&found);
        free(pattern);
    }
}

/* A random stretch of whole lines of a seed. */
static void add_lines(struct str *out, struct source *s)
{
    const struct str *from = &seeds[pick(s, (size_t)n_seeds)];
    size_t a = pick(s, from->len + 1), b = a + pick(s, from->len - a + 1);

    while (a > 0 && from->data[a - 1] != '\n')
        a--;
    while (b < from->len && from->data[b] != '\n')
        b++;
    str_add_n(out, from->data ? from->data + a : "", b - a);
    str_add_char(out, '\n');
}

static void mutate(struct str *text, struct source *s)
{
    const size_t at = pick(s, text->len), n = 1 + pick(s, 12);
    struct str out = { 0 };

    str_add_n(&out, text->data, at);
    switch (pick(s, 4)) {
    case 0: /* a word in between */
        str_add(&out, words[pick(s, N_WORDS)]);
        str_add_n(&out, text->data + at, text->len - at);
        break;
    case 1: /* a piece missing */
        if (at + n < text->len)
            str_add_n(&out, text->data + at + n, text->len - at - n);
        break;
    case 2: /* another byte */
        str_add_char(&out, (char)pick(s, 256));
        str_add_n(&out, text->data + at + 1, text->len - at - 1);
        break;
    default: /* a piece twice */
        str_add_n(&out, text->data + at,
                  at + n < text->len ? n : text->len - at);
        str_add_n(&out, text->data + at, text->len - at);
    }
    str_release(text);
    *text = out;
}

static void make(struct str *text, struct source *s)
{
    for (size_t i = 1 + pick(s, 4); i > 0; i--)
        add_lines(text, s);
    str_add(text, "[data]\npath = corpus.txt\n");
    for (size_t i = pick(s, 6); i > 0 && text->len > 0; i--)
        mutate(text, s);
}

/* All cells of a small grid, so that formulas are evaluated too. */
static void try_cells(struct grid_source *s)
{
    if (s->cells > 200)
        return;
    for (int b = 0; b < s->n_blocks; b++)
        for (uint64_t c = 0; c < s->blocks[b].cells; c++) {
            struct made m = { 0 };
            struct err err = { 0 };
            int removed_by;

            if (source_make(&m, &removed_by, s, b, c, &err) != OK &&
                !err.text[0])
                abort();
            made_release(&m);
        }
}

static void fail(const char *what, const struct str *text,
                 const struct err *err)
{
    fprintf(stderr, "%s: %s\n---\n%.*s\n---\n", what, err->text, (int)text->len,
            str_text(text));
    exit(1);
}

static void write_grid(const char *text, size_t size)
{
    FILE *f = fopen("fuzz.ini", "wb");

    if (!f || fwrite(text, 1, size, f) != size || fclose(f) != 0)
        abort();
}

/* Read text; when it is right, read what it prints and compare. */
static void check(const struct str *text)
{
    struct doc *d, *again;
    struct grid_source *s;
    struct err err = { 0 };
    char *printed, *twice;

    write_grid(str_text(text), text->len);
    if (doc_read(&d, "fuzz.ini", NULL, &err) != OK) {
        if (!strchr(err.text, ':'))
            fail("no place", text, &err);
        return;
    }
    printed = doc_print(d);
    if (source_new(&s, d, &err) == OK) {
        try_cells(s);
        source_free(s);
    }
    write_grid(printed, strlen(printed));
    if (doc_read(&again, "fuzz.ini", NULL, &err) != OK)
        fail("the merged text is refused", text, &err);
    twice = doc_print(again);
    if (strcmp(printed, twice) != 0)
        fail("the merged text changes", text, &err);
    doc_free(again);
    free(printed);
    free(twice);
}

int main(int argc, char **argv)
{
    const double seconds = argc > 2 ? atof(argv[2]) : 2;
    const uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    const double start = clock_monotonic();
    char dir[] = "/tmp/qlaw-fuzz-XXXXXX";
    struct source s = { .key = rng_key(seed, RNG_TEST, 0) };
    char *corpus, *folder;
    long n = 0;

    if (argc < 2)
        return 2;
    load_seeds(argv[1]);
    folder = realpath(argv[1], NULL);
    corpus = mem_printf("%s/corpus.txt", folder ? folder : "");
    if (n_seeds == 0 || !mkdtemp(dir) || chdir(dir) != 0 ||
        symlink(corpus, "corpus.txt") != 0)
        return 2;
    while (clock_monotonic() - start < seconds) {
        struct str text = { 0 };

        make(&text, &s);
        check(&text);
        str_release(&text);
        n++;
    }
    printf("%ld grids from seed %llu in %.0f s\n", n, (unsigned long long)seed,
           seconds);
    unlink("fuzz.ini");
    unlink("corpus.txt");
    if (chdir("/") == 0)
        rmdir(dir);
    for (int i = 0; i < n_seeds; i++)
        str_release(&seeds[i]);
    free(corpus);
    free(folder);
    return 0;
}
