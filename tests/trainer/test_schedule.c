#include "trainer/schedule.h"

#include "base/str.h"
#include "tests/check.h"

static struct schedule of(const char *kind, const char *warmup)
{
    struct config *c = config_new();
    struct schedule s;
    struct err err;

    /* 100 steps of 8 * 128 tokens */
    check_ok(config_set(c, "train.tokens", "102400", &err), err);
    check_ok(config_set(c, "train.lr", "0.5", &err), err);
    check_ok(config_set(c, "train.lr_final", "0.2", &err), err);
    check_ok(config_set(c, "train.decay", "0.3", &err), err);
    check_ok(config_set(c, "train.schedule", kind, &err), err);
    check_ok(config_set(c, "train.warmup", warmup, &err), err);
    check_ok(config_resolve(c, &err), err);
    s = schedule_of(c);
    config_free(c);
    return s;
}

static void the_warm_up_is_linear_and_ends_at_the_peak(void **state)
{
    static const char *const kinds[] = { "cosine", "wsd", "constant" };

    (void)state;
    for (int k = 0; k < 3; k++) {
        const struct schedule s = of(kinds[k], "0.1");

        assert_int_equal(s.steps, 100);
        for (int step = 0; step < 10; step++)
            check_close(schedule_rate(&s, step), 0.5 * (step + 1) / 10, 1e-16);
        check_close(schedule_rate(&s, 10), 0.5, 1e-16);
    }
}

static void the_cosine_falls_from_the_peak_to_the_last_rate(void **state)
{
    const struct schedule s = of("cosine", "20");
    const double pi = 3.14159265358979323846;

    (void)state;
    for (int step = 20; step < 100; step++)
        check_close(schedule_rate(&s, step),
                    0.1 + 0.4 * (1 + cos(pi * (step - 20) / 80)) / 2, 1e-15);
    check_close(schedule_rate(&s, 60), 0.3, 1e-16);  /* half way */
    check_close(schedule_rate(&s, 100), 0.1, 1e-16); /* one past the end */
}

/* The last 30 steps fall in 31 equal parts, so that one past the end is the
 * last rate. */
static void wsd_is_flat_and_then_falls_in_a_line(void **state)
{
    const struct schedule s = of("wsd", "0");

    (void)state;
    for (int step = 0; step < 70; step++)
        check_close(schedule_rate(&s, step), 0.5, 0);
    for (int step = 70; step < 100; step++)
        check_close(schedule_rate(&s, step), 0.5 - 0.4 * (step - 69) / 31,
                    1e-15);
}

static void constant_stays(void **state)
{
    const struct schedule s = of("constant", "0");

    (void)state;
    for (int step = 0; step < 100; step++)
        check_close(schedule_rate(&s, step), 0.5, 0);
}

/* A run as long as its warm-up, and one of a single step. */
static void edges_are_finite(void **state)
{
    const struct schedule all = of("cosine", "100");
    struct schedule one = of("cosine", "0");

    (void)state;
    check_close(schedule_rate(&all, 99), 0.5, 0);
    one.steps = 1;
    check_close(schedule_rate(&one, 0), 0.5, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_warm_up_is_linear_and_ends_at_the_peak),
        cmocka_unit_test(the_cosine_falls_from_the_peak_to_the_last_rate),
        cmocka_unit_test(wsd_is_flat_and_then_falls_in_a_line),
        cmocka_unit_test(constant_stays),
        cmocka_unit_test(edges_are_finite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
