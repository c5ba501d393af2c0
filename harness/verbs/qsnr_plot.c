#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verbs/qsnr.h"
#include "post/error_model.h"

bool qsnr_pair_known(const struct qsnr_formats *f, int first)
{
    return error_model_knows(&f->spec[first]) &&
           error_model_knows(&f->spec[first + 1]);
}

/* What the k-th of each pair is, where all are alike. */
static const char *side_name(const struct qsnr_formats *f, int k)
{
    bool integers = true, floats = true;

    for (int i = k; i < f->n; i += 2) {
        integers = integers && f->spec[i].elem.kind == NUM_INT;
        floats = floats && f->spec[i].elem.kind == NUM_FLOAT;
    }
    return integers ? "integer"
           : floats ? "floating point"
           : k      ? "the second"
                    : "the first";
}

/* How often the one that the model expects more of keeps more. */
struct tally {
    int right, n;
};

static void add_points(struct picture *p, struct tally *t, int panel,
                       const struct qsnr *q, int first, double *low,
                       double *high)
{
    for (int i = 0; i < q->n_layer * LAYER_HEAD * OPERAND_COUNT; i++) {
        const int matrix = i / OPERAND_COUNT;
        double db[2], model[2];

        for (int k = 0; k < 2; k++) {
            const struct qsnr_cell *c = qsnr_at(
                q, matrix / LAYER_HEAD, (enum layer_kind)(matrix % LAYER_HEAD),
                (enum quant_operand)(i % OPERAND_COUNT), first + k);
            const double crest = qsnr_crest(c);

            db[k] = qsnr_db(c, false);
            model[k] = qsnr_db(c, true);
            picture_point(p, panel, k, crest, db[k], (double)NAN);
            *low = fmin(*low, crest);
            *high = fmax(*high, crest);
        }
        t->n++;
        t->right += (db[0] > db[1]) == (model[0] > model[1]);
    }
}

/* The model's curves over the crest factors that were seen and the crossover, if
 * a group can have it. */
static void add_model(struct picture *p, int panel,
                      const struct qsnr_formats *f, int first, double low,
                      double high)
{
    const struct quant_spec *a = &f->spec[first], *b = &f->spec[first + 1];
    const double rho = error_model_rho(a);
    const double at = error_model_crossover(a, b, rho, false);
    const bool crosses = at <= sqrt(a->group); /* false of NaN, too */

    low = fmin(low, crosses ? at : low);
    high = fmax(high, crosses ? at : high);
    for (int k = 0; k < 2; k++) {
        const int c = picture_curve(p, panel, k, LOOK_LINE);

        for (int i = 0; i <= 60; i++) {
            const double x = low + (high - low) * i / 60;

            picture_to(p, c, x,
                       error_model_db(&f->spec[first + k], x, rho, false));
        }
    }
    if (crosses) {
        const double y = error_model_db(a, at, rho, false);
        const int c = picture_curve(p, panel, -1, LOOK_THIN);
        char text[32];

        picture_to(p, c, at, y - 4);
        picture_to(p, c, at, y + 4);
        snprintf(text, sizeof text, "%.2f", at);
        picture_mark(p, panel, -1, at + (high - low) / 10, y + 3.5, -1, text);
    }
}

/* "nvint4 and nvfp4/had32": what both end with stands once. */
static char *pair_name(const char *a, const char *b)
{
    const char *tail = strchr(a, '/'), *other = strchr(b, '/');
    const bool same = tail && other && strcmp(tail, other) == 0;

    return mem_printf("%.*s and %s", (int)(same ? tail - a : (int)strlen(a)), a,
                      b);
}

struct picture *qsnr_picture(const struct qsnr *q, const struct qsnr_formats *f)
{
    struct picture *p = picture_new("What formats keep, by crest factor");
    struct tally t = { 0 };

    p->columns = 2;
    for (int k = 0; k < 2; k++)
        picture_series(p, side_name(f, k), k);
    for (int first = 0; first < f->n; first += 2) {
        double low = INFINITY, high = 0;
        char *title;
        int panel;

        if (!qsnr_pair_known(f, first))
            continue;
        title = pair_name(f->text[first], f->text[first + 1]);
        panel = picture_panel(p, title, "crest factor of groups", false,
                              "QSNR (dB)", false);
        free(title);
        add_points(p, &t, panel, q, first, &low, &high);
        add_model(p, panel, f, first, low, high);
    }
    if (picture_is_empty(p)) {
        picture_free(p);
        return NULL;
    }
    picture_say(&p->subtitle, "a point: an operand of a matrix; curves: the "
                              "error model; dashed: where they cross");
    picture_say(
        &p->finding,
        "The format of which the error model expects more keeps more in "
        "%d of %d pairs on operands of matrices.",
        t.right, t.n);
    picture_say(&p->source, "%d training sequences", q->sequences);
    return p;
}
