/* test_error_model.c - the error model's crossovers as published (arXiv
 * 2510.25602, figure 3), its ratios against measured ones, and both on the
 * operands of a small trained model. */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/str.h"
#include "post/error_model.h"
#include "post/qsnr.h"
#include "tests/check.h"
#include "tests/trainer/small.h"

static struct quant_spec spec_of(const char *text)
{
    struct quant_spec s;
    struct err err;

    check_ok(quant_parse(&s, text, NULL, &err), err);
    return s;
}

static void crossovers_are_those_of_the_paper(void **state)
{
    static const struct {
        const char *a, *b;
        double rho, kappa, db;
    } table[] = {
        { "mxint8", "mxfp8", 1.5, 7.55, 31.86 },
        { "mxint6", "mxfp6", 1.5, 1.96, 31.5 },
        { "mxint4", "mxfp4", 1.5, 2.04, 19.14 },
        { "nvint4", "nvfp4", 1.05, 2.39, 21.14 },
    };

    (void)state;
    for (int i = 0; i < 4; i++) {
        const struct quant_spec a = spec_of(table[i].a),
                                b = spec_of(table[i].b);
        const double at = error_model_crossover(&a, &b, table[i].rho, true);

        check_close(at, table[i].kappa, 0.01);
        check_close(error_model_db(&a, at, table[i].rho, true), table[i].db,
                    0.05);
        check_close(error_model_db(&b, at, table[i].rho, true), table[i].db,
                    0.05);
    }
}

/* 13.80 + 6.02 M dB where nothing is below the normal range (the paper's
 * plateau): e4m3 and e2m1 at a small crest factor. */
static void floats_have_a_plateau(void **state)
{
    const struct quant_spec fp8 = spec_of("mxfp8"), fp4 = spec_of("mxfp4");

    (void)state;
    check_close(error_model_db(&fp8, 1, 1, true), 31.86, 0.02);
    assert_true(error_model_db(&fp4, 1, 1, true) < 19.83);
    assert_true(error_model_db(&fp4, 0.2, 1, true) > 19.7);
}

static void what_it_does_not_know_it_says(void **state)
{
    static const char *const unknown[] = { "int4/row", "int4/g32/asym", "bf16",
                                           "odd:-1:0:1" };

    (void)state;
    for (int i = 0; i < 4; i++) {
        const struct quant_spec s = spec_of(unknown[i]);

        assert_false(error_model_knows(&s));
    }
}

/* Within a decibel of what is measured for nine matrices in ten, and the same
 * winner wherever the two are a decibel apart. */
static void a_trained_model_is_as_predicted(void **state)
{
    static const char *const texts[] = { "mxint8/g16", "mxfp8/g16",
                                         "mxint4/g16", "mxfp4/g16",
                                         "nvint4",     "nvfp4" };
    struct quant_spec specs[6];
    struct config *c = small_config(small_dir, NULL);
    const struct run_io io = { .metrics_fd = -1 };
    struct qsnr q;
    struct err err;
    int near = 0, n = 0, agree = 0, clear = 0;

    (void)state;
    for (int i = 0; i < 6; i++)
        specs[i] = spec_of(texts[i]);
    check_ok(qsnr_run(&q, c, 1, 1, specs, 6, 16, &io, &err), err);
    for (int layer = 0; layer < 2; layer++)
        for (int kind = 0; kind < LAYER_HEAD; kind++)
            for (int k = 0; k < OPERAND_COUNT; k++)
                for (int f = 0; f < 6; f++) {
                    const struct qsnr_cell *cell =
                        qsnr_at(&q, layer, (enum layer_kind)kind,
                                (enum quant_operand)k, f);
                    const double db = qsnr_db(cell, false);

                    n++;
                    near += fabs(db - qsnr_db(cell, true)) <= 1;
                    if (f % 2 == 0 && fabs(db - qsnr_db(cell + 1, false)) > 1) {
                        clear++;
                        agree +=
                            (db > qsnr_db(cell + 1, false)) ==
                            (qsnr_db(cell, true) > qsnr_db(cell + 1, true));
                    }
                }
    print_message("%d of %d within 1 dB; %d of %d clear winners\n", near, n,
                  agree, clear);
    assert_true(near >= 0.9 * n);
    assert_true(agree >= 0.95 * clear);
    for (int k = 0; k < OPERAND_COUNT; k++)
        assert_true(q.crest[k][2].q1 > 1 && q.crest[k][2].q3 <= 4 &&
                    q.crest[k][2].median <= q.crest[k][2].q3);
    qsnr_release(&q);
    config_free(c);
}

/* A rotation is measured behind itself, which keeps squares. */
static void rotations_are_measured_too(void **state)
{
    const struct quant_spec specs[] = { spec_of("int8n/g16"),
                                        spec_of("int8n/g16/had16") };
    struct config *c = small_config(small_dir, NULL);
    const struct run_io io = { .metrics_fd = -1 };
    struct qsnr q;
    struct err err;

    (void)state;
    check_ok(qsnr_run(&q, c, 1, 1, specs, 2, 4, &io, &err), err);
    for (int k = 0; k < OPERAND_COUNT; k++) {
        const struct qsnr_cell *cell =
            qsnr_at(&q, 0, LAYER_QKV, (enum quant_operand)k, 0);

        check_relative(cell[0].signal, cell[1].signal, 1e-5);
        assert_true(fabs(qsnr_db(&cell[0], false) - qsnr_db(&cell[1], false)) <
                    15);
    }
    qsnr_release(&q);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crossovers_are_those_of_the_paper),
        cmocka_unit_test(floats_have_a_plateau),
        cmocka_unit_test(what_it_does_not_know_it_says),
        cmocka_unit_test(a_trained_model_is_as_predicted),
        cmocka_unit_test(rotations_are_measured_too),
    };

    return cmocka_run_group_tests(tests, small_set_up, small_tear_down);
}
