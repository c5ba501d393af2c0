/* The trainer against another implementation of the same: oracle_curve.h has
 * the losses and gradient norms that oracle_torch.py (PyTorch) made from these
 * weights and batches.
 *
 * Called as `test_trainer_oracle dump ARM FILE` this program writes what that
 * script needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "kernels/real.h"
#include "tests/check.h"
#include "tests/trainer/oracle_curve.h"
#include "tests/trainer/small.h"
#include "trainer/data.h"
#include "trainer/dump.h"

#define STEPS 20
#define SEED  7

/* In double the curves agree to rounding, quantized or not.  In float a value
 * within a rounding error of a tie takes the other code after a few steps, and
 * two quantized runs part (oracle_curve.h has by how much PyTorch parts from
 * itself), so only the steps before are compared: two are enough to see a
 * wrong forward pass, gradient or update. */
#define IS_FLOAT  (sizeof(real) == sizeof(float))
#define TOLERANCE (IS_FLOAT ? 1e-5 : 1e-10)

/* Between them: grouped and plain queries, tied and untied heads, both decaying
 * schedules, clipped gradients, forward and backward quantizers. */
static const struct {
    const char *name;
    int float_steps;
    const char *sets[6];
} arms[] = {
    { "plain", STEPS, { "model.n_kv_head=2" } },
    { "int4",
      2,
      { "model.n_kv_head=2", "quant.w=int4/g32", "quant.x=int4/g32" } },
    { "tied",
      STEPS,
      { "model.tied=yes", "train.schedule=wsd", "train.grad_clip=0.3",
        "train.weight_decay=0.5" } },
    { "backward",
      2,
      { "quant.w=e2m1/row", "quant.w_d=e2m1/g32", "quant.x_g=e2m1/row",
        "quant.dy_g=int4/g64", "quant.dy_d=int4/g32" } },
};
#define N_ARMS (sizeof arms / sizeof arms[0])

static struct config *config_of(size_t i, const char *dir)
{
    const char *s[6];

    for (int k = 0; k < 6; k++)
        s[k] = arms[i].sets[k] ? arms[i].sets[k] : "train.eps=1e-8";
    return small_config(dir, "model.d_model=64", "model.n_head=4",
                        "model.d_ff=96", "model.seq_len=32",
                        "train.tokens=2560", "train.lr=3e-3", "run.log_every=1",
                        s[0], s[1], s[2], s[3], s[4], s[5], NULL);
}

/* What the next line says. */
static json_t *next_line(char **save, char *lines)
{
    const char *line = strtok_r(lines, "\n", save);
    json_t *json;
    struct err err;

    assert_non_null(line);
    check_ok(json_parse(&json, line, "line", &err), err);
    return json;
}

static void the_curves_are_those_of_another_implementation(void **state)
{
    char *dir = small_folder();

    (void)state;
    for (size_t i = 0; i < N_ARMS; i++) {
        struct config *c = config_of(i, dir);
        struct run_result r;
        char *lines, *save = NULL;

        assert_string_equal(oracle[i].arm, arms[i].name);
        assert_int_equal(small_run(&r, &lines, c, SEED, NULL, 0, NULL), OK);
        for (int k = 0; k < (IS_FLOAT ? arms[i].float_steps : STEPS); k++) {
            json_t *json = next_line(&save, k ? NULL : lines);

            check_close(json_number_value(json_object_get(json, "train_loss")),
                        oracle[i].loss[k], TOLERANCE);
            check_close(json_number_value(json_object_get(json, "grad_norm")),
                        oracle[i].norm[k], TOLERANCE);
            json_decref(json);
        }
        free(lines);
        config_free(c);
    }
    small_folder_free(dir);
}

/* Otherwise the curves above speak of another text. */
static void the_text_is_the_one_that_was_recorded(void **state)
{
    char *dir = small_folder();
    struct config *c = config_of(0, dir);
    struct data *d;
    struct err err;

    (void)state;
    check_ok(data_open(&d, c, &err), err);
    assert_string_equal(data_sha256(d), ORACLE_DATA);
    data_close(d);
    config_free(c);
    small_folder_free(dir);
}

static int dump(const char *arm, const char *path)
{
    char *dir = small_folder();
    struct err err = { 0 };
    enum status st = ERR_USAGE;

    for (size_t i = 0; i < N_ARMS; i++)
        if (strcmp(arms[i].name, arm) == 0) {
            struct config *c = config_of(i, dir);

            st = dump_weights(path, c, SEED, SEED, STEPS, &err);
            config_free(c);
        }
    if (st != OK)
        fprintf(stderr, "dump %s: %s\n", arm, err.text);
    small_folder_free(dir);
    return err_exit_code(st);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_the_one_that_was_recorded),
        cmocka_unit_test(the_curves_are_those_of_another_implementation),
    };

    if (argc == 4 && strcmp(argv[1], "dump") == 0)
        return dump(argv[2], argv[3]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
