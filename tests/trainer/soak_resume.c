/* Stop at every step, resume, and compare with the run that was not stopped:
 * for every preset format and every kind of quantizer, schedule and optimizer
 * setting.  The long half of resuming_at_any_step_is_invisible; run by
 * scripts/soak.sh.
 *
 *   soak_resume [STEPS]
 *
 * Says how many stops there were; ends with 1 at the first that shows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "tests/check.h"
#include "tests/trainer/small.h"
#include "trainer/checkpoint.h"

static char *dir;
static int stops;

/* Each line is one configuration, as assignments. */
static const char *const kinds[] = {
    "train.schedule=cosine",
    "train.schedule=wsd",
    "train.schedule=constant",
    "train.schedule=wsd train.warmup=0 train.decay=1",
    "train.grad_clip=0",
    "train.grad_clip=0.1",
    "train.weight_decay=0",
    "train.beta1=0 train.beta2=0",
    "model.tied=yes",
    "model.n_kv_head=1",
    "quant.w=int4/tensor",
    "quant.w=int4/row",
    "quant.w=int4/g8",
    "quant.w=int4/g16/bf16",
    "quant.w=int4/g16/e8m0",
    "quant.w=int4/g16/e8m0-floor",
    "quant.w=int4/g16/e8m0-round",
    "quant.w=e2m1/g16/e4m3",
    "quant.x=int8/g16/pct:95",
    "quant.w=int4/g16/stochastic quant.x=int4/g16/stochastic",
    "quant.w=int4/g16 quant.x=int4/g16", /* the integer product */
    "quant.w=int4/g16 quant.x=int4/g16 quant.gemm=fake",
    "quant.w=int4/g16/pct:90 quant.grad=clip",
    "quant.w=int4/g16 quant.w_d=int8/g16 quant.dy_d=e5m2/g16",
    "quant.x=int4/g16 quant.x_g=none quant.dy_g=int8/g16/stochastic",
    "run.val_every=3",
    "run.log_every=7",
    "stop.diverge=loss>100 stop.patience=3",
};
#define N_KINDS (sizeof kinds / sizeof kinds[0])

static struct config *config_of(const char *line, int steps)
{
    char *copy = mem_strdup(line), *rest = copy, *set;
    char *tokens = mem_printf("train.tokens=%d", steps * 64);
    struct config *c = small_config(dir, tokens, NULL);
    struct err err;

    /* small_config resolves; a schedule and quantizers are set afterwards and
     * resolved again. */
    while ((set = strtok_r(rest, " ", &rest))) {
        char *value = strchr(set, '=');

        *value++ = '\0';
        check_ok(config_set(c, set, value, &err), err);
    }
    check_ok(config_resolve(c, &err), err);
    free(copy);
    free(tokens);
    return c;
}

static char *finished(const struct config *c, const char *ckpt)
{
    struct run_result r;
    char *lines, *plain;

    assert_int_equal(small_run(&r, &lines, c, 1, ckpt, 0, NULL), OK);
    plain = small_without_clock(lines);
    free(lines);
    return plain;
}

static void stop_everywhere(const char *line, int steps)
{
    struct config *c = config_of(line, steps);
    char *want = finished(c, NULL);

    for (int step = 1; step < steps; step++) {
        char *ckpt = mem_printf("%s/%d", dir, stops++), *got;
        struct run_result r;

        assert_int_equal(mkdir(ckpt, 0777), 0);
        assert_int_equal(small_run(&r, NULL, c, 1, ckpt, step, NULL),
                         ERR_STOPPED);
        got = finished(c, ckpt);
        if (strcmp(got, want) != 0) {
            printf("%s: stopped after step %d, other results\n", line, step);
            exit(1);
        }
        checkpoint_remove(ckpt);
        rmdir(ckpt);
        free(got);
        free(ckpt);
    }
    free(want);
    config_free(c);
}

int main(int argc, char **argv)
{
    const int steps = argc > 1 ? atoi(argv[1]) : 40;
    int n = 0;

    dir = small_folder();
    for (size_t i = 0; i < N_KINDS; i++, n++)
        stop_everywhere(kinds[i], steps);
    for (int bits = 2; bits <= 8; bits++, n++) {
        char *line =
            mem_printf("quant.w=int%d/g8 quant.x=int%d/g8", bits, bits);

        stop_everywhere(line, steps);
        free(line);
    }
    for (int e = 1; e <= 5; e++)
        for (int m = 0; m <= 3; m++, n++) {
            char *line = mem_printf("quant.w=e%dm%d/g8", e, m);

            if (e + m < 2) /* e1m0: see qlaw formats */
                n--;
            else
                stop_everywhere(line, steps);
            free(line);
        }
    printf("%d configurations, stopped and resumed at %d steps: all equal\n", n,
           stops);
    small_folder_free(dir);
    return 0;
}
