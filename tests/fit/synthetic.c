#include "tests/fit/synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"

/* Levels of each variable; the design is their product.  Numbers are those of
 * the laws' own experiments where they are known. */
static const struct {
    const char *law, *truth, *levels;
} designs[] = {
    { "chinchilla", "E=1.69 A=406.4 alpha=0.34 B=410.7 beta=0.28",
      "N=40M,100M,300M,1G,3G,10G D=1G,4G,15G,60G,200G,800G" },
    { "kaplan", "aN=0.076 aD=0.095 Nc=8.8e13 Dc=5.4e13",
      "N=1M,10M,100M,1G,10G D=20M,200M,2G,20G,200G" },
    { "quartet-base",
      "A=1.52e5 alpha=0.589 B=5.25e5 beta=0.544 E=1.35 "
      "gamma=0.274",
      "N=1M,10M,100M,1G,10G,100G D=10M,100M,1G,10G,100G,1T" },
    { "over-training", "E=1.5 a=141 b=189.5 h=0.1212",
      "N=10M,80M,150M,400M,1.4G D=50M,400M,3G,25G,200G" },
    { "muennighoff",
      "E=1.87 A=521 alpha=0.353 B=1488 beta=0.353 RN=5.31 "
      "RD=15.4 uN=0.051",
      "N=7M,50M,400M,3G D=100M,1G,9G,80G,700G U=100M,400M,1.5G" },
    { "qat-delta",
      "E=1.9279 A=237.7042 alpha=0.3022 B=596.249 beta=0.3022 "
      "k=0.1582 gN=0.2186 gD=0.0745 gG=0.7779",
      "N=74M,145M,297M,594M D=10G,20G,50G,100G G=1,32,64,128,256" },
    { "qat-delta-paired", "k=0.1582 gN=0.2186 gD=0.0745 gG=0.7779",
      "N=74M,145M,297M,594M D=10G,20G,50G,100G G=32,64,128,256" },
    { "epm",
      "E=1.93 A=237.7 alpha=0.3 B=596 beta=0.3 eff[none]=1 "
      "eff[int4]=0.75 eff[e2m1]=0.6",
      "N=40M,100M,300M,1G,3G D=1G,4G,15G,60G,200G fmt=none,int4,e2m1" },
    { "kumar-train",
      "E=2.7648 A=4299 alpha=0.4965 B=18060 beta=0.4965 "
      "gw=2.6745 nw=0.3037 ga=2.2102 na=1.4072 gkv=0.9578 nkv=2.4185",
      "N=30M,60M,110M,220M D=1.5G,6G,26G Pw=3,4,6,16 Pa=4,5,8,16 Pkv=3,4,16" },
    { "kumar-ptq",
      "E=2.7648 A=4299 alpha=0.4965 B=18060 beta=0.4965 "
      "CT=0.0598 gD=0.5068 gN=0.3439 gpost=0.5907",
      "N=30M,60M,110M,220M D=1.5G,3G,6G,13G,26G Ppost=2,3,4,16" },
    { "kumar-ptq-delta", "CT=0.0598 gD=0.5068 gN=0.3439 gpost=0.5907",
      "N=30M,60M,110M,220M D=1.5G,3G,6G,13G,26G Ppost=2,3,4" },
    { "kumar-unified",
      "E=2.7648 A=4299 alpha=0.4965 B=18060 beta=0.4965 "
      "gw=2.6745 nw=0.3037 ga=2.2102 na=1.4072 gkv=0.9578 nkv=2.4185 "
      "CT=0.0598 gD=0.5068 gN=0.3439 gpost=0.5907 Cw=0.6 Ca=0.4 Ckv=0.8",
      "N=30M,80M,220M D=1.5G,6G,26G Pw=4,6,16 Pa=5,8,16 Pkv=4,6,16 "
      "Ppost=2,3,3.9" },
    { "ouyang", "k=0.017 beta=0.5251 alpha=0.2261 gamma=5.4967",
      "N=160M,1G,7G D=10G,50G,300G P=2,3,4" },
    { "capybara",
      "n=69.2343 alpha=0.2368 d=68973.0621 beta=0.5162 eps=1.9061 "
      "gamma=11334.5197 delta=3.1926 nu=2.9543",
      "N=41M,85M,154M,679M D=10.5G,21G,52G,105G E=1,2,4 M=1,2,4 B=1,32,128" },
    { "capacity",
      "E=1.9 A=237.7 alpha=0.3 B=596 beta=0.3 L=0.95 F=0.41 "
      "C=1.39",
      "N=40M,100M,300M,1G,3G D=1G,4G,15G,60G,200G "
      "gmse=0,.3634,.1175,.03454,.009497" },
    { "capacity-rho", "L=0.95 F=0.41 C=1.39",
      "gmse=.5,.3634,.25,.1175,.06,.03454,.02,.009497,.004,.001" },
    { "quartet",
      "A=1.52e5 alpha=0.589 B=5.25e5 beta=0.544 E=1.35 "
      "gamma=0.274 effN[none]=1 effN[mxfp4]=0.65 effD[none]=1 "
      "effD[mxfp4]=0.95",
      "N=1M,10M,100M,1G,10G,100G D=10M,100M,1G,10G,100G,1T fmt=none,mxfp4" },
    { "sparsity", "aS=16.8 bS=0.722 cS=45 bN=0.245 bD=0.203 aD=6.9e8 c=0.651",
      "N=1M,4M,20M,80M D=30M,300M,3G,30G,300G S=0,.5,.75,.875" },
    { "farseer",
      "gamma=0.17 a3=-0.04 beta=-0.1 a2=85 alpha=0.125 a1=-0.12 K1=1.5 "
      "K2=0.004 K3=3",
      "N=3M,10M,30M,100M,300M,1G,3G,10G,30G D=30M,100M,300M,1G,10G,100G,1T" },
    { "step-law", "k=1.79 gD=0.307 gN=0.713",
      "N=60M,120M,270M,540M,1G D=2G,8G,20G,57G,100G" },
    { "step-law-batch", "k=0.58 gD=0.571",
      "D=2G,4G,8G,14G,20G,28G,57G,80G,100G" },
    { "momentum", "L0=2.6 A=0.5 alpha=0.5 C=0.45",
      "S1=.3,.6,1,1.5,2.2,3,4,5,6,7 S2=0,.05,.1,.2,.3" },
    { "multi-power",
      "L0=2.651 A=0.601 alpha=0.453 B=437.946 C=2.132 beta=0.598 gamma=0.655",
      "S1=.6,1.5,3,6,12 Sf=0,.001,.003,.01,.03,.1,.3,1 "
      "fall=0,9e-5,1.8e-4,2.7e-4 lr=1e-5,3e-5,9e-5,3e-4" },
    { "isoflop",
      "E[6e18]=2.9 k[6e18]=0.05 m[6e18]=18.4 E[1e19]=2.8 k[1e19]=0.048 "
      "m[1e19]=18.7 E[1e20]=2.5 k[1e20]=0.045 m[1e20]=19.6",
      "N=30M,60M,110M,200M,350M,600M,1.1G,2G C=6e18,1e19,1e20" },
};

static int find_design(const struct law *law)
{
    for (size_t i = 0; i < sizeof designs / sizeof designs[0]; i++)
        if (strcmp(designs[i].law, law->name) == 0)
            return (int)i;
    return -1;
}

double synthetic_truth(const struct law *law, const char *param)
{
    const struct law_set set = { "truth", designs[find_design(law)].truth, "" };

    return law_set_value(&set, param);
}

struct level_list {
    char name[16];
    char *value[16];
    int n;
};

static int read_levels(struct level_list *v, char *text)
{
    int n = 0;

    for (char *word; (word = strsep(&text, " ")); n++) {
        char *value = strchr(word, '=');

        *value++ = '\0';
        snprintf(v[n].name, sizeof v[n].name, "%s", word);
        v[n].n = 0;
        while ((v[n].value[v[n].n] = strsep(&value, ",")))
            v[n].n++;
    }
    return n;
}

/* The law's value on a row: slots by name, the parameter of the row's format
 * or budget for grouped ones. */
static double true_value(const struct law *law, const struct model *m,
                         const struct level_list *v, int n, const int *at)
{
    double slots[40];

    for (int k = 0; k < m->n_names; k++) {
        const char *group = NULL, *end;
        char grouped[64];

        slots[k] = (double)NAN;
        for (int i = 0; i < n; i++) {
            if (strcmp(v[i].name, m->names[k].name) == 0)
                text_read_number(&slots[k], v[i].value[at[i]], &end, false);
            if (strcmp(v[i].name, "fmt") == 0 || strcmp(v[i].name, "C") == 0)
                group = v[i].value[at[i]];
        }
        if (m->names[k].is_var)
            continue;
        slots[k] = synthetic_truth(law, m->names[k].name);
        if (group && isnan(slots[k])) {
            snprintf(grouped, sizeof grouped, "%s[%s]", m->names[k].name,
                     group);
            slots[k] = synthetic_truth(law, grouped);
        }
    }
    return expr_eval(m->expr, slots);
}

static bool next_row(int *at, const struct level_list *v, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        if (++at[i] < v[i].n)
            return true;
        at[i] = 0;
    }
    return false;
}

static double add_noise(const struct law *law, double y, double sigma,
                        uint64_t key, uint64_t row)
{
    const double z = sigma > 0 ? rng_normal(key, row) : 0;

    return law->space == FIT_LINEAR ? y + sigma * z : y * exp(sigma * z);
}

struct table *synthetic_table(const struct law *law, double sigma,
                              uint64_t seed)
{
    const uint64_t key = rng_key(seed, RNG_TEST, 7);
    const int d = find_design(law);
    struct table *t = table_new("synthetic", "line");
    struct level_list v[8];
    char *levels, *response;
    struct model *m;
    int at[8] = { 0 }, n;
    uint64_t row = 0;

    if (d < 0 || model_of_law(&m, law, NULL) != OK)
        abort();
    levels = mem_strdup(designs[d].levels);
    n = read_levels(v, levels);
    for (int i = 0; i < n; i++)
        table_add_column(t, v[i].name);
    response = m->response;
    table_add_column(t, response);
    do {
        const char *cells[9];
        char buf[32];

        for (int i = 0; i < n; i++)
            cells[i] = v[i].value[at[i]];
        cells[n] = text_number(
            buf, add_noise(law, true_value(law, m, v, n, at), sigma, key, row));
        table_add_row(t, (int64_t)++row, cells);
    } while (next_row(at, v, n));
    fit_model_free(m);
    free(levels);
    return t;
}
