/* Prices of grids against numbers worked out by hand. */
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "db/db.h"
#include "harness/plan/plan.h"
#include "harness/plan/print.h"
#include "tests/check.h"
#include "tests/grid/grid_help.h"

#define TWO_LENGTHS                                                            \
    "[model]\nn_layer = 1\nd_model = 32\nseq_len = 32\n"                       \
    "[train]\nbatch = 2\n"                                                     \
    "[sweep]\ntrain.tokens = 6400, 12800\n"                                    \
    "[seeds]\ncount = 2\n"

static struct plan *plan_of(const struct grid *g, struct plan_options o)
{
    struct plan *p = NULL;
    struct err err = { 0 };

    check_ok(plan_make(&p, g, &o, &err), err);
    return p;
}

/* 6 (N + head) + 6 layers * seq * d a token, forward and backward: N = 4 32^2
 * + 3 * 32 * 96 = 13312, head 256 * 32. */
#define FLOPS_PER_TOKEN (6.0 * (13312 + 256 * 32) + 6.0 * 32 * 32)

static void cost_is_flops_over_speed_on_the_slots(void **state)
{
    struct grid *g = grid_of(TWO_LENGTHS, NULL);
    struct plan *p =
        plan_of(g, (struct plan_options){ .slots = 2, .flops_s = 1e9 });
    const double one = 6400 * FLOPS_PER_TOKEN;

    (void)state;
    assert_int_equal(p->n_runs, 4);
    assert_int_equal(p->n_new, 4);
    check_relative(p->flops, 2 * one + 2 * 2 * one, 1e-12);
    /* Cheapest first: two short ones side by side, then two long ones. */
    check_relative(p->wall_s, (one + 2 * one) / 1e9, 1e-12);
    check_relative(p->speed.flops_s, 1e9, 1e-12);
    assert_int_equal(p->longest, 2);
    assert_true(p->memory_bytes == 2 * g->points[0].size.memory_bytes);
    plan_free(p);
    p = plan_of(g, (struct plan_options){ .slots = 3, .flops_s = 1e9 });
    /* short short long | then a long one after a short. */
    check_relative(p->wall_s, 3 * one / 1e9, 1e-12);
    plan_free(p);
    grid_free(g);
}

static void a_budget_says_what_is_exceeded_and_how_much_fits(void **state)
{
    static const struct {
        const char *set, *says;
        int allowed;
    } rows[] = {
        { "budget.max_runs=3", "budget.max_runs = 3, but the runs need 4", 3 },
        { "budget.max_wall=2s", "budget.max_wall = 2.0 s", 2 },
        { "budget.max_flops=3.5e9", "budget.max_flops = 3.5e+09", 3 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct grid *g = grid_of(TWO_LENGTHS, rows[i].set, NULL);
        struct plan *p =
            plan_of(g, (struct plan_options){ .slots = 2, .flops_s = 1e9 });

        /* One short run is 0.866e9 FLOPs, the four are 5.2e9. */
        assert_non_null(p->over);
        if (!strstr(p->over, rows[i].says))
            fail_msg("'%s' lacks '%s'", p->over, rows[i].says);
        assert_int_equal(p->allowed, rows[i].allowed);
        plan_free(p);
        grid_free(g);
    }
}

static void over_budget_is_refused_or_cut_as_the_grid_says(void **state)
{
    const struct plan_options o = { .slots = 2, .flops_s = 1e9 };
    struct grid *g = grid_of(TWO_LENGTHS, NULL);
    struct err err = { 0 };
    int allowed = 0;

    (void)state;
    check_ok(plan_budget(&allowed, g, &o, &err), err);
    assert_int_equal(allowed, INT_MAX);
    grid_free(g);
    g = grid_of(TWO_LENGTHS, "budget.max_runs=3", NULL);
    assert_int_equal(plan_budget(&allowed, g, &o, &err), ERR_REFUSED);
    check_says(err, "over budget: budget.max_runs = 3, but the runs need 4");
    grid_free(g);
    g = grid_of(TWO_LENGTHS, "budget.max_runs=3", "budget.on_exceed=truncate",
                NULL);
    check_ok(plan_budget(&allowed, g, &o, &err), err);
    assert_int_equal(allowed, 3);
    grid_free(g);
}

static void speed_is_measured_on_the_models_of_the_grid(void **state)
{
    struct grid *g = grid_of(TWO_LENGTHS, "quant.w=none,int4", NULL);
    struct plan *p = plan_of(g, (struct plan_options){ .slots = 1 });

    (void)state;
    assert_true(p->speed.measured);
    assert_true(p->speed.flops_s > 1e6 && p->speed.flops_s < 1e13);
    for (int i = 0; i < g->n_points; i++)
        assert_true(p->point_s[i] > 0);
    plan_free(p);
    grid_free(g);
}

/* What follows a training costs two looks at the validation set, not the
 * training. */
static void what_follows_training_is_priced_alone(void **state)
{
    struct grid *g = grid_of(TWO_LENGTHS "[post]\nfit = rtn\nw = int4\n",
                             "train.tokens=4M", "data.val_tokens=512", NULL);
    struct plan *p = plan_of(g, (struct plan_options){ .slots = 1 });
    int children = 0;

    (void)state;
    for (int i = 0; i < g->n_points; i++)
        for (int k = 0; k < g->n_points; k++)
            if (g->points[i].is_post &&
                strcmp(g->points[i].parent, g->points[k].id) == 0) {
                children++;
                assert_true(g->points[i].size.flops <
                            0.01 * g->points[k].size.flops);
                assert_true(p->point_s[i] < 0.5 * p->point_s[k]);
            }
    assert_int_equal(children, 1);
    plan_free(p);
    grid_free(g);
}

/* A database with one finished run of twice the estimated time, a diverged
 * one, a failed one and a stranger. */
static void make_db(const char *path, const struct grid *g)
{
    char *sql = mem_printf(
        "INSERT INTO run(run_id,point_id,seed,data_seed,state) VALUES "
        "(1,'%s',1,1,'done'),(2,'%s',2,2,'diverged'),(3,'%s',1,1,'failed'),"
        "(4,'0123456789abcdef',1,1,'done');"
        "INSERT INTO result(run_id,loss,steps,tokens,wall_s) VALUES "
        "(1,2.5,100,6400,%.17g),(4,2.5,100,6400,1e6)",
        g->points[0].id, g->points[0].id, g->points[1].id,
        2 * 6400 * FLOPS_PER_TOKEN / 1e9);
    sqlite3 *db;
    struct err err = { 0 };
    struct db *ours;

    check_ok(db_open(&ours, path, DB_WRITE, &err), err);
    db_close(ours);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA foreign_keys=OFF", 0, 0, 0),
                     SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
    free(sql);
}

static void finished_runs_are_counted_and_correct_the_speed(void **state)
{
    struct grid *g = grid_of(TWO_LENGTHS, NULL);
    char *path = mem_strdup(grid_path("plan.db"));
    struct plan_options o = { .slots = 2, .flops_s = 1e9, .db_path = path };
    struct plan *p = plan_of(g, o);
    const double one = 6400 * FLOPS_PER_TOKEN;

    (void)state;
    assert_false(p->has_db);
    plan_free(p);
    make_db(path, g);
    p = plan_of(g, o);
    assert_true(p->has_db);
    assert_int_equal(p->n_done, 1);
    assert_int_equal(p->n_diverged, 1);
    assert_int_equal(p->n_open, 1);
    assert_int_equal(p->n_new, 1);
    assert_int_equal(p->speed.n_finished, 1);
    check_relative(p->speed.correction, 2, 1e-12);
    check_relative(p->flops_left, 4 * one, 1e-12);
    check_relative(p->wall_left_s, 2 * 2 * one / 1e9, 1e-12);
    plan_free(p);
    grid_free(g);
    free(path);
}

static void summaries_say_what_was_written(void **state)
{
    static const struct {
        const char *set, *want;
    } rows[] = {
        { "train.lr=1e-3", "none" },
        { "quant.w=int4/row", "w=int4/row group=32" },
        { "quant.fc2.x=int8", "fc2.x=int8" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct grid *g = grid_of("[grid]\ntwins = no\n", rows[i].set, NULL);
        char *text = quant_summary(g->points[0].config);

        assert_string_equal(text, rows[i].want);
        free(text);
        grid_free(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cost_is_flops_over_speed_on_the_slots),
        cmocka_unit_test(a_budget_says_what_is_exceeded_and_how_much_fits),
        cmocka_unit_test(over_budget_is_refused_or_cut_as_the_grid_says),
        cmocka_unit_test(speed_is_measured_on_the_models_of_the_grid),
        cmocka_unit_test(what_follows_training_is_priced_alone),
        cmocka_unit_test(finished_runs_are_counted_and_correct_the_speed),
        cmocka_unit_test(summaries_say_what_was_written),
    };

    return cmocka_run_group_tests(tests, grid_dir_make, grid_dir_remove);
}
