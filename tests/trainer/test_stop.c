/* [stop]: rules as formulas, and what they make of a run. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "tests/check.h"
#include "tests/trainer/small.h"
#include "trainer/stop.h"

static struct stop_rules rules_of(const char *set, const char *more)
{
    struct config *c = small_config(small_dir, set, more, NULL);
    struct stop_rules r;
    struct err err;

    check_ok(stop_read(&r, c, &err), err);
    config_free(c);
    return r;
}

/* Losses and what becomes of them, by hand. */
static void a_rule_must_hold_for_so_many_steps_in_a_row(void **state)
{
    static const double loss[] = { 2, 4, 4, 2, 4, 4, 4 };
    struct stop_rules r =
        rules_of("stop.diverge=loss > 1.5*loss_start", "stop.patience=3");
    struct stop_state s = stop_start();

    (void)state;
    for (int i = 0; i < 7; i++)
        assert_int_equal(stop_look(&s, &r, i + 1, 0, loss[i], 1, 1),
                         i == 6 ? STOP_DIVERGED : STOP_GO_ON);
    stop_release(&r);
}

static void names_stand_for_what_the_header_says(void **state)
{
    static const struct {
        const char *rule;
        bool holds;
    } rows[] = {
        { "step == 3", true },      { "tokens == 300", true },
        { "loss == 2.5", true },    { "loss_start == 3", true },
        { "loss_min == 2", true },  { "grad_norm == 7", true },
        { "lr == 0.5", true },      { "val_loss > 0", false },
        { "val_loss <= 0", false }, { "loss", true },
        { "loss - 2.5", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *set = mem_printf("stop.early=%s", rows[i].rule);
        struct stop_rules r = rules_of(set, "stop.patience=1");
        struct stop_state s = stop_start();

        stop_look(&s, &r, 1, 100, 3, 5, 0.1);
        stop_look(&s, &r, 2, 200, 2, 6, 0.2);
        if ((stop_look(&s, &r, 3, 300, 2.5, 7, 0.5) == STOP_EARLY) !=
            rows[i].holds)
            fail_msg("%s", rows[i].rule);
        stop_release(&r);
        free(set);
    }
}

static void a_run_that_a_rule_ends_says_which_and_when(void **state)
{
    struct config *c = small_config(small_dir, "stop.diverge=step >= 12", NULL);
    struct config *e = small_config(small_dir, "stop.early=step >= 9",
                                    "stop.patience=4", NULL);
    struct run_result r;
    char *lines;

    (void)state;
    assert_int_equal(small_run(&r, &lines, c, 1, NULL, 0, NULL), ERR_DIVERGED);
    assert_string_equal(r.reason, "stop.diverge is true at step 12");
    assert_non_null(strstr(lines, "\"diverged\":true"));
    free(lines);
    assert_int_equal(small_run(&r, &lines, e, 1, NULL, 0, NULL), OK);
    assert_true(r.stopped);
    assert_string_equal(r.reason, "stop.early is true at step 12");
    assert_non_null(strstr(lines, "\"stopped\":true"));
    assert_null(strstr(lines, "\"loss\":")); /* no result of another length */
    free(lines);
    config_free(c);
    config_free(e);
}

/* The steps in a row are counted across a resume. */
static void a_rule_does_not_notice_a_resume(void **state)
{
    struct config *c = small_config(small_dir, "stop.early=step >= 9",
                                    "stop.patience=6", NULL);

    (void)state;
    for (int64_t step = 8; step < 14; step++) {
        char *ckpt = mem_printf("%s/rule-%d", small_dir, (int)step);
        struct run_result r;

        assert_int_equal(mkdir(ckpt, 0777), 0);
        assert_int_equal(small_run(&r, NULL, c, 1, ckpt, step, NULL),
                         ERR_STOPPED);
        assert_int_equal(small_run(&r, NULL, c, 1, ckpt, 0, NULL), OK);
        assert_string_equal(r.reason, "stop.early is true at step 14");
        free(ckpt);
    }
    config_free(c);
}

static void a_rule_that_never_holds_changes_nothing(void **state)
{
    struct config *c = small_config(small_dir, NULL);
    struct config *d = small_config(small_dir, "stop.diverge=loss > 1e9",
                                    "stop.early=val_loss > 1e9", NULL);
    struct run_result a, b;
    char *x, *y, *p, *q;

    (void)state;
    assert_int_equal(small_run(&a, &x, c, 1, NULL, 0, NULL), OK);
    assert_int_equal(small_run(&b, &y, d, 1, NULL, 0, NULL), OK);
    p = small_without_clock(x);
    q = small_without_clock(y);
    assert_string_equal(p, q);
    free(x);
    free(y);
    free(p);
    free(q);
    config_free(c);
    config_free(d);
}

static void one_rule_has_one_spelling(void **state)
{
    struct config *a =
        small_config(small_dir, "stop.early=(loss)>2*(1+1)", NULL);
    struct config *b =
        small_config(small_dir, "stop.early=loss > 2 * (1 + 1)", NULL);

    (void)state;
    assert_string_equal(config_stop_early(a), config_stop_early(b));
    config_free(a);
    config_free(b);
}

static void a_wrong_rule_names_its_key_and_column(void **state)
{
    struct config *c = config_new();
    struct err err;

    (void)state;
    check_ok(config_set(c, "stop.diverge", "loss > 2 * los_start", &err), err);
    assert_int_equal(config_resolve(c, &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "stop.diverge: column 12: "));
    assert_non_null(strstr(err.text, "loss_start"));
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_must_hold_for_so_many_steps_in_a_row),
        cmocka_unit_test(names_stand_for_what_the_header_says),
        cmocka_unit_test(a_run_that_a_rule_ends_says_which_and_when),
        cmocka_unit_test(a_rule_does_not_notice_a_resume),
        cmocka_unit_test(a_rule_that_never_holds_changes_nothing),
        cmocka_unit_test(one_rule_has_one_spelling),
        cmocka_unit_test(a_wrong_rule_names_its_key_and_column),
    };

    return cmocka_run_group_tests_name("stop", tests, small_set_up,
                                       small_tear_down);
}
