/* The grid language: what files say and which points come out. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "harness/grid/arm.h"
#include "harness/grid/doc.h"
#include "harness/grid/point_id.h"
#include "tests/check.h"
#include "tests/grid/grid_help.h"

#define TWINS_OFF "[grid]\ntwins = no\n"

/* Enough text for two contexts of 128 tokens. */
static const char long_text[] =
    "One is one and two are two, and so it goes on and on, as long as there "
    "is somebody who counts. Three is three and four are four, and nobody "
    "can say how many there are before the last of them has been counted. "
    "Five is five and six are six, and whoever has come as far as this has "
    "read more than two hundred and fifty-eight letters.\n";

/* --- points -------------------------------------------------------------- */

static void a_sweep_is_crossed_with_a_zipped_axis(void **state)
{
    struct grid *g = grid_of("[axis \"size\"]\n"
                             "keys = model.n_layer, model.d_model\n"
                             "values = 2, 32\n"
                             "         3, 64\n"
                             "[sweep]\n"
                             "train.tokens = 16Ki, 32Ki, 64Ki\n",
                             NULL);

    (void)state;
    assert_int_equal(g->n_points, 6);
    assert_int_equal(g->n_runs, 6);
    assert_int_equal(grid_count(g, "model.n_layer", "2"), 3);
    assert_int_equal(grid_count(g, "train.tokens", "32768"), 2);
    for (int i = 0; i < 6; i++)
        assert_int_equal(config_model_d_model(g->points[i].config),
                         config_model_n_layer(g->points[i].config) == 2 ? 32
                                                                        : 64);
    assert_int_equal(g->n_axes, 2);
    assert_string_equal(g->axes[0].values, "(2, 32) (3, 64)");
    grid_free(g);
}

static void a_list_in_a_base_section_is_an_axis(void **state)
{
    struct grid *g =
        grid_of(TWINS_OFF "[quant]\nw = int4\ngroup = 16, 32\n", NULL);

    (void)state;
    assert_int_equal(g->n_points, 2);
    assert_int_equal(grid_count(g, "quant.group", "16"), 1);
    grid_free(g);
}

static void blocks_are_added_up_and_their_lists_crossed(void **state)
{
    struct grid *g = grid_of(TWINS_OFF "[sweep]\ntrain.lr = 1e-3, 2e-3\n"
                                       "[block \"a\"]\nquant.w = int4, int8\n"
                                       "quant.group = 16, 32\n"
                                       "[block \"b\"]\nquant.w = e2m1\n",
                             NULL);

    (void)state;
    assert_int_equal(g->n_points, 2 * 4 + 2);
    assert_int_equal(g->blocks[0].points, 8);
    assert_int_equal(g->blocks[1].points, 2);
    assert_int_equal(grid_count(g, "quant.w", "e2m1"), 2);
    grid_free(g);
}

static void what_a_block_says_wins_over_an_axis(void **state)
{
    struct grid *g = grid_of("[axis \"size\"]\nkeys = model.n_layer, "
                             "model.d_model\nvalues = 2, 32\n 3, 64\n"
                             "[sweep]\ntrain.lr = 1e-3, 2e-3\n"
                             "[block \"all\"]\n"
                             "[block \"long\"]\ntrain.lr = 5e-3\n"
                             "model.d_model = 96\n",
                             NULL);

    (void)state;
    assert_int_equal(grid_count(g, "train.lr", "0.005"), 2);
    assert_int_equal(grid_count(g, "model.d_model", "96"), 2);
    assert_int_equal(g->n_points, 4 + 2);
    assert_int_equal(g->duplicates, 0);
    grid_free(g);
}

#define ZIPPED                                                                 \
    "[block \"pairs\"]\nkeys = quant.w, quant.group\n"                         \
    "values = int4, 32\n  int3, 16\n  e2m1, 8\n"                               \
    "quant.x = none, int8\n"

/* Rows of a block are crossed with its other lists and with the axes, and win
 * over an axis of one of their keys as a line does. */
static void keys_of_a_block_move_together(void **state)
{
    struct grid *g = grid_of(TWINS_OFF "[sweep]\ntrain.lr = 1e-3, 2e-3\n"
                                       "quant.group = 4, 64\n" ZIPPED
                                       "[block \"plain\"]\nquant.w = int8\n",
                             NULL);

    (void)state;
    assert_int_equal(g->blocks[0].points, 3 * 2 * 2 * 2 / 2);
    assert_int_equal(g->blocks[1].points, 2 * 2);
    assert_int_equal(grid_count(g, "quant.group", "4"), 2);
    for (int i = 0; i < g->n_points; i++) {
        const char *w = config_quant_w(g->points[i].config);
        const int group = atoi(config_quant_group(g->points[i].config));

        if (strcmp(w, "int8") != 0)
            assert_int_equal(group, strcmp(w, "int4") == 0   ? 32
                                    : strcmp(w, "int3") == 0 ? 16
                                                             : 8);
    }
    assert_string_equal(g->blocks[0].values,
                        "quant.w, quant.group = (int4, 32) (int3, 16) "
                        "(e2m1, 8); quant.x = none int8");
    grid_free(g);
}

static void one_key_of_a_block_alone_is_a_list(void **state)
{
    static const char block[] = "[block \"a\"]\nkeys = quant.w\n"
                                "values = int4, int8\n";
    struct grid *g = grid_of(TWINS_OFF "[block \"a\"]\nkeys = quant.w\n"
                                       "values = int4, int8\n",
                             NULL);

    (void)state;
    assert_int_equal(g->n_points, 2);
    grid_free(g);
    g = grid_of(block, "quant.w=e2m1", NULL);
    assert_int_equal(grid_count(g, "quant.w", "e2m1"), 1);
    assert_int_equal(grid_count(g, "quant.w", "int4"), 0);
    grid_free(g);
    g = grid_of(block, "quant.w+=e2m1", NULL);
    assert_int_equal(grid_count(g, "quant.w", "e2m1"), 1);
    assert_int_equal(grid_count(g, "quant.w", "int8"), 1);
    grid_free(g);
    g = grid_of("[quant]\nx = int8\n" ZIPPED, "!quant.group", NULL);
    assert_int_equal(grid_count(g, "quant.w", "e2m1"), 2);
    grid_free(g);
}

static void points_that_two_blocks_give_are_one(void **state)
{
    struct grid *g = grid_of(TWINS_OFF "[block \"a\"]\nquant.w = int4, int8\n"
                                       "[block \"b\"]\nquant.w = int8, e2m1\n"
                                       "[block \"c\"]\nquant.w = int4\n",
                             NULL);

    (void)state;
    assert_int_equal(g->n_points, 3);
    assert_int_equal(g->duplicates, 2);
    assert_int_equal(g->n_notes, 1);
    assert_non_null(strstr(g->notes[0], "grid.ini:7: [block \"c\"] adds no "
                                        "new point"));
    grid_free(g);
}

/* Rounding of the scale, sizes of groups: other spellings of one quantizer. */
static void equal_numerics_are_one_point(void **state)
{
    struct grid *g = grid_of(
        TWINS_OFF "[quant]\ngroup = 32\n"
                  "[sweep]\nquant.w = int4, int4/g32, int4/g32/fp32/nearest\n",
        NULL);

    (void)state;
    assert_int_equal(g->n_points, 1);
    assert_int_equal(g->duplicates, 2);
    grid_free(g);
}

/* --- twins --------------------------------------------------------------- */

#define TWO_SIZES "[sweep]\nmodel.d_model = 32, 64\n"

static void each_quantized_point_gets_its_unquantized_twin_once(void **state)
{
    struct grid *g =
        grid_of(TWO_SIZES "[block \"q\"]\nquant.w = int4, int8, e2m1\n", NULL);
    int bases = 0;

    (void)state;
    assert_int_equal(g->n_points, 2 * 3 + 2);
    for (int i = 0; i < g->n_points; i++) {
        const struct grid_point *p = &g->points[i];

        bases += p->is_base;
        assert_string_equal(config_quant_w(p->config),
                            p->is_base ? "none" : config_quant_w(p->config));
        for (int k = 0; k < g->n_points; k++)
            if (g->points[k].is_base && g->points[k].size.body == p->size.body)
                assert_string_equal(p->twin, g->points[k].id);
    }
    assert_int_equal(bases, 2);
    assert_string_equal(g->blocks[1].label, "baseline");
    assert_int_equal(g->blocks[1].points, 2);
    grid_free(g);
}

static void a_baseline_written_out_gives_the_same_points(void **state)
{
    struct grid *a = grid_of(TWO_SIZES "[block \"q\"]\nquant.w = int4\n", NULL);
    struct grid *b = grid_of(TWO_SIZES "[block \"baseline\"]\nquant.w = none\n"
                                       "[block \"q\"]\nquant.w = int4\n",
                             NULL);
    struct grid *none =
        grid_of(TWINS_OFF TWO_SIZES "[block \"q\"]\nquant.w = int4\n", NULL);

    (void)state;
    assert_int_equal(a->n_points, 4);
    assert_int_equal(b->n_points, 4);
    assert_int_equal(none->n_points, 2);
    for (int i = 0; i < 4; i++)
        assert_string_equal(a->points[i].id, b->points[i].id);
    grid_free(a);
    grid_free(b);
    grid_free(none);
}

static void a_twin_has_the_seeds_of_all_it_is_compared_with(void **state)
{
    struct grid *g = grid_of("[block \"a\"]\nquant.w = int4\nrepeat = 2\n"
                             "[block \"b\"]\nquant.w = int8\nrepeat = 5\n",
                             NULL);

    (void)state;
    assert_int_equal(g->n_points, 3);
    assert_int_equal(g->n_runs, 2 + 5 + 5);
    assert_true(g->points[0].is_base);
    assert_int_equal(g->points[0].n_seeds, 5);
    grid_free(g);
}

/* Layer overrides are quantization too: their twin has none of them. */
static void overrides_are_left_out_of_the_twin(void **state)
{
    struct grid *g = grid_of("[quant \"fc2\"]\nx = int8\n", NULL);

    (void)state;
    assert_int_equal(g->n_points, 2);
    assert_true(g->points[0].is_base);
    assert_null(config_get(g->points[0].config, "quant.fc2.x"));
    assert_string_equal(config_get(g->points[1].config, "quant.fc2.x"), "int8");
    grid_free(g);
}

/* --- formulas ------------------------------------------------------------ */

/* Body weights of one block: 4 d^2 for attention without grouped queries and
 * 3 d f for SwiGLU; d = 32, f = 96: 4096 + 9216 = 13312. */
#define N_32 13312.0

static void derived_keys_are_computed_in_the_order_they_need(void **state)
{
    struct grid *g = grid_of("[model]\nn_layer = 1\nd_model = 32\n"
                             "d_ff = 96\nseq_len = 64\n"
                             "[train]\nbatch = 8\n"
                             "[derive]\n"
                             "train.tokens = round_to(x.flops / (6 * N_body),"
                             "\n    train.batch * model.seq_len)\n"
                             "x.flops = x.exa * 1e9\n"
                             "[axis \"budget\"]\nkeys = x.exa\n"
                             "values = 1, 4\n",
                             NULL);

    (void)state;
    assert_int_equal(g->n_points, 2);
    for (int i = 0; i < 2; i++) {
        const double flops = i == 0 ? 1e9 : 4e9;

        check_close((double)g->points[i].size.body, N_32, 0);
        check_close((double)config_train_tokens(g->points[i].config),
                    round(flops / (6 * N_32) / 512) * 512, 0);
    }
    grid_free(g);
}

/* D is counted in whole steps, whose size the formula before it sets: a step
 * of 3 x 128 tokens makes 1M tokens 2605 steps. */
static void a_size_is_computed_again_after_what_it_depends_on(void **state)
{
    struct grid *g = grid_of("[derive]\nx.d = D\n"
                             "train.batch = N_body > 0 ? 3 : 1\n"
                             "train.lr = x.d / 1e9\n",
                             NULL);

    (void)state;
    assert_int_equal(config_train_batch(g->points[0].config), 3);
    check_relative(config_train_lr(g->points[0].config), 2605 * 384 / 1e9,
                   1e-12);
    grid_free(g);
}

static void filters_are_counted_in_the_order_of_the_file(void **state)
{
    struct grid *g =
        grid_of(TWINS_OFF "[quant]\nw = int4, int8/g16, e2m1\n"
                          "group = 16, 32\n"
                          "[sweep]\ntrain.tokens = 16Ki, 64Ki\n"
                          "[filter]\n"
                          "exclude = quant.w == int8 && quant.group > 16\n"
                          "keep = D < 20000 || quant.w != e2m1\n"
                          "exclude = D > 1M\n",
                NULL);

    (void)state;
    /* 12 cells; int8 with 32: 2; e2m1 with 64Ki: 2; nothing over 1M. */
    assert_int_equal(g->filters[0].removed, 2);
    assert_int_equal(g->filters[1].removed, 2);
    assert_int_equal(g->filters[2].removed, 0);
    assert_int_equal(g->n_points, 8);
    assert_int_equal(g->n_notes, 1);
    assert_non_null(strstr(g->notes[0], "grid.ini:11: the filter removes "
                                        "nothing: exclude = D > 1M"));
    grid_free(g);
}

static void a_filter_may_remove_what_does_not_fit_together(void **state)
{
    struct grid *g = grid_of("[sweep]\nmodel.d_model = 48, 64\n"
                             "[quant]\nw = int4\ngroup = 32\n"
                             "[filter]\nkeep = N_body > 0 && "
                             "floor(model.d_model / quant.group) * "
                             "quant.group == model.d_model\n",
                             NULL);

    (void)state;
    assert_int_equal(g->n_points, 2);
    assert_int_equal(grid_count(g, "model.d_model", "48"), 0);
    grid_free(g);
}

/* How many of {none, int4, int8/row, e2m1/tensor, mxfp4} a filter keeps. */
static int kept(const char *filter)
{
    char *text = mem_printf(TWINS_OFF
                            "[block \"a\"]\nquant.w = none, int4/row, mxfp4\n"
                            "[block \"b\"]\nquant.w = int8\nquant.group = row\n"
                            "[block \"c\"]\nquant.w = e2m1\n"
                            "quant.group = tensor\nquant.scale = e8m0-floor\n"
                            "[block \"never\"]\nquant.w = int2\n"
                            "[filter]\nkeep = (%s) && quant.w != int2 || "
                            "quant.w == int3\n",
                            filter);
    struct grid *g = NULL;
    struct err err = { 0 };
    const enum status st = grid_from(&g, text, NULL, &err);
    const int n = st == OK ? g->n_points : -1;

    if (st != OK && !strstr(err.text, "leave no point"))
        fail_msg("%s: %s", filter, err.text);
    grid_free(g);
    free(text);
    return st == OK ? n : 0;
}

static void names_in_filters_mean_what_the_manual_says(void **state)
{
    (void)state;
    assert_int_equal(kept("quant.w == none"), 1);
    assert_int_equal(kept("quant.w == int4"), 1);
    assert_int_equal(kept("quant.w == e2m1"), 2); /* mxfp4 is made of it */
    assert_int_equal(kept("bits == 4"), 3);
    assert_int_equal(kept("bits == 32 && exp_bits == 8 && man_bits == 23"), 1);
    assert_int_equal(kept("exp_bits == 2 && man_bits == 1"), 2);
    assert_int_equal(kept("exp_bits == 0 && man_bits == 7"), 1);
    assert_int_equal(kept("quant.group == row"), 1);
    assert_int_equal(kept("quant.group == tensor"), 1);
    assert_int_equal(kept("quant.group <= 128"), 3);
    assert_int_equal(kept("quant.scale == e8m0_floor"), 1);
    assert_int_equal(kept("quant.range == absmax"), 5);
    assert_int_equal(kept("quant.round == stochastic"), 0);
    assert_int_equal(kept("model.tied == no && !model.tied"), 5);
    assert_int_equal(kept("quant.w_d == forward"), 5);
    assert_int_equal(kept("quant.fc2.w == int4"), 1);
    assert_int_equal(kept("gmse > 0"), 4);
    assert_int_equal(kept("N == N_body && N_total == N_body + N_embed + "
                          "N_head + N_other"),
                     5);
    assert_int_equal(kept("D == steps * train.batch * model.seq_len"), 5);
    assert_int_equal(kept("flops > 6 * N * D && mem > 4 * N_total"), 5);
}

/* --- seeds --------------------------------------------------------------- */

static void seeds_may_depend_on_the_point(void **state)
{
    struct grid *g = grid_of("[model]\nn_layer = 1\n" TWO_SIZES
                             "[seeds]\ncount = N_body < 20k ? 3 : 1\n"
                             "first = 10\n",
                             NULL);

    (void)state;
    assert_int_equal(g->n_runs, 4);
    assert_int_equal(g->points[0].n_seeds, 3);
    assert_int_equal(g->points[0].seeds[0], 10);
    assert_int_equal(g->points[0].seeds[2], 12);
    assert_int_equal(g->points[1].n_seeds, 1);
    grid_free(g);
    g = grid_of("[seeds]\nlist = 7, 3\n", NULL);
    assert_int_equal(g->points[0].n_seeds, 2);
    assert_int_equal(g->points[0].seeds[1], 3);
    grid_free(g);
}

static void data_seeds_are_shared_by_arms_only_when_paired(void **state)
{
    struct grid *g = grid_of("[quant]\nw = int4\n", NULL);
    struct grid *h = grid_of("[quant]\nw = int4\n[seeds]\npair = no\n", NULL);

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(grid_data_seed(&g->points[i], 5), 5);
        /* Other data, so another run, and another twin with them. */
        assert_string_not_equal(g->points[i].id, h->points[i].id);
        assert_string_not_equal(g->points[i].twin, h->points[i].twin);
    }
    assert_int_not_equal(grid_data_seed(&h->points[0], 5),
                         grid_data_seed(&h->points[1], 5));
    grid_free(g);
    grid_free(h);
}

static void check_same(const char *a, const char *b, bool same)
{
    struct grid *g = grid_of(a, "grid.twins=no", NULL);
    struct grid *h = grid_of(b, "grid.twins=no", NULL);

    if ((strcmp(g->points[0].id, h->points[0].id) == 0) != same)
        fail_msg("%s and %s are%s one run", a, b, same ? " not" : "");
    grid_free(g);
    grid_free(h);
}

/* What a rule reads is measured as often as run.val_every says. */
static void validations_identify_a_run_only_where_a_rule_reads_them(
    void **state)
{
    const char *const rule = "[stop]\nearly = val_loss < 2\n";
    char *with = mem_printf("%s[run]\nval_every = 5\n", rule);
    char *other = mem_printf("%s[run]\nval_every = 6\n", rule);

    (void)state;
    check_same("[run]\nval_every = 5\n", "[run]\nval_every = 6\n", true);
    check_same("[stop]\nearly = loss < 2\n",
               "[stop]\nearly = loss < 2\n[run]\nval_every = 6\n", true);
    check_same(rule, with, false);
    check_same(with, other, false);
    check_same("[seeds]\npair = no\n", "[data]\norder = point\n", true);
    check_same("[seeds]\npair = yes\n", "[data]\norder = seed\n", true);
    free(with);
    free(other);
}

/* --- layers -------------------------------------------------------------- */

#define LAYERS                                                                 \
    "[train]\nbatch = 4\n[sweep]\ntrain.tokens = 16Ki, 32Ki\n"                 \
    "[block \"a\"]\nquant.w = int4\nquant.group = 16, 32\n"                    \
    "[derive]\ntrain.lr = 0.1 / model.d_model\n"

static void arguments_replace_what_the_file_says_about_a_key(void **state)
{
    struct grid *g = grid_of(TWINS_OFF LAYERS, "train.tokens=64Ki", NULL);

    (void)state;
    assert_int_equal(g->n_points, 2);
    assert_int_equal(g->n_axes, 0);
    assert_int_equal(grid_count(g, "train.tokens", "65536"), 2);
    grid_free(g);
    g = grid_of(TWINS_OFF LAYERS, "train.batch=2,4,8", NULL);
    assert_int_equal(g->n_points, 3 * 2 * 2);
    grid_free(g);
    g = grid_of(TWINS_OFF LAYERS, "quant.group=64", NULL);
    assert_int_equal(g->n_points, 2);
    assert_int_equal(grid_count(g, "quant.group", "64"), 2);
    grid_free(g);
    g = grid_of(TWINS_OFF LAYERS, "train.lr=0.5", NULL);
    assert_int_equal(grid_count(g, "train.lr", "0.5"), 4);
    grid_free(g);
    g = grid_of(TWINS_OFF LAYERS, "train.batch=16", "train.batch = 2", NULL);
    assert_int_equal(grid_count(g, "train.batch", "2"), 4);
    grid_free(g);
}

/* A list on the command line is an axis for every block, whether or not the
 * block said something about the key. */
static void a_list_as_an_argument_is_an_axis_everywhere(void **state)
{
    struct grid *g = grid_of(TWINS_OFF "[block \"a\"]\nquant.w = int4\n"
                                       "quant.group = 64\n"
                                       "[block \"b\"]\nquant.w = int8\n",
                             "quant.group=16,32", NULL);

    (void)state;
    assert_int_equal(g->n_points, 4);
    assert_int_equal(grid_count(g, "quant.group", "16"), 2);
    grid_free(g);
}

static void arguments_append_and_remove(void **state)
{
    struct grid *g = grid_of(TWINS_OFF LAYERS, "train.tokens+=64Ki", NULL);

    (void)state;
    assert_int_equal(g->n_points, 3 * 2);
    grid_free(g);
    g = grid_of(TWINS_OFF LAYERS, "quant.group+=64,row", NULL);
    assert_int_equal(g->n_points, 2 * 4);
    grid_free(g);
    g = grid_of(TWINS_OFF LAYERS, "train.batch+=8", NULL);
    assert_int_equal(g->n_points, 2 * 2 * 2);
    grid_free(g);
    g = grid_of(TWINS_OFF LAYERS, "!train.tokens", "!quant.group", NULL);
    assert_int_equal(g->n_points, 1);
    grid_free(g);
    g = grid_of("[axis \"s\"]\nkeys = model.n_layer, model.d_model\n"
                "values = 2, 32\n 3, 64\n",
                "!model.n_layer", NULL);
    assert_int_equal(g->n_points, 2);
    assert_int_equal(grid_count(g, "model.n_layer", "4"), 2);
    assert_int_equal(grid_count(g, "model.d_model", "64"), 1);
    grid_free(g);
}

static void later_files_win_and_paths_lie_beside_the_file(void **state)
{
    struct err err = { 0 };
    struct grid *g = NULL;
    char *overlay;
    const char *overlays[1];
    struct grid_options options = { .overlays = overlays, .n_overlays = 1 };

    (void)state;
    grid_write("lab.ini", "[train]\nlr = 1e-3\nbatch = 4\n"
                          "[sweep]\nmodel.d_model = 32, 64\n"
                          "train.beta1 = 0.9\n");
    grid_write("overlay.ini", "[axis \"size\"]\nkeys = model.d_model\n"
                              "values = 96\n");
    overlay = mem_strdup(grid_path("overlay.ini"));
    overlays[0] = overlay;
    check_ok(grid_from(&g, "[include]\npath = lab.ini\n[train]\nlr = 2e-3\n",
                       NULL, &err),
             err);
    assert_int_equal(g->n_points, 2);
    assert_int_equal(grid_count(g, "train.lr", "0.002"), 2);
    assert_int_equal(grid_count(g, "train.batch", "4"), 2);
    grid_free(g);
    check_ok(grid_from(&g, "[include]\npath = lab.ini\n", &options, &err), err);
    assert_int_equal(g->n_points, 1);
    assert_int_equal(grid_count(g, "model.d_model", "96"), 1);
    assert_string_equal(g->axes[0].label, "size");
    grid_free(g);
    free(overlay);
}

static void data_lie_beside_the_file_that_names_them(void **state)
{
    struct err err = { 0 };
    struct grid *g = NULL;
    char *want;

    (void)state;
    check_ok(file_make_dirs(grid_path("lab"), &err), err);
    grid_write("lab/data.ini", "[data]\npath = words.txt\n");
    grid_write("lab/words.txt", long_text);
    grid_write("top.ini", "[include]\npath = lab/data.ini\n");
    check_ok(grid_load(&g, grid_path("top.ini"), NULL, &err), err);
    want = mem_strdup(grid_path("lab/words.txt"));
    assert_string_equal(config_data_path(g->points[0].config), want);
    /* The merged file stands where the grid file does. */
    assert_non_null(strstr(g->text, "path = lab/words.txt\n"));
    grid_free(g);
    free(want);
}

/* A prefix of the data is other data, so it may be an axis. */
static void the_size_of_the_data_may_be_swept(void **state)
{
    struct grid *g = grid_of("[sweep]\ndata.max_bytes = 1000, 2000\n", NULL);

    (void)state;
    assert_int_equal(g->n_points, 2);
    assert_string_not_equal(g->points[0].id, g->points[1].id);
    grid_free(g);
}

static void profiles_apply_only_when_asked_for(void **state)
{
    static const char *const laptop[] = { "laptop" };
    const char *text = "[sweep]\ntrain.tokens = 1M, 4M\n"
                       "[profile \"laptop\"]\nrun.slots = 2\n"
                       "train.tokens = 64Ki\n";
    struct grid_options options = { .profiles = laptop, .n_profiles = 1 };
    struct err err = { 0 };
    struct grid *g = grid_of(text, NULL);

    (void)state;
    assert_int_equal(g->n_points, 2);
    assert_int_equal(config_run_slots(g->base), 0);
    grid_free(g);
    check_ok(grid_from(&g, text, &options, &err), err);
    assert_int_equal(g->n_points, 1);
    assert_int_equal(config_run_slots(g->base), 2);
    grid_free(g);
}

static void only_and_skip_choose_and_the_grid_stays(void **state)
{
    struct grid_options options = { .only = "model.d_model > 32",
                                    .skip = "train.lr > 0.01" };
    struct err err = { 0 };
    struct grid *g = NULL;

    (void)state;
    check_ok(grid_from(&g, TWO_SIZES "train.lr = 1e-3, 1e-2, 2e-2\n", &options,
                       &err),
             err);
    assert_int_equal(g->n_points, 6);
    assert_int_equal(g->n_chosen, 2);
    assert_string_equal(g->choice, "--only 'model.d_model > 32' --skip "
                                   "'train.lr > 0.01'");
    for (int i = 0; i < g->n_points; i++)
        assert_int_equal(g->points[i].chosen,
                         config_model_d_model(g->points[i].config) > 32 &&
                             config_train_lr(g->points[i].config) <= 0.01);
    grid_free(g);
}

/* However the twins came about. */
static void the_twins_of_what_is_chosen_are_chosen(void **state)
{
    static const char *const more[] = { "", "[block \"plain\"]\n" };
    struct grid_options options = { .only = "bits == 4 && train.lr < 5e-3" };
    struct err err = { 0 };

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        char *text = mem_printf(TWO_SIZES "train.lr = 1e-3, 1e-2\n"
                                          "[block \"a\"]\nquant.w = int4, "
                                          "int8\n%s",
                                more[k]);
        struct grid *g = NULL;

        check_ok(grid_from(&g, text, &options, &err), err);
        assert_int_equal(g->n_points, 12);
        assert_int_equal(g->n_chosen, 4);
        for (int i = 0; i < g->n_points; i++)
            if (g->points[i].is_base)
                assert_int_equal(g->points[i].chosen,
                                 config_train_lr(g->points[i].config) < 5e-3);
        grid_free(g);
        free(text);
    }
}

/* --- order --------------------------------------------------------------- */

static void cheapest_runs_come_first_unless_said_otherwise(void **state)
{
    const char *text = "[sweep]\nmodel.d_model = 64, 32, 96\n"
                       "[block \"late\"]\nquant.w = int4\n"
                       "[block \"early\"]\nquant.w = int8\npriority = 1\n";
    struct grid *g = grid_of(text, NULL);

    (void)state;
    /* The twins of "early" have its priority. */
    assert_int_equal(g->points[0].size.body < g->points[2].size.body, 1);
    for (int i = 0; i < 6; i++)
        assert_int_equal(g->points[i].priority, 1);
    for (int i = 0; i < 6; i += 2)
        assert_true(g->points[i].is_base);
    for (int i = 7; i < 9; i++)
        assert_true(g->points[i].size.body >= g->points[i - 1].size.body);
    grid_free(g);
    g = grid_of(text, "order.by=file", "grid.twins=no", NULL);
    assert_int_equal(config_model_d_model(g->points[0].config), 64);
    assert_int_equal(config_model_d_model(g->points[1].config), 32);
    assert_int_equal(config_model_d_model(g->points[2].config), 96);
    grid_free(g);
}

/* The same numbers every time, others for another seed. */
static void a_random_order_depends_on_its_seed_only(void **state)
{
    const char *text = TWINS_OFF "[sweep]\n"
                                 "train.lr = step(0.001, 0.02, 0.001)\n"
                                 "[order]\nby = random\n";
    struct grid *file = grid_of(text, "order.by=file", NULL);
    struct grid *a = grid_of(text, NULL), *b = grid_of(text, NULL);
    struct grid *c = grid_of(text, "order.seed=2", NULL);
    int from_file = 0, from_other = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_string_equal(a->points[i].id, b->points[i].id);
        from_file += strcmp(a->points[i].id, file->points[i].id) != 0;
        from_other += strcmp(a->points[i].id, c->points[i].id) != 0;
    }
    /* Two orders of 20 agree in one place on average. */
    assert_true(from_file > 10 && from_other > 10);
    grid_free(file);
    grid_free(a);
    grid_free(b);
    grid_free(c);
}

/* --- identity ------------------------------------------------------------ */

static void spelling_order_and_comments_do_not_change_an_identity(void **state)
{
    struct grid *a = grid_of("[model]\nd_model = 32\nn_layer = 2\n"
                             "[train]\nlr = 1e-3\ntokens = 64Ki\n"
                             "[quant]\nw = int4\ngroup = 16\n",
                             NULL);
    struct grid *b = grid_of("[quant]\ngroup = 16 ; elements\nw = int4/g16\n"
                             "[train]\ntokens = 65536\nlr = .001\n"
                             "warmup = 0.05\n"
                             "[model]\nn_layer = 2\nd_model = 32\ntied = Off\n"
                             "[run]\nthreads = 2\n",
                             NULL);

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_string_equal(a->points[i].id, b->points[i].id);
    assert_string_not_equal(a->points[0].id, a->points[1].id);
    grid_free(a);
    grid_free(b);
}

/* A value for each hashed key that differs from its default. */
static const char *other_value(const struct setting *s)
{
    static const struct {
        const char *key, *value;
    } rows[] = {
        { "model.n_layer", "3" },
        { "model.d_model", "96" },
        { "model.n_head", "4" },
        { "model.n_kv_head", "1" },
        { "model.d_ff", "96" },
        { "model.vocab", "300" },
        { "model.seq_len", "64" },
        { "model.tied", "yes" },
        { "data.delimiter", "---" },
        { "data.max_bytes", "1000" },
        { "train.tokens", "2M" },
        { "train.batch", "4" },
        { "train.schedule", "constant" },
        { "quant.dy_d", "int8" },
        { "quant.dy_g", "int8" },
        { "quant.w_d", "none" },
        { "quant.x_g", "none" },
        { "quant.w", "int8" },
        { "quant.x", "int4" },
        { "quant.group", "16" },
        { "quant.scale", "bf16" },
        { "quant.range", "pct:99" },
        { "slurm.max_time", "2h" },
        { "quant.round", "stochastic" },
        { "quant.grad", "clip" },
        { "post.fit", "rtn" },
        { "post.w", "int8" },
        { "post.x", "int4" },
        { "post.group", "16" },
        { "post.scale", "bf16" },
        { "post.range", "pct:99" },
        { "post.round", "stochastic" },
        { "post.act_order", "no" },
        { "slurm.max_time", "2h" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].key, s->key) == 0)
            return rows[i].value;
    return NULL;
}

/* What was kept for another configuration must not be given for this one. */
static void check_size(struct point_ids *ids, const struct config *c)
{
    const struct model_size got = point_size(ids, c), want = config_size(c);

    assert_int_equal(got.memory_bytes, want.memory_bytes);
    assert_int_equal(got.body, want.body);
    assert_int_equal(got.tokens, want.tokens);
    assert_true(got.flops_per_token == want.flops_per_token);
}

static void every_hashed_key_changes_the_identity_and_no_other(void **state)
{
    const char *text =
        "[quant]\nw = int4\nx = int8\n"
        "[model]\nd_model = 64\nn_head = 2\n"
        "[train]\nschedule = wsd\n"
        "[post]\nfit = gptq\nw = int4\n" TWINS_OFF "parents = no\n";
    struct grid *base = grid_of(text, NULL);
    struct point_ids *ids = point_ids_new();

    (void)state;
    check_size(ids, base->points[0].config);
    for (int i = 0; setting_at(i); i++) {
        const struct setting *s = setting_at(i);
        const char *value = other_value(s);
        char buf[32], *set;
        struct grid *g;
        bool hashed;

        if (strncmp(s->key, "data.", 5) == 0 && !value)
            continue;
        if (!value && s->type != SETTING_INT && s->type != SETTING_REAL &&
            s->type != SETTING_DURATION)
            continue;
        if (!value)
            value = text_number(buf, strtod(s->fallback, NULL) == 0
                                         ? 2
                                         : strtod(s->fallback, NULL) * 0.75);
        if (s->type == SETTING_INT && strchr(value, '.'))
            value = "7";
        set = mem_printf("%s=%s", s->key, value);
        g = grid_of(text, set, NULL);
        /* A prefix of the data is other data. */
        hashed = setting_varies(s) || strcmp(s->key, "data.max_bytes") == 0;
        if ((strcmp(g->points[0].id, base->points[0].id) != 0) != hashed)
            fail_msg("%s is %shashed, but the identity does %sfollow", set,
                     hashed ? "" : "not ", hashed ? "not " : "");
        check_size(ids, g->points[0].config);
        grid_free(g);
        free(set);
    }
    point_ids_free(ids);
    grid_free(base);
}

/* Written by hand from the rules of point_id.h, hashed with sha256sum. */
static const struct golden {
    const char *grid, *canonical, *id;
} golden[] = {
    { "[model]\nd_model = 32\nn_head = 2\nn_layer = 2\nseq_len = 64\n"
      "[train]\ntokens = 10k\nbatch = 4\n",
      "{\"data\":{\"delimiter\":\"<|endoftext|>\",\"sha256\":\"20886fcdaf3158"
      "80eae9370d0d70c20811b3a239280ea3d67a1a644a26bdbadc\",\"val_fraction\":"
      "0.05,\"val_tokens\":65536},\"model\":{\"d_ff\":96,\"d_model\":32,"
      "\"init_std\":0.02,\"n_head\":2,\"n_kv_head\":2,\"n_layer\":2,"
      "\"norm_eps\":1e-05,\"rope_theta\":10000,\"seq_len\":64,\"tied\":false,"
      "\"vocab\":256},\"stop\":{\"loss\":0},\"train\":{\"batch\":4,"
      "\"beta1\":0.9,\"beta2\":0.95,\"decay\":0.2,\"eps\":1e-08,"
      "\"grad_clip\":1,\"lr\":0.003,\"lr_final\":0.1,\"schedule\":"
      "\"cosine\",\"tokens\":10240,\"warmup\":2,\"weight_decay\":0.1}}",
      "aab19a40a9e01fdd" },
    { "[model]\nd_model = 32\nn_head = 2\nn_layer = 2\nseq_len = 64\n"
      "[train]\ntokens = 10k\nbatch = 4\n[quant]\nw = int4\nx = e4m3/row\n"
      "dy_d = mxfp8\ngroup = 16\n",
      "{\"data\":{\"delimiter\":\"<|endoftext|>\",\"sha256\":\"20886fcdaf3158"
      "80eae9370d0d70c20811b3a239280ea3d67a1a644a26bdbadc\",\"val_fraction\":"
      "0.05,\"val_tokens\":65536},\"model\":{\"d_ff\":96,\"d_model\":32,"
      "\"init_std\":0.02,\"n_head\":2,\"n_kv_head\":2,\"n_layer\":2,"
      "\"norm_eps\":1e-05,\"rope_theta\":10000,\"seq_len\":64,\"tied\":false,"
      "\"vocab\":256},\"quant\":{\"dy_d\":\"e4m3/g32/e8m0/absmax/nearest\","
      "\"w\":\"int4/g16/fp32/absmax/nearest\",\"x\":"
      "\"e4m3/row/fp32/absmax/nearest\"},\"stop\":{\"loss\":0},\"train\":{"
      "\"batch\":4,\"beta1\":0.9,\"beta2\":0.95,\"decay\":0.2,"
      "\"eps\":1e-08,\"grad_clip\":1,\"lr\":0.003,\"lr_final\":0.1,"
      "\"schedule\":\"cosine\",\"tokens\":10240,\"warmup\":2,"
      "\"weight_decay\":0.1}}",
      "32951b86bc701f71" },
};

/* Old databases must keep their runs: these never change. */
static void golden_identities_are_as_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
        char *with_twins_off = mem_printf(TWINS_OFF "%s", golden[i].grid);
        struct grid *g = grid_of(with_twins_off, NULL);
        char *text = point_canonical(g->points[0].config, IDENTITY_RUN);

        assert_string_equal(text, golden[i].canonical);
        assert_string_equal(g->points[0].id, golden[i].id);
        assert_string_equal(g->points[0].twin, golden[0].id);
        free(text);
        free(with_twins_off);
        grid_free(g);
    }
}

/* A pseudo-random walk through the keys, so that cached parts are met again
 * in other company. */
static void kept_parts_give_the_same_identities(void **state)
{
    static const char *const sets[][2] = {
        { "quant.w", "int4" },        { "quant.w", "none" },
        { "quant.x", "mxfp4" },       { "quant.x", "none" },
        { "quant.group", "row" },     { "quant.group", "32" },
        { "quant.fc2.x", "int8" },    { "quant.fc2.x", "none" },
        { "quant.last:1.w", "e2m1" }, { "model.n_layer", "2" },
        { "model.n_layer", "3" },     { "train.lr", "0.01" },
        { "train.lr", "0.02" },       { "model.d_model", "96" },
        { "model.d_model", "64" },    { "quant.grad", "clip" },
        { "quant.grad", "ste" },      { "quant.w_d", "none" },
        { "train.batch", "4" },       { "train.batch", "8" },
        { "quant.gemm", "fake" },     { "quant.gemm", "integer" },
        { "train.compute", "bf16" },  { "train.compute", "f32" },
        { "post.fit", "rtn" },        { "post.fit", "gptq" },
        { "post.w", "int3" },         { "post.w", "int4" },
        { "post.fc2.w", "int8" },     { "post.group", "16" },
        { "post.calib", "8" },        { "post.draw", "2" },
    };
    const size_t n_sets = sizeof sets / sizeof sets[0];
    struct grid *g = grid_of(TWINS_OFF, NULL);
    struct point_ids *ids = point_ids_new();
    struct err err = { 0 };
    uint32_t x = 1;

    (void)state;
    config_set(g->points[0].config, "post.fit", "rtn", NULL);
    for (int i = 0; i < 800; i++) {
        struct config *c = g->points[0].config;
        char want[HASH_ID];
        struct point_names names;

        x = x * 1664525u + 1013904223u;
        config_set(c, sets[(x >> 16) % n_sets][0], sets[(x >> 16) % n_sets][1],
                   NULL);
        check_ok(config_resolve(c, &err), err);
        point_ids_of(&names, ids, c);
        point_id(want, c, IDENTITY_RUN);
        assert_string_equal(names.id, want);
        point_id(want, c, IDENTITY_PARENT);
        assert_string_equal(names.parent, want);
        point_id(want, c, IDENTITY_TWIN);
        assert_string_equal(names.twin, want);
        check_size(ids, c);
    }
    point_ids_free(ids);
    grid_free(g);
}

/* More points than keep their configurations: they are made again. */
static void large_grids_make_configurations_again(void **state)
{
    const struct grid_options options = { .kept_configs = 100 };
    struct err err = { 0 };
    struct grid *g = NULL;

    (void)state;
    check_ok(grid_from(&g,
                       "[model]\nn_layer = 1\n[sweep]\n"
                       "model.d_model = 32, 64\n"
                       "train.lr = lin(0.001, 0.002, 500)\n"
                       "train.weight_decay = lin(0, 0.1, 10)\n"
                       "[derive]\nx.a = train.lr * 2\n"
                       "[block \"q\"]\nquant.w = int4\n"
                       "[order]\nby = random\n",
                       &options, &err),
             err);
    assert_int_equal(g->n_points, 20000);
    for (int i = 0; i < g->n_points; i += 997) {
        const struct grid_point *p = &g->points[i];
        struct config *c = grid_config(g, i);
        char id[HASH_ID];

        assert_null(p->config);
        assert_int_equal(p->ordinal, i);
        point_id(id, c, IDENTITY_RUN);
        assert_string_equal(id, p->id);
        point_id(id, c, IDENTITY_TWIN);
        assert_string_equal(id, p->twin);
        assert_int_equal(p->operands, p->is_base ? 0 : 1);
        assert_int_equal(config_size(c).memory_bytes, p->size.memory_bytes);
        config_free(c);
    }
    grid_free(g);
}

/* 100 cells, of which a filter leaves two; and 8, of which twins make 16. */
static void configurations_are_kept_by_the_number_of_points(void **state)
{
    const struct grid_options options = { .kept_configs = 10 };
    struct err err = { 0 };
    struct grid *g = NULL;

    (void)state;
    check_ok(grid_from(&g,
                       TWINS_OFF "[sweep]\ntrain.batch = step(1, 100, 1)\n"
                                 "[filter]\nkeep = train.batch <= 2\n",
                       &options, &err),
             err);
    assert_int_equal(g->n_points, 2);
    assert_int_equal(grid_count(g, "train.batch", "2"), 1);
    grid_free(g);
    check_ok(grid_from(&g,
                       "[sweep]\ntrain.batch = step(1, 8, 1)\n"
                       "[block \"q\"]\nquant.w = int4\n",
                       &options, &err),
             err);
    assert_int_equal(g->n_points, 16);
    for (int i = 0; i < 16; i++)
        assert_null(g->points[i].config);
    grid_free(g);
}

/* --- merged text --------------------------------------------------------- */

static void check_same_grid(const struct grid *a, const struct grid *b)
{
    assert_string_equal(a->text, b->text);
    assert_string_equal(a->sha256, b->sha256);
    assert_int_equal(a->n_points, b->n_points);
    for (int i = 0; i < a->n_points; i++) {
        assert_string_equal(a->points[i].id, b->points[i].id);
        assert_int_equal(a->points[i].n_seeds, b->points[i].n_seeds);
        assert_string_equal(a->points[i].block, b->points[i].block);
    }
}

static void the_merged_text_reads_back_to_the_same_grid(void **state)
{
    const char *text =
        "[grid]\nname = \"a # b\"\ndescription = Does it, or not?\n"
        "[model]\nd_model = 32\n"
        "[data]\ndelimiter = \"# --\"\npath = \"odd, (1).txt\"\nval = \"\"\n"
        "[axis \"size\"]\nkeys = model.n_layer, x.r\nvalues = 1, 2\n 2, 0.5\n"
        "[sweep]\ntrain.tokens = log(16Ki, 1Mi, 4)\n"
        "quant.last:1.w = int8, none\n"
        "[quant \"fc2\"]\nx = int8\n"
        "[block \"a\"]\nquant.w = int4, e2m1:finite\nrepeat = 2\n"
        "[block \"b\"]\nquant.w = mxfp4\npriority = 3\n" ZIPPED
        "[derive]\ntrain.lr = x.r * 1e-3\n"
        "[filter]\nexclude = model.n_layer == 1 &&\n  bits == 4\n"
        "[seeds]\ncount = N < 1M ? 2 : 1\n[budget]\nmax_wall = 30m\n"
        "[order]\nby = file\n[run]\ntimeout = 1h\nslots = 2\n";
    struct grid *a, *b = NULL;
    struct err err = { 0 };

    (void)state;
    grid_write("odd, (1).txt", long_text);
    a = grid_of(text, "train.batch=2,4", NULL);
    assert_non_null(strstr(a->text, "path = \"odd, (1).txt\","));
    grid_write("again.ini", a->text);
    check_ok(grid_load(&b, grid_path("again.ini"), NULL, &err), err);
    check_same_grid(a, b);
    grid_free(a);
    grid_free(b);
}

/* Names with quotes in them cannot be quoted.  Where a long list breaks, none of
 * them becomes a section or a comment. */
static void names_with_quotes_stay_names(void **state)
{
    static const char *const names[] = {
        "[c \"d\"] e.txt", "[x]\"",       "#\"n.txt", ";\"n.txt",
        "a\"b.txt",        "k = \"v\" w", "\"",
    };
    static const char more[] =
        "a-name-that-fills-its-line-nearly-to-the-end-of-it";

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (int lead = 0; lead < 60; lead += 7) {
            char *text = mem_printf("[data]\npath = %s%.*s,%s,%s\n", more, lead,
                                    more, names[i], more);
            struct err err = { 0 };
            struct doc *d, *again;
            char *printed, *twice;

            grid_write("names.ini", text);
            if (doc_read(&d, grid_path("names.ini"), NULL, &err) == OK) {
                printed = doc_print(d);
                grid_write("names.ini", printed);
                check_ok(doc_read(&again, grid_path("names.ini"), NULL, &err),
                         err);
                twice = doc_print(again);
                assert_string_equal(printed, twice);
                assert_non_null(strstr(printed, names[i]));
                doc_free(again);
                doc_free(d);
                free(printed);
                free(twice);
            } else {
                assert_true(i == 6); /* a quote that is not closed */
            }
            free(text);
        }
}

/* --- formats of a user -------------------------------------------------------- */

#define MINE "[format \"mine\"]\nvalues = -1, -0.25, 0.0, 0.5, 1\n"

/* An arm is called as people call it where that says all; without the names
 * of presets as older databases have it. */
static void arms_are_named_as_people_name_them(void **state)
{
    static const struct {
        const char *quant, *name, *plain;
    } cases[] = {
        { "w = mxfp4\nx = mxfp4\n", "mxfp4 W+A", "e2m1 W+A g32 e8m0" },
        { "w = e2m1/g32/e8m0\n", "mxfp4 W", "e2m1 W g32 e8m0" },
        { "w = nvint4\nround = stochastic\n", "nvint4 W stochastic",
          "int4n W g16 e4m3 stochastic" },
        { "w = nvfp4\nx = mxfp8\n", "W:nvfp4+A:mxfp8",
          "W:e2m1+A:e4m3 g16 e4m3" },
        { "w = mxfp4\nx = int8\n", "W:e2m1+A:int8/fp32 g32 e8m0",
          "W:e2m1+A:int8 g32 e8m0" },
        { "w = int4\nx = int8/row\n", "W:int4+A:int8/row g32",
          "W:int4+A:int8 g32" },
        { "w = int4\nx = int4/g16/pct:99\n", "W:int4+A:int4/g16/pct:99 g32",
          "W:int4+A:int4 g32" },
        { "w = int4/pct:99\nx = int4\n", "W:int4+A:int4/absmax g32 pct:99",
          "W:int4+A:int4 g32 pct:99" },
        { "w = bf16\nx = int4/row\n", "W:bf16+A:int4/row", "W:bf16+A:int4" },
        { "w = nvfp4\nx = nvfp4\ndy_g = nvfp4/stochastic\n",
          "W:nvfp4+A:nvfp4+dYg:nvfp4/stochastic",
          "W:e2m1+A:e2m1+dYg:e2m1 g16 e4m3" },
        { "w = e2m1\ngroup = 16\nscale = e8m0\n", "e2m1 W g16 e8m0",
          "e2m1 W g16 e8m0" },
        { "x = mxint8\n", "mxint8 A", "int8n A g32 e8m0" },
        { "w = none\n", "unquantized", "unquantized" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = mem_printf(TWINS_OFF "[quant]\n%s", cases[i].quant);
        struct grid *g = grid_of(text, NULL);
        char *name = arm_text(g->points[0].config, true);
        char *plain = arm_text(g->points[0].config, false);

        assert_string_equal(name, cases[i].name);
        assert_string_equal(plain, cases[i].plain);
        free(name);
        free(plain);
        free(text);
        grid_free(g);
    }
}

static void a_format_of_the_file_is_one_like_others(void **state)
{
    struct grid *g = grid_of(TWINS_OFF "[quant]\nw = mine, int4, mine/g16\n"
                                       "[quant \"fc2\"]\nx = mine\n" MINE
                                       "[filter]\nexclude = quant.w == mine && "
                                       "quant.group > 99\n",
                             NULL);
    struct quant_spec spec;
    bool reuse;

    (void)state;
    assert_int_equal(g->n_points, 3);
    assert_int_equal(grid_count(g, "quant.w", "mine:-1:-0.25:0:0.5:1/g16"), 1);
    assert_string_equal(g->axes[0].values, "mine int4 mine/g16");
    config_quant(&spec, &reuse, g->points[0].config, 0, LAYER_FC2, OPERAND_X);
    assert_int_equal(spec.elem.table->n, 5);
    assert_true(spec.elem.max == 1);
    grid_free(g);
}

/* Names do not matter to a run, values do; a format that nothing uses, not. */
static void values_are_part_of_a_point(void **state)
{
    static const char *const texts[] = {
        TWINS_OFF "[quant]\nw = mine\n" MINE,
        TWINS_OFF "[quant]\nw = mine\n[format \"mine\"]\n"
                  "values = -1, -0.250, 0, 5e-1, 1.0\n",
        TWINS_OFF "[quant]\nw = mine\n[format \"mine\"]\n"
                  "values = -1, -0.25, 0, 0.75, 1\n",
        TWINS_OFF "[quant]\nw = int4\n",
        TWINS_OFF "[quant]\nw = int4\n" MINE,
    };
    char id[5][HASH_ID], twin[HASH_ID], other[HASH_ID];

    (void)state;
    for (int i = 0; i < 5; i++) {
        struct grid *g = grid_of(texts[i], NULL);

        assert_int_equal(g->n_points, 1);
        strcpy(id[i], g->points[0].id);
        point_id(i ? other : twin, g->points[0].config, IDENTITY_TWIN);
        if (i)
            assert_string_equal(twin, other);
        grid_free(g);
    }
    assert_string_equal(id[0], id[1]);
    assert_string_not_equal(id[0], id[2]);
    assert_string_equal(id[3], id[4]);
}

static bool has_point(const struct grid *g, const char *id)
{
    for (int i = 0; i < g->n_points; i++)
        if (strcmp(g->points[i].id, id) == 0)
            return true;
    return false;
}

/* What the database keeps is read as the same points; so is the configuration
 * that a child process is given. */
static void formats_survive_printing_and_json(void **state)
{
    struct grid *g = grid_of(
        "[quant]\nw = mine/row, int4\n[axis \"both\"]\n"
        "keys = quant.x, quant.group\nvalues = mine, 16\n   int8, 32\n" MINE,
        NULL);
    struct grid *again = NULL;
    struct err err;

    (void)state;
    grid_write("again.ini", g->text);
    check_ok(grid_load(&again, grid_path("again.ini"), NULL, &err), err);
    assert_non_null(strstr(g->text, "values = -1, -0.25, 0, 0.5, 1\n"));
    assert_non_null(strstr(g->text, "quant.w = mine/row, int4"));
    assert_int_equal(g->n_points, again->n_points);
    for (int i = 0; i < g->n_points; i++) {
        json_t *json = config_json(g->points[i].config);
        struct config *copy;
        char id[HASH_ID];

        check_ok(config_from_json(&copy, json, "child", &err), err);
        check_ok(config_resolve(copy, &err), err);
        point_id(id, copy, IDENTITY_RUN);
        assert_string_equal(id, g->points[i].id);
        assert_true(has_point(again, id));
        config_free(copy);
        json_decref(json);
    }
    grid_free(again);
    grid_free(g);
}

/* A run of r ones is 2^(r-1), one of r zeros 2^-r; the bits behind the one that
 * ends it are the fraction. */
static double posit4(int code)
{
    const int first = code >> 2 & 1;
    int run = 1, left;

    while (run < 3 && (code >> (2 - run) & 1) == first)
        run++;
    left = run < 2 ? 2 - run : 0;
    return ldexp(1, first ? run - 1 : -run) *
           (1 + (double)(code & ((1 << left) - 1)) / (1 << left));
}

/* NF4 is the paper's, posit(4, 0) what its rule gives. */
static void the_formats_that_are_shipped_are_the_published(void **state)
{
    static const char *const sets[] = { "quant.w=nf4, posit4, log4" };
    static const struct grid_options options = { .sets = sets, .n_sets = 1 };
    char *text = mem_strdup("[include]\npath = " GRIDS
                            "/../../../experiments/formats.ini\n");
    struct grid *g = NULL;
    struct err err;

    (void)state;
    check_ok(grid_from(&g, text, &options, &err), err);
    for (int i = 0; i < g->n_points; i++) {
        const char *w = config_quant_w(g->points[i].config);
        struct quant_spec spec;

        check_ok(quant_parse(&spec, w, NULL, &err), err);
        if (text_has_prefix(w, "posit4"))
            for (int code = 1; code < 8; code++) {
                const double value = posit4(code);

                check_close((double)spec.elem.table->values[7 + code], value,
                            0);
                check_close((double)spec.elem.table->values[7 - code], -value,
                            0);
            }
        if (text_has_prefix(w, "nf4")) {
            check_close((double)spec.elem.table->values[1],
                        (double)-0.6961928009986877f, 0);
            check_close((double)spec.elem.table->values[8],
                        (double)0.07958029955625534f, 0);
            assert_int_equal(spec.elem.table->n, 16);
        }
    }
    assert_int_equal(g->n_points, 4);
    grid_free(g);
    free(text);
}

/* By hand: the line of each mistake is counted in the text; what stands between
 * them is right and gets no sentence. */
static void all_mistakes_are_said_at_once(void **state)
{
    static const char *const lines[] = {
        "grid.ini:2: unknown key 'model.n_layers', did you mean "
        "'model.n_layer'?",
        "grid.ini:6: unknown key 'train.lrr', did you mean 'train.lr'?",
        "grid.ini:9: unknown section [sweeep], did you mean [sweep]?",
        "more.ini:2: ",
        "grid.ini:14: ",
        "grid.ini:16: unknown key 'kep' in [filter], did you mean 'keep'?",
        "-s 'model.width=3': unknown key 'model.width'",
    };
    const char *set = "model.width=3";
    const struct grid_options o = { .sets = &set, .n_sets = 1 };
    struct grid *g;
    struct err err;
    const char *at;

    (void)state;
    grid_write("more.ini", "[train]\nbatch = many\n");
    assert_int_equal(grid_from(&g,
                               "[model]\nn_layers = 2\nd_model = 32\n"
                               "[train]\nbatch = 2\nlrr = 0.1\nlr = 0.1\n\n"
                               "[sweeep]\ntrain.lr = 1, 2\n[include]\n"
                               "path = more.ini\n[block \"b\"]\n"
                               "quant.w = int99x\n[filter]\nkep = N > 1\n",
                               &o, &err),
                     ERR_CONFIG);
    at = err.text;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *found = strstr(at, lines[i]);

        if (!found)
            print_error("no '%s' in: %s\n", lines[i], err.text);
        assert_non_null(found);
        at = found;
    }
    for (size_t i = 1; (at = strchr(i == 1 ? err.text : at, '\n')); i++, at++)
        assert_true(i < sizeof lines / sizeof lines[0]);
    /* formulas: only where the files are right */
    assert_int_equal(grid_from(&g,
                               "[model]\nd_model = 32\n[derive]\n"
                               "train.lr = 1 +\ntrain.batch = nothing * 2\n"
                               "[filter]\nkeep = N >> 1\n",
                               NULL, &err),
                     ERR_CONFIG);
    assert_non_null(strstr(err.text, "grid.ini:4:"));
    assert_non_null(strstr(err.text, "grid.ini:5:"));
    assert_non_null(strstr(err.text, "grid.ini:7:"));
}

/* More than a sentence can hold are counted. */
static void mistakes_without_room_are_counted(void **state)
{
    struct str text = { 0 };
    struct grid *g;
    struct err err;
    int said = 0, more = 0;

    (void)state;
    str_add(&text, "[train]\n");
    for (int i = 0; i < 500; i++)
        str_addf(&text, "nonsense%d = 1\n", i);
    assert_int_equal(grid_from(&g, str_text(&text), NULL, &err), ERR_CONFIG);
    for (const char *p = err.text; (p = strstr(p, "nonsense")); p++)
        said++;
    assert_non_null(strstr(err.text, "\n... and "));
    sscanf(strstr(err.text, "\n... and "), "\n... and %d more", &more);
    assert_int_equal(said + more, 500);
    str_release(&text);
}

/* By hand: the word of the group goes, of the quantizer that comes last. */
static void a_family_differs_in_the_last_group_alone(void **state)
{
    static const struct {
        const char *arm, *family;
    } cases[] = {
        { "int4 W+A g32", "int4 W+A" },
        { "mxfp4 W+A", "e2m1 W+A e8m0" },
        { "unquantized", "unquantized" },
        { "PTQ int3 W g32 gptq", "PTQ int3 W gptq" },
        { "PTQ int3 W row rtn draw=2", "PTQ int3 W rtn draw=2" },
        { "PTQ mxfp4 W rtn", "PTQ e2m1 W e8m0 rtn" },
        { "PTQ e2m1 W g16 e8m0 rtn", "PTQ e2m1 W e8m0 rtn" },
        { "int4 W g32, PTQ int3 W g16 rtn", "int4 W g32, PTQ int3 W rtn" },
        { "mxfp4 W+A, PTQ int3 W g16 rtn", "mxfp4 W+A, PTQ int3 W rtn" },
        { "mxfp4 W+A, PTQ W:mxfp4+A:mxfp8 rtn",
          "mxfp4 W+A, PTQ W:e2m1+A:e4m3 e8m0 rtn" },
    };
    static const char *const arms[] = { "PTQ mxfp4 W rtn", "PTQ nvfp4 W rtn",
                                        "PTQ e2m1 W g16 e8m0 rtn" };
    char **family = arm_families(arms, 3);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *got = arm_family(cases[i].arm);

        assert_string_equal(got, cases[i].family);
        free(got);
    }
    assert_string_equal(family[0], "PTQ e2m1 W e8m0 rtn");
    assert_string_equal(family[1], arms[1]); /* alone of its kind */
    assert_string_equal(family[2], family[0]);
    for (int i = 0; i < 3; i++)
        free(family[i]);
    free(family);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arms_are_named_as_people_name_them),
        cmocka_unit_test(a_format_of_the_file_is_one_like_others),
        cmocka_unit_test(values_are_part_of_a_point),
        cmocka_unit_test(formats_survive_printing_and_json),
        cmocka_unit_test(the_formats_that_are_shipped_are_the_published),
        cmocka_unit_test(a_sweep_is_crossed_with_a_zipped_axis),
        cmocka_unit_test(a_list_in_a_base_section_is_an_axis),
        cmocka_unit_test(blocks_are_added_up_and_their_lists_crossed),
        cmocka_unit_test(what_a_block_says_wins_over_an_axis),
        cmocka_unit_test(keys_of_a_block_move_together),
        cmocka_unit_test(one_key_of_a_block_alone_is_a_list),
        cmocka_unit_test(points_that_two_blocks_give_are_one),
        cmocka_unit_test(equal_numerics_are_one_point),
        cmocka_unit_test(each_quantized_point_gets_its_unquantized_twin_once),
        cmocka_unit_test(a_baseline_written_out_gives_the_same_points),
        cmocka_unit_test(a_twin_has_the_seeds_of_all_it_is_compared_with),
        cmocka_unit_test(overrides_are_left_out_of_the_twin),
        cmocka_unit_test(derived_keys_are_computed_in_the_order_they_need),
        cmocka_unit_test(a_size_is_computed_again_after_what_it_depends_on),
        cmocka_unit_test(filters_are_counted_in_the_order_of_the_file),
        cmocka_unit_test(a_filter_may_remove_what_does_not_fit_together),
        cmocka_unit_test(names_in_filters_mean_what_the_manual_says),
        cmocka_unit_test(seeds_may_depend_on_the_point),
        cmocka_unit_test(data_seeds_are_shared_by_arms_only_when_paired),
        cmocka_unit_test(
            validations_identify_a_run_only_where_a_rule_reads_them),
        cmocka_unit_test(arguments_replace_what_the_file_says_about_a_key),
        cmocka_unit_test(a_list_as_an_argument_is_an_axis_everywhere),
        cmocka_unit_test(arguments_append_and_remove),
        cmocka_unit_test(later_files_win_and_paths_lie_beside_the_file),
        cmocka_unit_test(data_lie_beside_the_file_that_names_them),
        cmocka_unit_test(the_size_of_the_data_may_be_swept),
        cmocka_unit_test(profiles_apply_only_when_asked_for),
        cmocka_unit_test(only_and_skip_choose_and_the_grid_stays),
        cmocka_unit_test(the_twins_of_what_is_chosen_are_chosen),
        cmocka_unit_test(cheapest_runs_come_first_unless_said_otherwise),
        cmocka_unit_test(a_random_order_depends_on_its_seed_only),
        cmocka_unit_test(spelling_order_and_comments_do_not_change_an_identity),
        cmocka_unit_test(every_hashed_key_changes_the_identity_and_no_other),
        cmocka_unit_test(golden_identities_are_as_written),
        cmocka_unit_test(all_mistakes_are_said_at_once),
        cmocka_unit_test(mistakes_without_room_are_counted),
        cmocka_unit_test(kept_parts_give_the_same_identities),
        cmocka_unit_test(large_grids_make_configurations_again),
        cmocka_unit_test(configurations_are_kept_by_the_number_of_points),
        cmocka_unit_test(the_merged_text_reads_back_to_the_same_grid),
        cmocka_unit_test(names_with_quotes_stay_names),
        cmocka_unit_test(a_family_differs_in_the_last_group_alone),
    };

    return cmocka_run_group_tests(tests, grid_dir_make, grid_dir_remove);
}
