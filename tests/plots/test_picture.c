/* Axes, names and points of a picture, and one picture for two themes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "plots/picture.h"
#include "plots/svg.h"
#include "tests/check.h"

static void numbers_are_written_as_on_paper(void **state)
{
    static const struct {
        double x;
        const char *want;
    } known[] = {
        { 0, "0" },
        { 0.05, "0.05" },
        { 200, "200" },
        { 1e4, "10\u2074" },
        { 2e4, "2\u00d710\u2074" },
        { 1e-7, "10\u207b\u2077" },
        { 1e12, "10\u00b9\u00b2" },
        { -3e5, "-3\u00d710\u2075" },
        { 1.5e23, "1.5\u00d710\u00b2\u00b3" },
    };
    char buf[48];

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_string_equal(picture_number(buf, known[i].x), known[i].want);
}

/* A picture with one panel whose points have these x. */
static struct picture *with_range(double lo, double hi, bool log)
{
    struct picture *p = picture_new("t");

    picture_panel(p, "", "x", log, "y", false);
    picture_point(p, 0, -1, lo, 0, 0);
    picture_point(p, 0, -1, hi, 1, 0);
    picture_axes(p);
    return p;
}

/* Whatever the range: it holds the data, tics lie inside it, ascend, and are
 * enough to read a scale from and few enough to stand side by side. */
static void every_axis_has_tics_that_can_be_read(void **state)
{
    const uint64_t key = rng_key(3, RNG_TEST, 2);

    (void)state;
    for (uint64_t i = 0; i < 4000; i++) {
        const double decade = 24 * rng_f64(key, 3 * i) - 8;
        const double lo = pow(10, decade);
        const double hi = lo * pow(10, 0.01 + 12 * rng_f64(key, 3 * i + 1));
        struct picture *p = with_range(lo, hi, i % 2);
        const struct picture_axis *a = &p->panels[0].x;

        assert_true(a->lo < lo && a->hi > hi);
        assert_in_range(a->n_tics, 2, 13);
        for (int k = 0; k < a->n_tics; k++) {
            assert_true(a->tics[k].at >= a->lo && a->tics[k].at <= a->hi);
            assert_true(k == 0 || a->tics[k].at > a->tics[k - 1].at);
        }
        picture_free(p);
    }
}

static void an_axis_of_one_value_or_of_none_has_a_range(void **state)
{
    static const double values[] = { 0, 1, -5, 1e-300, 1e300 };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct picture *p = with_range(values[i], values[i], false);

        assert_true(p->panels[0].x.lo < values[i]);
        assert_true(p->panels[0].x.hi > values[i]);
        assert_true(isfinite(p->panels[0].x.lo) && isfinite(p->panels[0].x.hi));
        picture_free(p);
    }
    {
        struct picture *p = picture_new("t");

        picture_panel(p, "", "x", true, "y", false);
        picture_axes(p);
        assert_true(p->panels[0].x.lo < p->panels[0].x.hi);
        assert_true(picture_is_empty(p));
        picture_free(p);
    }
}

/* The heights at which the names of series stand, from the data file. */
static int read_labels(double *y, int *series, const char *data)
{
    const char *p = strstr(data, "\n\n# labels\n");
    int n = 0, panel, used;

    if (!p)
        return 0;
    p = strchr(p + 3, '\n') + 1; /* the name */
    p = strchr(p, '\n') + 1;     /* the columns */
    while (sscanf(p, "%d %d %lf%n", &panel, &series[n], &y[n], &used) == 3) {
        n++;
        p = strchr(p, '\n') + 1;
    }
    return n;
}

/* Names next to the ends of lines: none over another, in the order of the
 * ends, inside the panel, and in place where there is room. */
static void names_of_series_do_not_cover_each_other(void **state)
{
    const uint64_t key = rng_key(4, RNG_TEST, 3);

    (void)state;
    for (uint64_t i = 0; i < 500; i++) {
        const int n = 2 + (int)rng_below(key, 100 * i, 10);
        struct picture *p = picture_new("t");
        struct str data = { 0 };
        double end[16], y[16];
        int series[16];

        picture_panel(p, "", "x", false, "y", false);
        picture_range(&p->panels[0].y, 0, 1);
        for (int s = 0; s < n; s++) {
            char name[8];
            int c;

            snprintf(name, sizeof name, "s%d", s);
            end[s] = rng_f64(key, 100 * i + 1 + (uint64_t)s);
            c = picture_curve(p, 0, picture_series(p, name, s), LOOK_LINE);
            picture_to(p, c, 0, 0.5);
            picture_to(p, c, 1, end[s]);
        }
        picture_data(&data, p, "t");
        assert_int_equal(read_labels(y, series, str_text(&data)), n);
        for (int k = 0; k < n; k++) {
            assert_true(y[k] >= 0 && y[k] <= 1);
            if (k > 0) {
                assert_true(y[k] - y[k - 1] >= 0.066 - 1e-9);
                assert_true(end[series[k]] >= end[series[k - 1]]);
            }
        }
        if (n == 2 && fabs(end[0] - end[1]) > 0.1 && end[0] > 0.1 &&
            end[0] < 0.9)
            check_close(y[series[0] == 0 ? 0 : 1], end[0], 1e-12);
        str_release(&data);
        picture_free(p);
    }
}

/* Every point that is left out has one of its series, drawn, so near that it
 * covers it: within a cell of 1/128 of the panel to each side. */
static void points_are_left_out_only_under_others(void **state)
{
    const uint64_t key = rng_key(5, RNG_TEST, 4);
    struct picture *p = picture_new("t");
    int drawn = 0;

    (void)state;
    picture_panel(p, "", "x", false, "y", false);
    picture_range(&p->panels[0].x, 0, 1);
    picture_range(&p->panels[0].y, 0, 1);
    picture_series(p, "a", 0);
    picture_series(p, "b", 1);
    for (uint64_t i = 0; i < 3000; i++)
        picture_point(p, 0, (int)(i % 2), 0.1 + 0.15 * rng_f64(key, 2 * i),
                      0.3 + 0.15 * rng_f64(key, 2 * i + 1), 0);
    picture_thin(p);
    for (int i = 0; i < p->n_points; i++) {
        const struct picture_point *a = &p->points[i];
        bool covered = a->size > 0;

        drawn += a->size > 0;
        for (int k = 0; k < p->n_points && !covered; k++) {
            const struct picture_point *b = &p->points[k];

            covered = b->size > 0 && b->series == a->series &&
                      fabs(a->x - b->x) <= 1.0 / 128 &&
                      fabs(a->y - b->y) <= 1.0 / 128;
        }
        assert_true(covered);
    }
    assert_in_range(drawn, 100, 1000);
    picture_free(p);
}

static void points_with_intervals_are_all_drawn(void **state)
{
    struct picture *p = picture_new("t");

    (void)state;
    picture_panel(p, "", "x", false, "y", false);
    picture_series(p, "a", 0);
    for (int i = 0; i < 50; i++)
        picture_point(p, 0, 0, 1, 1, 0.1);
    picture_axes(p);
    picture_thin(p);
    for (int i = 0; i < p->n_points; i++)
        check_close(p->points[i].size, 1, 0);
    picture_free(p);
}

#define SVG(a, b, text)                                                        \
    "<?xml?><svg width=\"2\"\n>\n<rect fill=\"" a "\"/><path stroke='" b       \
    "'/><text>" text "</text></svg>"

static void one_picture_serves_both_themes_when_only_colours_differ(
    void **state)
{
    char *both = svg_for_both(SVG("#ffffff", "rgb( 1,  2,  3)", "x"),
                              SVG("#16181d", "rgb(9, 9, 9)", "x"));

    (void)state;
    assert_string_equal(
        both, "<?xml?><svg width=\"2\"\n><style>@media (prefers-color-scheme:"
              "dark){[fill=\"#ffffff\"]{fill:#16181d}[stroke=\"rgb( 1,  2,  3)"
              "\"]{stroke:rgb(9, 9, 9)}}</style>\n<rect fill=\"#ffffff\"/>"
              "<path stroke='rgb( 1,  2,  3)'/><text>x</text></svg>");
    free(both);
    assert_null(svg_for_both(SVG("#fff", "#000", "x"),
                             SVG("#000", "#fff", "y"))); /* other text */
    assert_null(svg_for_both(SVG("#fff", "#000", "x"), "<svg>"));
    assert_null(svg_for_both("no picture", "no picture"));
}

static void a_colour_with_two_meanings_needs_two_pictures(void **state)
{
    (void)state;
    assert_null(
        svg_for_both("<svg><a fill=\"#fff\"/><b fill=\"#fff\"/></svg>",
                     "<svg><a fill=\"#000\"/><b fill=\"#fff\"/></svg>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_as_on_paper),
        cmocka_unit_test(every_axis_has_tics_that_can_be_read),
        cmocka_unit_test(an_axis_of_one_value_or_of_none_has_a_range),
        cmocka_unit_test(names_of_series_do_not_cover_each_other),
        cmocka_unit_test(points_are_left_out_only_under_others),
        cmocka_unit_test(points_with_intervals_are_all_drawn),
        cmocka_unit_test(
            one_picture_serves_both_themes_when_only_colours_differ),
        cmocka_unit_test(a_colour_with_two_meanings_needs_two_pictures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
