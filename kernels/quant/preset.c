/* preset.c - specs that have a name. */
#include "kernels/quant.h"

#include <stdio.h>
#include <string.h>

static const struct quant_preset presets[] = {
    { "mxfp8", "e4m3/g32/e8m0", "OCP MX v1.0, scale rounded up" },
    { "mxfp8_e5m2", "e5m2/g32/e8m0", "OCP MX v1.0, scale rounded up" },
    { "mxfp6", "e2m3/g32/e8m0", "OCP MX v1.0, scale rounded up" },
    { "mxfp6_e3m2", "e3m2/g32/e8m0", "OCP MX v1.0, scale rounded up" },
    { "mxfp4", "e2m1/g32/e8m0", "OCP MX v1.0, scale rounded up" },
    { "mxint8", "int8n/g32/e8m0", "arXiv 2510.25602 table 1" },
    { "mxint6", "int6n/g32/e8m0", "arXiv 2510.25602 table 1" },
    { "mxint4", "int4n/g32/e8m0", "arXiv 2510.25602 table 1" },
    { "nvfp4", "e2m1/g16/e4m3", "arXiv 2509.25149" },
    { "nvint4", "int4n/g16/e4m3", "arXiv 2510.25602 table 1" },
    { "nvint6", "int6n/g16/e4m3", "six bits; in no paper" },
};
#define N_PRESETS (int)(sizeof presets / sizeof presets[0])

const struct quant_preset *quant_preset_at(int i)
{
    return i < N_PRESETS ? &presets[i] : NULL;
}

const struct quant_preset *quant_preset_of(const struct quant_spec *s)
{
    char text[NUM_NAME + 40];

    if (!quant_is_elementwise(s) || !s->elem.scaled || s->gran != QUANT_GROUP ||
        s->elem.table)
        return NULL;
    snprintf(text, sizeof text, "%s/g%d/%s", s->elem.name, s->group,
             s->scale->word.name);
    for (int i = 0; i < N_PRESETS; i++)
        if (strcmp(presets[i].text, text) == 0)
            return &presets[i];
    return NULL;
}
