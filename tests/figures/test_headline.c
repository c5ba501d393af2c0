/* Titles that are findings: short, and never more than an interval holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/label.h"
#include "base/rng.h"
#include "base/str.h"
#include "harness/figures/headline.h"
#include "tests/check.h"
#include "tests/figures/simulated.h"

/* The program's verbs, which nothing here asks for. */
/* The headline of a figure of simulated runs; the caller frees it. */
static char *headline(const char *figure, struct plot_data *d,
                      const struct plot_choice *choice)
{
    struct picture *p = picture_new("A name");
    char *text;

    headline_set(p, figure, d, choice);
    text = mem_strdup(p->headline);
    picture_free(p);
    return text;
}

static void release(struct plot_data *d)
{
    if (d->findings)
        findings_release(d->findings);
    free(d->findings);
    measured_release(&d->measured);
}

static bool says(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static void formats_differ_only_where_a_contrast_tells(void **state)
{
    int told = 0, untold = 0;

    (void)state;
    for (uint64_t r = 0; r < 40; r++) {
        struct plot_data d = { .grid = NULL };
        const struct findings *f;
        char *text;

        /* Two families alone cost the same. */
        simulate(&d.measured, &simulated_plans[3], r % 2 ? FAMILIES : 2,
                 rng_key(3, RNG_FIT, r));
        f = plot_data_findings(&d);
        text = headline("cost-by-arm", &d, NULL);
        assert_true(label_length(text) <= HEADLINE_LENGTH);
        assert_int_equal(says(text, "nats more than"), f->n_told > 0);
        assert_int_equal(says(text, "cannot tell"), f->n_told == 0);
        if (f->n_told) {
            const struct finding_contrast *c = &f->contrasts[0];

            assert_true(c->lo > 0 || c->hi < 0);
            assert_true(
                text_has_prefix(text, f->families[c->lo > 0 ? c->b : c->a]));
        }
        told += f->n_told > 0;
        untold += f->n_told == 0;
        free(text);
        release(&d);
    }
    assert_true(told > 5 && untold > 5);
}

static void a_direction_needs_an_interval_without_zero(void **state)
{
    static const char *const figures[FINDING_EFFECTS] = { "delta-vs-G",
                                                          "delta-vs-N",
                                                          "delta-vs-D" };
    int up = 0, down = 0, open = 0;

    (void)state;
    for (uint64_t r = 0; r < 20; r++) {
        struct plot_data d = { .grid = NULL };

        simulate(&d.measured, &simulated_plans[r % N_PLANS], FAMILIES,
                 rng_key(4, RNG_FIT, r));
        for (int i = 0; i < FINDING_EFFECTS; i++) {
            char *text = headline(figures[i], &d, NULL);
            const struct cells_mean *by =
                &plot_data_findings(&d)->effects[i].e.change.diff;
            const bool known = by->error != CELLS_NONE;

            assert_true(label_length(text) <= HEADLINE_LENGTH);
            assert_int_equal(says(text, "rise"), known && by->lo > 0);
            assert_int_equal(says(text, "fall"), known && by->hi < 0);
            assert_int_equal(says(text, "cannot tell"),
                             known && by->lo <= 0 && by->hi >= 0);
            up += says(text, "rise");
            down += says(text, "fall");
            open += says(text, "cannot tell");
            free(text);
        }
        release(&d);
    }
    assert_true(up && down && open);
}

static void what_shows_a_part_keeps_its_name(void **state)
{
    const char *at[] = { "D=100k" };
    const struct plot_choice part = { .at = at, .n_at = 1 };
    struct plot_data d = { .grid = NULL };
    char *text;

    (void)state;
    simulate(&d.measured, &simulated_plans[3], FAMILIES, 5);
    text = headline("delta-vs-G", &d, &part);
    assert_string_equal(text, "");
    free(text);
    text = headline("loss-curves", &d, NULL);
    assert_string_equal(text, "");
    free(text);
    release(&d);
}

/* The data file of a picture so wide, with a headline so long. */
static char *data_of(double width_mm, size_t length)
{
    struct picture *p = picture_new("What each format costs");
    struct str out = { 0 }, line = { 0 };

    while (line.len < length)
        str_add_char(&line, line.len % 8 == 7 ? ' ' : 'h');
    picture_say(&p->headline, "%s", str_text(&line));
    picture_say(&p->subtitle, "G = 8");
    picture_panel(p, "", "x", false, "y", false);
    picture_series(p, "a", 0);
    picture_point(p, 0, 0, 1, 1, 0);
    picture_point(p, 0, 0, 2, 2, 0);
    p->paper = (struct picture_paper){ .width_mm = width_mm, .font_pt = 9 };
    picture_data(&out, p, "f");
    picture_free(p);
    str_release(&line);
    return str_steal(&out);
}

static void the_name_is_the_subtitle_of_a_finding(void **state)
{
    char *text = data_of(0, 60);

    (void)state;
    assert_true(says(text, "title\thhhhhhh "));
    assert_true(says(text, "subtitle\tWhat each format costs; G = 8"));
    free(text);
    text = data_of(60, 70); /* no room on a column of paper */
    assert_true(says(text, "\ttitle\tWhat each format costs"));
    assert_true(says(text, "\tsubtitle\tG = 8"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_differ_only_where_a_contrast_tells),
        cmocka_unit_test(a_direction_needs_an_interval_without_zero),
        cmocka_unit_test(what_shows_a_part_keeps_its_name),
        cmocka_unit_test(the_name_is_the_subtitle_of_a_finding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
