/* Lines of trainers and records of runs: whatever comes becomes numbers that
 * are finite or absent, or is refused; nothing is read past its end. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "harness/proto/metrics_line.h"
#include "harness/proto/record.h"
#include "tests/fuzz/fuzz.h"

static const char *const seeds[] = {
    "{\"step\":20,\"tokens\":20480,\"train_loss\":5.1,\"val_loss\":null,"
    "\"lr\":0.003,\"grad_norm\":1.2,\"wall_s\":0.4}\n",
    "{\"final\":true,\"loss\":4.2,\"loss_se\":0.01,\"train_loss\":4.1,"
    "\"best_loss\":4.2,\"steps\":400,\"tokens\":409600,\"flops\":1.2e12,"
    "\"weights_sha256\":\"abc\",\"n_body\":10,\"n_other\":3}\n",
    "{\"final\":true,\"diverged\":true,\"step\":118,\"reason\":\"x "
    "\\u0007\"}\n",
    "{\"step\":1,\"train_loss\":NaN,\"val_loss\":-Infinity,\"probe.a\":1}\n",
    "{\"attempt\":2,\"begin\":\"2026-11-24T09:15:11.123Z\",\"token\":\"5d3c\","
    "\"store\":\"ab\",\"point\":\"0123456789abcdef\",\"pid\":4711,"
    "\"start_ticks\":123456,\"boot\":\"b\",\"host\":\"n\",\"env\":\"e\","
    "\"from_step\":20}\n",
    "{\"attempt\":2,\"end\":\"2026\",\"outcome\":\"ok\",\"state\":\"done\","
    "\"exit_code\":0,\"wall_s\":9.1,\"cpu_s\":9,\"max_rss\":12345678}\n",
    "not a record\n",
    "\n",
    "{}\n",
    "[1,2]\n",
};
static const char *const words[] = {
    "\"step\":",
    "\"final\":true,",
    "\"attempt\":",
    "\"loss\":",
    "NaN",
    "-inf",
    "Infinity",
    "nan",
    "1e999",
    "-1e999",
    "1e-999",
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
    "18446744073709551616",
    "0.1e",
    "-",
    "\n",
    "\r",
    "\"end\":",
    "\"outcome\":\"lost\"",
    "\"state\":\"running\"",
    "\"stopped\":true,",
    "[[[[[[[[[[[[[[[[",
};

static void check_number(double x, const char *text, size_t n)
{
    if (isinf(x))
        fuzz_fail("an infinite number comes through", text, n);
}

static void check_line(const struct metrics_line *m, const char *text, size_t n)
{
    const double all[] = { m->step,    m->tokens,    m->train_loss, m->val_loss,
                           m->lr,      m->grad_norm, m->wall_s,     m->loss,
                           m->loss_se, m->best_loss, m->steps,      m->flops };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        check_number(all[i], text, n);
    if (!m->final && isnan(m->step))
        fuzz_fail("a point without a step", text, n);
    for (int i = 0; i < m->n_extra; i++) {
        const char *p = m->extra[i].name;

        check_number(m->extra[i].value, text, n);
        if (!*p)
            fuzz_fail("a metric without a name", text, n);
        for (; *p; p++)
            if (iscntrl((unsigned char)*p))
                fuzz_fail("an odd name", text, n);
    }
}

static void read_one(const char *text, size_t n)
{
    char *exact = fuzz_exact(text, n);
    struct metrics_line m;
    struct err err = { 0 };

    if (metrics_line_read(&m, exact, n, &err) == OK) {
        check_line(&m, text, n);
        metrics_line_release(&m);
    } else if (!*err.text) {
        fuzz_fail("refused without a word", text, n);
    }
    free(exact);
}

/* Every line by itself, then all as the records of a run. */
static void on_line(void *ctx, const struct metrics_line *m)
{
    const struct str *text = ctx;

    check_line(m, str_text(text), text->len);
}

static void on_begin(void *ctx, const struct attempt_begin *b)
{
    const struct str *text = ctx;

    if (b->number <= 0)
        fuzz_fail("an attempt without a number", str_text(text), text->len);
}

static void read_records(const struct str *text)
{
    FILE *f = fopen("metrics.jsonl", "wb");
    const struct record_reader reader = { .begin = on_begin,
                                          .line = on_line,
                                          .ctx = (void *)text };

    if (!f || fwrite(str_text(text), 1, text->len, f) != text->len ||
        fclose(f) != 0)
        abort();
    if (record_read(".", &reader, NULL) != OK)
        fuzz_fail("records are not read", str_text(text), text->len);
}

static void one(struct fuzz *f, void *ctx)
{
    struct str text = { 0 };
    size_t at = 0;

    (void)ctx;
    fuzz_text(&text, f);
    while (at < text.len) {
        const char *start = text.data + at;
        const char *end = memchr(start, '\n', text.len - at);
        const size_t n = end ? (size_t)(end - start) : text.len - at;

        read_one(start, n);
        at += n + 1;
    }
    if (fuzz_pick(f, 4) == 0)
        read_records(&text);
    str_release(&text);
}

int main(int argc, char **argv)
{
    struct fuzz f = { .seeds = seeds,
                      .words = words,
                      .n_seeds = sizeof seeds / sizeof seeds[0],
                      .n_words = sizeof words / sizeof words[0] };
    char dir[32];
    int rc;

    /* In memory where that is possible. */
    snprintf(dir, sizeof dir, "%s/qlaw-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(dir) || chdir(dir) != 0)
        return 2;
    rc = fuzz_main(argc, argv, &f, "groups of lines", one, NULL);
    unlink("metrics.jsonl");
    if (chdir("/") == 0)
        rmdir(dir);
    return rc;
}
