/* Tables: separated text and JSON lines.  What is read, written again with
 * every cell quoted, reads as the same cells; numbers are finite or none. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fit/table.h"
#include "tests/fuzz/fuzz.h"

static const char *const seeds[] = {
    "N,D,loss\n1e6,2e7,3.1\n2e6,4e7,2.9\n",
    "\xef\xbb\xbfN;D;loss\r\n1M;20M;3,1\r\n# note\r\n\r\n2M;40M;2.9\r\n",
    "a\tb\n1\t\"x\"\"y\n z\"\n",
    "N, D, \"the loss\", fmt\n 1k , 2Ki , nan , int4\n1,2\n1,2,3,4,5\n",
    "{\"N\":1e6,\"D\":2,\"loss\":3.5}\n{\"N\":2,\"fmt\":\"int4\"}\n",
    "=1+1,+2,-3,@x\n0x10,1e400,-0,1_000\n",
    "a\n",
    "",
    ",,\n",
};
static const char *const words[] = {
    ",",       ";",    "\t",           "\n",     "\r\n", "\"",    "\"\"",
    "#",       "N",    "1e999",        "-inf",   "nan",  "0x1p3", "1k",
    "1 000",   "\xff", "\xef\xbb\xbf", "{",      "}",    ":",     "null",
    "\\u0000", "  ",   "\"a\nb\"",     "1e-320", "true",
};

static void quote(struct str *out, const char *text)
{
    str_add(out, "\"");
    for (; *text; text++) {
        if (*text == '"')
            str_add(out, "\"");
        str_add_char(out, *text);
    }
    str_add(out, "\"");
}

/* Columns without a name are not in the table, and a name may be a number
 * beside them; a line of numbers alone would be no header.  The place makes the
 * name that such a column gets another than those of all others. */
static void print_name(struct str *out, const char *name, int place)
{
    const char *end;
    double x;

    if (text_read_number(&x, name, &end, false) && !*end) {
        char *text = mem_printf("column %d: %s", place, name);

        quote(out, text);
        free(text);
    } else {
        quote(out, name);
    }
}

static void print(struct str *out, const struct table *t)
{
    for (int i = 0; i < t->n_cols; i++) {
        str_add(out, i ? "," : "");
        print_name(out, t->cols[i].name, i);
    }
    for (size_t r = 0; r < t->rows; r++)
        for (int i = 0; i < t->n_cols; i++) {
            str_add(out, i ? "," : "\n");
            quote(out, t->cols[i].text[r]);
        }
    str_add(out, "\n");
}

static void compare(const struct table *a, const struct table *b,
                    const char *text)
{
    if (a->rows != b->rows || a->n_cols != b->n_cols)
        fuzz_fail("another number of rows or columns", text, strlen(text));
    for (int i = 0; i < a->n_cols; i++)
        for (size_t r = 0; r < a->rows; r++) {
            const double x = a->cols[i].num[r], y = b->cols[i].num[r];

            if (isinf(x))
                fuzz_fail("an infinite number", text, strlen(text));
            if (strcmp(a->cols[i].text[r], b->cols[i].text[r]) != 0 ||
                (x != y && !(isnan(x) && isnan(y))))
                fuzz_fail("another cell", text, strlen(text));
        }
}

static void one(struct fuzz *f, void *ctx)
{
    struct str text = { 0 }, again = { 0 };
    struct table *t = NULL, *u = NULL;
    struct err err = { 0 };
    const bool lines = fuzz_pick(f, 3) == 0;
    enum status st;

    (void)ctx;
    fuzz_text(&text, f);
    st = lines ? table_parse_json(&t, str_text(&text), "fuzz", &err)
               : table_parse(&t, str_text(&text), "fuzz", &err);
    if (st != OK && strncmp(err.text, "fuzz", 4) != 0)
        fuzz_fail("refused without its place", str_text(&text), text.len);
    if (st == OK) {
        print(&again, t);
        if (table_parse(&u, str_text(&again), "fuzz", &err) != OK)
            fuzz_fail(err.text, again.data, again.len);
        compare(t, u, str_text(&text));
    }
    table_free(t);
    table_free(u);
    str_release(&text);
    str_release(&again);
}

int main(int argc, char **argv)
{
    struct fuzz f = { .seeds = seeds,
                      .words = words,
                      .n_seeds = sizeof seeds / sizeof seeds[0],
                      .n_words = sizeof words / sizeof words[0] };

    return fuzz_main(argc, argv, &f, "tables", one, NULL);
}
