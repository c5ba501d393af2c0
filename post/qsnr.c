#include "post/qsnr.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "post/error_model.h"
#include "post/parent.h"

const int qsnr_cuts[QSNR_CUTS] = { 0, 32, 16 };

/* Crest factors as they come. */
struct crests {
    float *k;
    size_t n, room;
};

struct watch {
    struct qsnr *q;
    const struct kernels *kn;
    struct crests crests[OPERAND_COUNT][QSNR_CUTS];
    bool weights_seen; /* they are the same in every batch */
    bool failed;
};

/* An operand on its way into a product. */
struct operand {
    const real *x;
    int rows, cols;
    enum quant_axis axis;
};

/* --- crest factors ------------------------------------------------------- */

/* Largest magnitude over the root mean square of n numbers; 0 for zeros. */
static double crest_of(const real *x, size_t stride, int n)
{
    double squares = 0, largest = 0;

    for (int i = 0; i < n; i++) {
        const double v = fabs((double)x[(size_t)i * stride]);

        squares += v * v;
        largest = fmax(largest, v);
    }
    return squares > 0 ? largest / sqrt(squares / n) : 0;
}

static void add_crest(struct crests *c, double k)
{
    if (c->n == c->room) {
        c->room = c->room ? 2 * c->room : 1024;
        c->k = mem_grow(c->k, c->room, sizeof *c->k);
    }
    c->k[c->n++] = (float)k;
}

/* Where part p of line l begins, for parts of `length` along the axis. */
static const real *part_at(const struct operand *o, int line, int at)
{
    return o->axis == QUANT_ALONG_COLS
               ? o->x + (size_t)line * (size_t)o->cols + at
               : o->x + (size_t)at * (size_t)o->cols + line;
}

static void watch_crests(struct watch *w, enum quant_operand operand,
                         const struct operand *o)
{
    const bool by_cols = o->axis == QUANT_ALONG_COLS;
    const int lines = by_cols ? o->rows : o->cols;
    const int k = by_cols ? o->cols : o->rows;
    const size_t stride = by_cols ? 1 : (size_t)o->cols;

    for (int c = 0; c < QSNR_CUTS; c++) {
        const int length = qsnr_cuts[c] ? qsnr_cuts[c] : k;

        for (int line = 0; line < lines; line++)
            for (int at = 0; at + length <= k; at += length) {
                const double crest =
                    crest_of(part_at(o, line, at), stride, length);

                if (crest > 0)
                    add_crest(&w->crests[operand][c], crest);
            }
    }
}

static int rising(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static struct qsnr_crest quartiles(struct crests *c)
{
    if (c->n == 0)
        return (struct qsnr_crest){ NAN, NAN, NAN };
    qsort(c->k, c->n, sizeof *c->k, rising);
    return (struct qsnr_crest){ (double)c->k[c->n / 4], (double)c->k[c->n / 2],
                                (double)c->k[3 * c->n / 4] };
}

/* --- ratios -------------------------------------------------------------- */

static struct qsnr_cell *cell(const struct qsnr *q, int layer,
                              enum layer_kind kind, int operand, int format)
{
    return &q->cells[((layer * LAYER_HEAD + (int)kind) * OPERAND_COUNT +
                      operand) *
                         q->n_formats +
                     format];
}

/* What the model expects of all parts: o is the operand as the format sees it,
 * rotated or not, and scale its scales. */
static void expect(struct qsnr_cell *c, const struct quant_spec *s,
                   const struct operand *o, const real *scale)
{
    const bool by_cols = o->axis == QUANT_ALONG_COLS;
    const int lines = by_cols ? o->rows : o->cols;
    const int k = by_cols ? o->cols : o->rows, parts = k / s->group;
    const size_t stride = by_cols ? 1 : (size_t)o->cols;

    for (int line = 0; line < lines; line++)
        for (int p = 0; p < parts; p++) {
            const real *x = part_at(o, line, p * s->group);
            const double own = (double)(by_cols ? scale[line * parts + p]
                                                : scale[p * o->cols + line]);
            double squares = 0, largest = 0, crest;

            for (int i = 0; i < s->group; i++) {
                const double v = fabs((double)x[(size_t)i * stride]);

                squares += v * v;
                largest = fmax(largest, v);
            }
            if (squares == 0)
                continue;
            crest = largest / sqrt(squares / s->group);
            c->crests += squares * crest;
            c->model +=
                squares *
                pow(10, -error_model_db(s, crest,
                                        own / (largest / (double)s->elem.max),
                                        false) /
                            10);
        }
}

static void add_format(struct watch *w, struct qsnr_cell *c,
                       const struct quant_spec *s, const struct operand *o)
{
    const size_t n = (size_t)o->rows * (size_t)o->cols;
    real *x = mem_array(n, sizeof *x), *y = mem_array(n, sizeof *y);
    real *scale = mem_array(
        (size_t)quant_parts(s, o->rows, o->cols, o->axis) + 1, sizeof *scale);
    void *work = mem_alloc(quant_work_size(s, o->rows, o->cols, o->axis) + 1);
    const struct quant_io out = { .value = y, .scale = scale };
    struct quant_spec plain = *s;

    /* A rotation keeps squares, so that the ratio may be taken behind it. */
    memcpy(x, o->x, n * sizeof *x);
    if (s->transform == QUANT_HADAMARD)
        quant_rotate(x, o->rows, o->cols, o->axis, s->rotated, false);
    plain.transform = QUANT_PLAIN;
    w->failed |= !w->kn->quant_apply(&plain, &out, x, o->rows, o->cols, o->axis,
                                     0, work);
    for (size_t i = 0; i < n; i++) {
        const double e = (double)x[i] - (double)y[i];

        c->signal += (double)x[i] * (double)x[i];
        c->noise += e * e;
    }
    if (error_model_knows(s)) {
        struct operand seen = *o;

        seen.x = x;
        expect(c, &plain, &seen, scale);
    } else {
        c->model = c->crests = NAN;
    }
    free(x);
    free(y);
    free(scale);
    free(work);
}

static void watch_operand(struct watch *w, const struct linear *l, int operand,
                          const struct operand *o)
{
    if (w->weights_seen && (operand == OPERAND_W || operand == OPERAND_W_D))
        return;
    watch_crests(w, (enum quant_operand)operand, o);
    for (int f = 0; f < w->q->n_formats; f++)
        add_format(w, cell(w->q, l->layer, l->kind, operand, f),
                   &w->q->formats[f], o);
}

/* The six operands of a layer, from what its backward pass is given. */
static void look(void *ctx, const struct linear *l, const real *dy,
                 const real *x, int rows)
{
    struct watch *w = ctx;
    const struct operand operands[OPERAND_COUNT] = {
        [OPERAND_W] = { l->w, l->out, l->in, QUANT_ALONG_COLS },
        [OPERAND_X] = { x, rows, l->in, QUANT_ALONG_COLS },
        [OPERAND_DY_D] = { dy, rows, l->out, QUANT_ALONG_COLS },
        [OPERAND_W_D] = { l->w, l->out, l->in, QUANT_ALONG_ROWS },
        [OPERAND_DY_G] = { dy, rows, l->out, QUANT_ALONG_ROWS },
        [OPERAND_X_G] = { x, rows, l->in, QUANT_ALONG_ROWS },
    };

    if (l->kind == LAYER_HEAD)
        return;
    for (int k = 0; k < OPERAND_COUNT; k++)
        watch_operand(w, l, k, &operands[k]);
}

/* --- the run ------------------------------------------------------------- */

static enum status check_formats(const struct qsnr *q, const struct config *c,
                                 struct err *err)
{
    const struct model_dims s = model_dims_of(c);

    for (int f = 0; f < q->n_formats; f++)
        for (int k = 0; k < LAYER_HEAD; k++) {
            const int axes[] = { layer_in(&s, (enum layer_kind)k),
                                 layer_out(&s, (enum layer_kind)k), s.bt };

            for (int i = 0; i < 3; i++)
                if (quant_check(&q->formats[f], axes[i], layer_rows[k].name,
                                err) != OK)
                    return ERR_CONFIG;
        }
    return OK;
}

static enum status step_through(struct qsnr *q, struct model *m,
                                const struct data *d, const struct kernels *kn,
                                uint64_t seed, struct err *err)
{
    struct watch w = { .q = q, .kn = kn };
    const int batches = (q->sequences + m->dims.batch - 1) / m->dims.batch;
    int *tokens = mem_array((size_t)m->dims.bt, sizeof *tokens);
    int *targets = mem_array((size_t)m->dims.bt, sizeof *targets);
    double loss;
    enum status st = OK;

    m->work.look = look;
    m->work.look_ctx = &w;
    for (int b = 0; b < batches && st == OK; b++) {
        data_batch(d, tokens, targets, m->dims.batch,
                   rng_key(seed, RNG_CALIBRATE, 0), b);
        if (!model_step(m, &loss, tokens, targets, seed, 0) || w.failed)
            st = err_set(err, ERR_DIVERGED, "an operand is not finite");
        w.weights_seen = true;
    }
    q->sequences = batches * m->dims.batch;
    for (int k = 0; k < OPERAND_COUNT; k++)
        for (int c = 0; c < QSNR_CUTS; c++) {
            q->crest[k][c] = quartiles(&w.crests[k][c]);
            free(w.crests[k][c].k);
        }
    free(tokens);
    free(targets);
    return st;
}

static enum status with_model(struct qsnr *q, const struct config *parent,
                              const struct config *plain, uint64_t seed,
                              uint64_t data_seed, const struct run_io *io,
                              struct err *err)
{
    const int threads = (int)config_run_threads(parent);
    const struct kernels *kn = NULL;
    struct model *m = NULL;
    struct data *d = NULL;
    struct run_result r;
    enum status st = kernels_select(&kn, io->isa_cap, err);

    if (st == OK)
        st = data_open(&d, parent, err);
    if (st == OK)
        st = model_new_whole(&m, plain, kn, seed, threads, err);
    if (st == OK)
        st = parent_weights(&r, m, parent, seed, data_seed, d, io, err);
    if (st == OK && r.stopped)
        st = err_set(err, ERR_REFUSED, "the training was left out: %s",
                     r.reason);
    if (st == OK)
        st = step_through(q, m, d, kn, seed, err);
    model_free(m);
    data_close(d);
    return st;
}

enum status qsnr_run(struct qsnr *out, const struct config *c, uint64_t seed,
                     uint64_t data_seed, const struct quant_spec *formats,
                     int n_formats, int sequences, const struct run_io *io,
                     struct err *err)
{
    struct config *parent = config_base(c, IDENTITY_PARENT);
    struct config *plain = config_base(c, IDENTITY_TWIN);
    enum status st = config_resolve(parent, err);

    if (st == OK)
        st = config_resolve(plain, err);
    *out = (struct qsnr){ .n_layer = (int)config_model_n_layer(c),
                          .n_formats = n_formats,
                          .formats = formats,
                          .sequences = sequences };
    out->cells = mem_array((size_t)out->n_layer * LAYER_HEAD * OPERAND_COUNT *
                               (size_t)n_formats,
                           sizeof *out->cells);
    if (st == OK)
        st = check_formats(out, plain, err);
    if (st == OK)
        st = with_model(out, parent, plain, seed, data_seed, io, err);
    config_free(parent);
    config_free(plain);
    return st;
}

void qsnr_release(struct qsnr *q)
{
    free(q->cells);
    q->cells = NULL;
}

const struct qsnr_cell *qsnr_at(const struct qsnr *q, int layer,
                                enum layer_kind kind,
                                enum quant_operand operand, int format)
{
    return cell(q, layer, kind, (int)operand, format);
}

double qsnr_crest(const struct qsnr_cell *c)
{
    return c->crests / c->signal;
}

double qsnr_db(const struct qsnr_cell *c, bool model)
{
    return 10 * log10(c->signal / (model ? c->model : c->noise));
}
