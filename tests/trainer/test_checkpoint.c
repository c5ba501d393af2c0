#include "trainer/checkpoint.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"
#include "tests/check.h"

static const unsigned char ours[32] = { 1, 2, 3 };
static const unsigned char theirs[32] = { 3, 2, 1 };

static int set_up(void **state)
{
    /* In memory where that is possible: there are thousands of writes. */
    char *dir = mem_printf("%s/qlaw-ckpt-XXXXXX",
                           access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");

    *state = mkdtemp(dir);
    return *state == NULL;
}

static int tear_down(void **state)
{
    char *command = mem_printf("rm -rf '%s'", (char *)*state);
    const int failed = system(command);

    free(command);
    free(*state);
    return failed;
}

static void write_step(const char *dir, int64_t step)
{
    double numbers[5] = { (double)step, 1, 2, 3, 4 };
    char text[] = "some text";
    const struct section sections[] = { { "numbers", numbers, sizeof numbers },
                                        { "text", text, strlen(text) },
                                        { "nothing", NULL, 0 } };
    struct err err;

    check_ok(checkpoint_write(dir, ours, step, sections, 3, &err), err);
}

/* The step of what is found, or -1. */
static int64_t find(const char *dir, const unsigned char *id)
{
    struct checkpoint *c = checkpoint_open(dir, id, NULL);
    const int64_t step = c ? checkpoint_step(c) : -1;

    checkpoint_close(c);
    return step;
}

static void the_newest_of_two_generations_is_found_and_read(void **state)
{
    const char *dir = *state;
    double numbers[5];
    void *to = numbers, *text = NULL;
    size_t size = sizeof numbers, n = 0;
    struct checkpoint *c;
    struct err err;

    assert_int_equal(find(dir, ours), -1);
    for (int64_t step = 1; step <= 5; step++) {
        write_step(dir, step);
        assert_int_equal(find(dir, ours), step);
    }
    c = checkpoint_open(dir, ours, NULL);
    check_ok(checkpoint_read(c, "numbers", &to, &size, &err), err);
    check_close(numbers[0], 5, 0);
    check_ok(checkpoint_read(c, "text", &text, &n, &err), err);
    assert_int_equal(n, 9);
    assert_memory_equal(text, "some text", 9);
    free(text);
    size = 8;
    assert_int_equal(checkpoint_read(c, "numbers", &to, &size, &err), ERR_IO);
    check_says(err, "section numbers has 40 bytes, expected 8");
    assert_int_equal(checkpoint_read(c, "other", &to, &size, &err), ERR_IO);
    check_says(err, "has no section other");
    checkpoint_close(c);
}

static char warned[4096];

static void remember(const char *sentence)
{
    snprintf(warned, sizeof warned, "%s", sentence);
}

static void another_run_s_checkpoint_is_refused(void **state)
{
    write_step(*state, 7);
    assert_null(checkpoint_open(*state, theirs, remember));
    assert_non_null(strstr(warned, "it belongs to another run"));
}

/* A folder that nobody can write to: the sentence names the file, and what was
 * there is still good. */
static void a_failed_write_leaves_the_older_files(void **state)
{
    char *in_the_way = mem_printf("%s/checkpoint.tmp", (char *)*state);
    const struct section none = { "none", NULL, 0 };
    struct err err;

    write_step(*state, 1);
    write_step(*state, 2);
    assert_int_equal(mkdir(in_the_way, 0777), 0);
    assert_int_equal(checkpoint_write(*state, ours, 3, &none, 1, &err), ERR_IO);
    check_says(err, "checkpoint.tmp: cannot create");
    assert_int_equal(find(*state, ours), 2);
    free(in_the_way);
}

/* Both files hold: generation 0 step 1, generation 1 step 2. */
static char *two_files(const char *dir, struct str *newest)
{
    char *path = mem_printf("%s/checkpoint.1", dir);
    struct err err;

    write_step(dir, 1);
    write_step(dir, 2);
    check_ok(file_read(newest, path, 1 << 20, &err), err);
    return path;
}

static void write_raw(const char *path, const char *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_int_equal(fwrite(data, 1, n, f), n);
    fclose(f);
}

static void a_file_cut_at_any_length_falls_back_to_the_older_one(void **state)
{
    struct str bytes = { 0 };
    char *path = two_files(*state, &bytes);

    for (size_t n = 0; n < bytes.len; n++) {
        write_raw(path, bytes.data, n);
        assert_int_equal(find(*state, ours), 1);
    }
    write_raw(path, bytes.data, bytes.len);
    assert_int_equal(find(*state, ours), 2);
    free(path);
    str_release(&bytes);
}

static void a_flipped_byte_anywhere_is_noticed(void **state)
{
    struct str bytes = { 0 };
    char *path = two_files(*state, &bytes);

    for (size_t at = 0; at < bytes.len; at++)
        for (int bit = 0; bit < 8; bit++) {
            bytes.data[at] ^= (char)(1 << bit);
            write_raw(path, bytes.data, bytes.len);
            assert_int_equal(find(*state, ours), 1);
            bytes.data[at] ^= (char)(1 << bit);
        }
    free(path);
    str_release(&bytes);
}

/* Hand-made rows that point outside, under a digest that is right: refused
 * before anything is read. */
static void a_table_that_points_outside_is_refused(void **state)
{
    struct str bytes = { 0 };
    char *path = two_files(*state, &bytes);
    static const struct {
        size_t at;
        uint64_t value;
    } table[] = {
        { 48, UINT64_C(0x7fffffff) },
        { 48, UINT64_C(0xffffffff) },
        { 48, 65 },
        { 40, UINT64_C(1) << 63 },
        { 56 + 16, UINT64_MAX - 63 },
        { 56 + 16, 0 },
        { 56 + 24, UINT64_MAX },
        { 56 + 24, UINT64_C(1) << 40 },
        { 56 + 64 + 16, 256 },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct str bad = { 0 };

        str_add_n(&bad, bytes.data, bytes.len);
        memcpy(bad.data + table[i].at, &table[i].value, 8);
        EVP_Digest(bad.data, 56 + 3 * 64,
                   (unsigned char *)bad.data + bad.len - 40, NULL, EVP_sha256(),
                   NULL);
        write_raw(path, bad.data, bad.len);
        assert_int_equal(find(*state, ours), 1);
        str_release(&bad);
    }
    free(path);
    str_release(&bytes);
}

static void random_bytes_are_refused(void **state)
{
    char *path = mem_printf("%s/checkpoint.0", (char *)*state), noise[2048];

    for (uint64_t trial = 0; trial < 300; trial++) {
        const size_t n = rng_below(1, trial, sizeof noise);

        for (size_t i = 0; i < n; i++)
            noise[i] = (char)rng_u32(trial, i);
        if (trial % 2 && n > 8)
            memcpy(noise, "QLAWCKP1", 8);
        write_raw(path, noise, n);
        assert_int_equal(find(*state, ours), -1);
    }
    free(path);
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(the_newest_of_two_generations_is_found_and_read),
        in_folder(another_run_s_checkpoint_is_refused),
        in_folder(a_failed_write_leaves_the_older_files),
        in_folder(a_file_cut_at_any_length_falls_back_to_the_older_one),
        in_folder(a_flipped_byte_anywhere_is_noticed),
        in_folder(a_table_that_points_outside_is_refused),
        in_folder(random_bytes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
