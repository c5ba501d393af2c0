#include "trainer/dump.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "trainer/data.h"
#include "trainer/model.h"
#include "trainer/schedule.h"

static void add_head(struct str *s, const struct config *c,
                     const struct model *m, const struct data *d, int batches)
{
    const struct schedule schedule = schedule_of(c);
    json_t *config = config_json(c);

    str_add(s, "{\"config\":");
    json_canonical(s, config);
    json_decref(config);
    if (d)
        json_add_text(s, "data_sha256", data_sha256(d));
    str_add(s, ",\"tensors\":[");
    for (int i = 0; i < m->tensors.n; i++) {
        const struct tensor *t = &m->tensors.at[i];

        str_add(s, i ? ",{" : "{");
        json_add_text(s, "name", t->name);
        json_add_number(s, "layer", t->layer);
        json_add_number(s, "rows", t->rows);
        json_add_number(s, "cols", t->cols);
        str_add(s, "}");
    }
    str_addf(s, "],\"batch\":%d,\"seq\":%d,\"batches\":%d,\"lr\":[",
             m->dims.batch, m->dims.seq, batches);
    for (int i = 0; i < batches; i++)
        json_add_number(s, NULL, schedule_rate(&schedule, i));
    str_add(s, "]}\n");
}

static void add_batches(struct str *s, const struct data *d,
                        const struct model *m, uint64_t data_seed, int batches)
{
    const size_t rows = (size_t)m->dims.bt;
    int *tokens = mem_array(2 * rows, sizeof *tokens);

    for (int i = 0; i < batches; i++) {
        data_batch(d, tokens, tokens + rows, m->dims.batch, data_seed, i);
        str_add_n(s, (const char *)tokens, 2 * rows * sizeof *tokens);
    }
    free(tokens);
}

enum status dump_weights(const char *path, const struct config *c,
                         uint64_t seed, uint64_t data_seed, int batches,
                         struct err *err)
{
    const struct kernels *kn;
    struct model *m = NULL;
    struct data *d = NULL;
    struct str s = { 0 };
    enum status st = kernels_select(&kn, NULL, err);

    if (st == OK)
        st = model_new(&m, c, kn, seed, 1, err);
    if (st == OK && batches > 0)
        st = data_open(&d, c, err);
    if (st == OK) {
        add_head(&s, c, m, d, batches);
        str_add_n(&s, (const char *)m->params,
                  m->tensors.values * sizeof *m->params);
        add_batches(&s, d, m, data_seed, batches);
        st = file_replace(path, s.data, s.len, err);
    }
    str_release(&s);
    data_close(d);
    model_free(m);
    return st;
}
