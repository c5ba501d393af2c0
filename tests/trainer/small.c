#include "tests/trainer/small.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"
#include "tests/check.h"

char *small_folder(void)
{
    /* In memory where that is possible: tests save hundreds of times, and on a
     * disk each waits for it. */
    char *dir = mem_printf("%s/qlaw-train-XXXXXX",
                           access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    char *path, text[20000];
    struct err err;
    unsigned letter = 0;

    assert_non_null(mkdtemp(dir));
    path = mem_printf("%s/text.txt", dir);
    for (size_t i = 0; i < sizeof text; i++) {
        const uint64_t key = rng_key(1, RNG_TEST, 0);

        /* mostly the next letter but one, sometimes any */
        letter = rng_below(key, 2 * i, 4)
                     ? (letter * 3 + 1) % 20
                     : (unsigned)rng_below(key, 2 * i + 1, 20);
        text[i] = i % 61 == 60 ? '\n' : (char)('a' + letter);
    }
    check_ok(file_replace(path, text, sizeof text, &err), err);
    free(path);
    return dir;
}

void small_folder_free(char *dir)
{
    char *command = mem_printf("rm -rf '%s'", dir);

    assert_int_equal(system(command), 0);
    free(command);
    free(dir);
}

char *small_dir;

int small_set_up(void **state)
{
    (void)state;
    small_dir = small_folder();
    return 0;
}

int small_tear_down(void **state)
{
    (void)state;
    small_folder_free(small_dir);
    return 0;
}

static void set(struct config *c, const char *text)
{
    char *key = mem_strndup(text, strcspn(text, "="));
    struct err err;

    check_ok(config_set(c, key, strchr(text, '=') + 1, &err), err);
    free(key);
}

struct config *small_config(const char *dir, ...)
{
    static const char *const base[] = {
        "model.n_layer=2",   "model.d_model=32", "model.n_head=2",
        "model.d_ff=64",     "model.seq_len=16", "train.batch=4",
        "train.tokens=2560", "train.lr=0.01",    "data.val_tokens=512",
        "run.log_every=5",   "run.checkpoint=0", "train.warmup=4",
    };
    struct config *c = config_new();
    struct err err;
    va_list ap;
    const char *text;
    char *path = mem_printf("data.path=%s/text.txt", dir);

    for (size_t i = 0; i < sizeof base / sizeof base[0]; i++)
        set(c, base[i]);
    set(c, path);
    va_start(ap, dir);
    while ((text = va_arg(ap, const char *)))
        set(c, text);
    va_end(ap);
    check_ok(config_resolve(c, &err), err);
    free(path);
    return c;
}

enum status small_run(struct run_result *out, char **lines,
                      const struct config *c, uint64_t seed, const char *ckpt,
                      int64_t stop_after, const char *isa)
{
    const int fd = memfd_create("metrics", 0);
    struct run_io io = {
        .dir = ckpt, .metrics_fd = fd, .isa_cap = isa, .stop_after = stop_after
    };
    struct err err = { 0 };
    const enum status st = run_train(out, c, seed, seed, &io, &err);
    const off_t n = lseek(fd, 0, SEEK_CUR);

    if (st != OK && st != ERR_STOPPED && st != ERR_DIVERGED)
        print_error("run_train: %s\n", err.text);
    if (lines) {
        *lines = mem_alloc((size_t)n + 1);
        assert_int_equal(pread(fd, *lines, (size_t)n, 0), n);
    }
    close(fd);
    return st;
}

char *small_without_clock(const char *lines)
{
    struct str out = { 0 };

    while (*lines) {
        if (text_has_prefix(lines, ",\"wall_s\":") ||
            text_has_prefix(lines, ",\"tok_per_s\":")) {
            lines += 1 + strcspn(lines + 1, ",}");
            continue;
        }
        str_add_char(&out, *lines++);
    }
    return str_steal(&out);
}
