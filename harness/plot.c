/* plot.c - the table of figures. */
#include "harness/plot.h"

#include <string.h>

static const struct plot_figure figures[] = {
    { "predicted-observed", "what the law says against what was measured",
      plot_predicted, "quality" },
    { "residuals", "what the law leaves over, against each variable",
      plot_residuals, "quality" },
    { "loss-vs-N", "validation loss against model size", plot_loss_n, "law" },
    { "loss-vs-D", "validation loss against training tokens", plot_loss_d,
      "law" },
    { "loss-vs-G", "validation loss against group size", plot_loss_g, "law" },
    { "delta-vs-N", "loss above the twin against model size", plot_delta_n,
      "formats" },
    { "delta-vs-D", "loss above the twin against training tokens",
      plot_delta_d, "formats" },
    { "delta-vs-G", "loss above the twin against group size", plot_delta_g,
      "formats" },
    { "loss-curves", "losses on the way, and their distance from the twins",
      plot_curves, "runs" },
};

const struct plot_figure *plot_figure_at(int i)
{
    return i >= 0 && i < (int)(sizeof figures / sizeof figures[0])
               ? &figures[i]
               : NULL;
}

const struct plot_figure *plot_figure_find(const char *name)
{
    for (int i = 0; plot_figure_at(i); i++)
        if (strcmp(plot_figure_at(i)->name, name) == 0)
            return plot_figure_at(i);
    return NULL;
}

enum status plot_figure_need(const struct plot_figure **out, const char *name,
                             struct err *err)
{
    const char *names[64], *near;
    size_t n = 0;

    *out = plot_figure_find(name);
    if (*out)
        return OK;
    for (; plot_figure_at((int)n) && n < 64; n++)
        names[n] = plot_figure_at((int)n)->name;
    near = text_nearest(name, names, n);
    return err_set(err, ERR_USAGE, "there is no figure '%s'%s%s%s", name,
                   near ? ", did you mean '" : " ('qlaw plot' lists them)",
                   near ? near : "", near ? "'?" : "");
}

void plot_setting(struct str *out, const char *var, double value)
{
    char buf[32];

    str_addf(out, "%s = %s", var, text_si(buf, value, 3));
}

void plot_group_tics(struct picture_axis *a, const struct plot_data *d)
{
    enum { MOST = 12 };
    double seen[MOST];
    int n = 0;

    for (int i = 0; i < d->n && n < MOST; i++) {
        bool new = strcmp(d->points[i].gran, "group") == 0;

        for (int k = 0; k < n; k++)
            new = new && seen[k] != d->points[i].G;
        if (new)
            seen[n++] = d->points[i].G;
    }
    for (int i = 0; i < n && n < MOST; i++) {
        char buf[32];

        picture_tic(a, seen[i], text_si(buf, seen[i], 3));
    }
}
