#include "post/fitter.h"

#include <string.h>

static const struct fitter fitters[] = {
    { .name = "rtn", .source = "rounding to the nearest code", .run = fit_rtn },
    { .name = "gptq",
      .source = "Frantar et al. 2022, arXiv:2210.17323",
      .inputs = true,
      .run = fit_gptq },
};

const struct fitter *fitter_find(const char *name)
{
    for (size_t i = 0; i < sizeof fitters / sizeof fitters[0]; i++)
        if (strcmp(fitters[i].name, name) == 0)
            return &fitters[i];
    return NULL;
}
