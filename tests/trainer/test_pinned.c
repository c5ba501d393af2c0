/* test_pinned.c - short runs whose identity, weights and loss must not move.
 *
 * The numbers were recorded by this program (--print) on 2026-12-01, before models
 * became lists of operations, on the reference and on AVX2.  A difference is a
 * change of what published runs mean, never a number to be recorded again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "tests/check.h"
#include "tests/trainer/small.h"
#include "trainer/branch.h"

#define MOST_KEYS 7

struct pinned {
    const char *what;
    const char *set[MOST_KEYS]; /* behind those of small_config */
    const char *identity;       /* of the configuration, its first 16 digits */
    const char *weights;        /* of their hash */
    double loss;                /* validation, every bit */
};

static const struct pinned runs[] = {
#include "tests/trainer/pinned.def"
};
#define N_RUNS (int)(sizeof runs / sizeof runs[0])

static struct config *config_of(const struct pinned *p)
{
    const char *s[MOST_KEYS + 1] = { NULL };

    memcpy(s, p->set, sizeof p->set);
    return small_config(small_dir, "train.tokens=1280", s[0], s[1], s[2], s[3],
                        s[4], s[5], s[6], NULL);
}

static void identity_of(char hex[HASH_HEX], const struct config *c)
{
    json_t *json = config_identity(c, IDENTITY_RUN);
    char *text = json_canonical_text(json);

    hash_bytes(hex, text, strlen(text));
    free(text);
    json_decref(json);
}

/* Trained in one go on a set of instructions. */
static struct run_result train(const struct config *c, const char *isa)
{
    struct run_result r;

    assert_int_equal(small_run(&r, NULL, c, 7, NULL, 0, isa), OK);
    return r;
}

static void check_result(const struct pinned *p, const struct run_result *r,
                         const char *how)
{
    if (strncmp(r->weights_sha256, p->weights, strlen(p->weights)) == 0 &&
        r->loss == p->loss)
        return;
    print_error("%s, %s: weights %.16s and loss %a, pinned are %s and %a\n",
                p->what, how, r->weights_sha256, r->loss, p->weights, p->loss);
    fail();
}

static void runs_keep_their_bits(void **state)
{
    static const char *const sets[] = { "ref", NULL };

    (void)state;
    for (int i = 0; i < N_RUNS; i++)
        for (int k = 0; k < 2; k++) {
            struct config *c = config_of(&runs[i]);
            const struct run_result r = train(c, sets[k]);

            check_result(&runs[i], &r, sets[k] ? sets[k] : "widest set");
            config_free(c);
        }
}

static void configurations_keep_their_identity(void **state)
{
    (void)state;
    for (int i = 0; i < N_RUNS; i++) {
        struct config *c = config_of(&runs[i]);
        char hex[HASH_HEX];

        identity_of(hex, c);
        hex[16] = '\0';
        assert_string_equal(hex, runs[i].identity);
        config_free(c);
    }
}

static void stopped_and_resumed_runs_are_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < N_RUNS; i++) {
        struct config *c = config_of(&runs[i]);
        char *dir = mem_printf("%s/resumed-%d", small_dir, i);
        struct run_result r;
        struct err err;

        check_ok(file_make_dirs(dir, &err), err);
        assert_int_equal(small_run(&r, NULL, c, 7, dir, 13, NULL), ERR_STOPPED);
        assert_int_equal(small_run(&r, NULL, c, 7, dir, 0, NULL), OK);
        check_result(&runs[i], &r, "resumed");
        free(dir);
        config_free(c);
    }
}

/* The rows of pinned.def as they come out now. */
static int print_rows(void)
{
    for (int i = 0; i < N_RUNS; i++) {
        struct config *c = config_of(&runs[i]);
        const struct run_result r = train(c, NULL);
        char hex[HASH_HEX];

        identity_of(hex, c);
        printf("{ \"%s\",\n  {", runs[i].what);
        for (int k = 0; k < MOST_KEYS && runs[i].set[k]; k++)
            printf("%s \"%s\"", k ? "," : "", runs[i].set[k]);
        printf(" },\n  \"%.16s\", \"%.16s\", %a },\n", hex, r.weights_sha256,
               r.loss);
        config_free(c);
    }
    return 0;
}

static int print(void)
{
    int status;

    small_set_up(NULL);
    status = print_rows();
    small_tear_down(NULL);
    return status;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configurations_keep_their_identity),
        cmocka_unit_test(runs_keep_their_bits),
        cmocka_unit_test(stopped_and_resumed_runs_are_the_same),
    };

    return argc > 1 && strcmp(argv[1], "--print") == 0
               ? print()
               : cmocka_run_group_tests(tests, small_set_up, small_tear_down);
}
