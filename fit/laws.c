/* laws.c - the table of laws.  Equation numbers are those of the source. */
#include <math.h>
#include <stddef.h>

#include "fit/law.h"

/* A table: its rows are laid out by hand. */
/* clang-format off */
#define NEEDED ((double)NAN)
#define VAR_N                                                                  \
    {                                                                          \
        "N", "parameters", NEEDED, false, 0                                    \
    }
#define VAR_D                                                                  \
    {                                                                          \
        "D", "training tokens", NEEDED, false, 0                               \
    }
#define VAR_G                                                                 \
    { "G", "elements that share a scale; 1 when unquantized", NEEDED, true, 1 }

#define PARAM_E { "E", 0.01, 4, 0, NULL, "irreducible loss" }
#define PARAM_A { "A", 1, 1e6, 0, NULL, "weight of model size" }
#define PARAM_B { "B", 1, 1e6, 0, NULL, "weight of data" }
#define PARAM_ALPHA { "alpha", 0.03, 1.2, 0, NULL, "exponent of model size" }
#define PARAM_BETA { "beta", 0.03, 1.2, 0, NULL, "exponent of data" }
#define BASE_PARAMS PARAM_E, PARAM_A, PARAM_ALPHA, PARAM_B, PARAM_BETA
#define BASE_TERMS "floor, model size, data"

static const struct law laws[] = {
    {
        .name = "chinchilla",
        .formula = "loss = E + A/N^alpha + B/D^beta",
        .source = "Hoffmann et al. 2022, arXiv:2203.15556, approach 3",
        .terms = BASE_TERMS,
        .note = "The paper's constants are not the minimum of its own "
                "objective (arXiv:2404.10102).",
        .params = { BASE_PARAMS },
        .vars = { VAR_N, VAR_D },
        .sets = {
            { "hoffmann", "E=1.6933736809989528 A=406.4010175194737 "
              "alpha=0.33917084 B=410.7228269450398 beta=0.2849083",
              "TeX source of arXiv:2203.15556" },
            { "hoffmann-rounded", "E=1.69 A=406.4 alpha=0.34 B=410.7 "
              "beta=0.28", "arXiv:2203.15556, equation 10" },
            { "besiroglu", "E=1.81686 A=482.006 alpha=0.34781 B=2085.434 "
              "beta=0.36585", "Besiroglu et al. 2024, arXiv:2404.10102" },
        },
    },
    {
        .name = "kaplan",
        .formula = "loss = ((Nc/N)^(aN/aD) + Dc/D)^aD",
        .source = "Kaplan et al. 2020, arXiv:2001.08361, equation 1.5",
        .terms = "loss",
        .note = "It has no floor, and its constants come from a fixed warm-up.",
        .params = {
            { "aN", 0.02, 0.5, 0, NULL, "exponent of model size" },
            { "aD", 0.02, 0.5, 0, NULL, "exponent of data" },
            { "Nc", 0.01, 1, 0, "N*loss^(1/aN)", "scale of model size" },
            { "Dc", 0.01, 1, 0, "D*loss^(1/aD)", "scale of data" },
        },
        .vars = { VAR_N, VAR_D },
        .sets = {
            { "kaplan", "aN=0.076 aD=0.095 Nc=8.8e13 Dc=5.4e13",
              "arXiv:2001.08361" },
        },
    },
    {
        .name = "quartet-base",
        .formula = "loss = E + (A/N^alpha + B/D^beta)^gamma",
        .source = "Busbridge et al. 2025, as in arXiv:2505.14669",
        .terms = "floor, model size and data",
        .params = {
            PARAM_E, PARAM_ALPHA, PARAM_BETA,
            { "gamma", 0.1, 2, 0, NULL, "how the two costs combine" },
            { "A", 0.05, 1, 0, "N^alpha*loss^(1/gamma)", "weight of size" },
            { "B", 0.05, 1, 0, "D^beta*loss^(1/gamma)", "weight of data" },
        },
        .vars = { VAR_N, VAR_D },
        .sets = {
            { "quartet", "A=1.52e5 alpha=0.589 B=5.25e5 beta=0.544 E=1.35 "
              "gamma=0.274", "arXiv:2505.14669v4, table 6" },
        },
    },
    {
        .name = "over-training",
        .formula = "loss = E + (a*(D/N)^h + b*(D/N)^-h)*(6*N*D)^-h",
        .source = "Gadre et al. 2024, arXiv:2403.08540",
        .terms = "floor, compute",
        .params = {
            PARAM_E,
            { "a", 1, 1e4, 0, NULL, "weight of model size" },
            { "b", 1, 1e4, 0, NULL, "weight of data" },
            { "h", 0.02, 0.6, 0, NULL, "exponent of compute" },
        },
        .vars = { VAR_N, VAR_D },
    },
    {
        .name = "muennighoff",
        .formula =
            "loss = E + A/(min(N, uN*U)*(1 + RN*(1 - exp(-(max(N/(uN*U), 1) "
            "- 1)/RN))))^alpha + B/(min(D, U)*(1 + RD*(1 - exp(-(max(D/U, 1) "
            "- 1)/RD))))^beta",
        .source = "Muennighoff et al. 2023, arXiv:2305.16264",
        .terms = BASE_TERMS,
        .note = "uN, the parameters that U unique tokens call for, is held at "
                "its published 0.051.",
        .params = {
            BASE_PARAMS,
            { "RN", 1, 60, 0, NULL, "worth of excess parameters" },
            { "RD", 1, 60, 0, NULL, "worth of repeated tokens" },
            { "uN", 0.051, 0.051, LAW_FIXED, NULL,
              "parameters a unique token" },
        },
        .vars = { VAR_N, VAR_D, { "U", "unique tokens", NEEDED, false, 0 } },
        .sets = {
            { "muennighoff", "E=1.8691436784054858 A=520.8249516599187 "
              "alpha=0.3526596 B=1487.716093782861 beta=0.3526596 "
              "RN=5.309743 RD=15.387756 uN=0.051", "arXiv:2305.16264" },
        },
    },
    {
        .name = "qat-delta",
        .formula = "loss = E + A/N^alpha + B/D^beta + "
                   "k*D^gD*log2(G)^gG/N^gN",
        .source = "Chen et al. 2025, arXiv:2505.14302, equations 1, 4 and 5",
        .terms = BASE_TERMS ", quantization",
        .note = "The published base law ties alpha = beta (--fix alpha=beta). "
                "G of per-token and per-channel scales is the row length.",
        .paired = "qat-delta-paired",
        .params = {
            BASE_PARAMS,
            { "k", 0.001, 10, LAW_PER_FORMAT, NULL, "size of the cost" },
            { "gN", 0.02, 0.9, 0, NULL, "fall with model size" },
            { "gD", 0.01, 0.7, 0, NULL, "growth with data" },
            { "gG", 0.1, 2.5, 0, NULL, "growth with log2 of the group" },
        },
        .vars = { VAR_N, VAR_D, VAR_G },
#define CHEN_BASE "E=1.9279 A=237.7042 alpha=0.3022 B=596.249 beta=0.3022 "
        .sets = {
            { "W4A4", CHEN_BASE "k=0.1582 gN=0.2186 gD=0.0745 gG=0.7779",
              "arXiv:2505.14302, table 1" },
            { "W4A16", CHEN_BASE "k=0.2522 gN=0.3589 gD=0.161 gG=0.3533",
              "arXiv:2505.14302, table 1" },
            { "W16A4", CHEN_BASE "k=0.1004 gN=0.1816 gD=0.0331 gG=0.9812",
              "arXiv:2505.14302, table 1" },
            { "W4A4-FC2A8", CHEN_BASE "k=0.3519 gN=0.2637 gD=0.0964 "
              "gG=0.3407", "arXiv:2505.14302, table 1" },
            { "W16A4-FC2A8", CHEN_BASE "k=0.1273 gN=0.2347 gD=0.0827 "
              "gG=0.4491", "arXiv:2505.14302, table 1" },
            { "BF16", CHEN_BASE "k=0 gN=0 gD=0 gG=1",
              "arXiv:2505.14302, table 1: the base law alone" },
        },
    },
    {
        .name = "qat-delta-paired",
        .formula = "delta = k*D^gD*log2(G)^gG/N^gN",
        .source = "Chen et al. 2025, arXiv:2505.14302, equation 5",
        .terms = "quantization",
        .note = "A paired difference may fall below zero by chance, so the "
                "space is linear.",
        .space = FIT_LINEAR,
        .params = {
            { "k", 0.001, 10, LAW_PER_FORMAT, NULL, "size of the cost" },
            { "gN", 0.02, 0.9, 0, NULL, "fall with model size" },
            { "gD", 0.01, 0.7, 0, NULL, "growth with data" },
            { "gG", 0.1, 2.5, 0, NULL, "growth with log2 of the group" },
        },
        .vars = { VAR_N, VAR_D, VAR_G },
        .sets = {
            { "W4A4", "k=0.1582 gN=0.2186 gD=0.0745 gG=0.7779",
              "arXiv:2505.14302, table 1" },
            { "W4A16", "k=0.2522 gN=0.3589 gD=0.161 gG=0.3533",
              "arXiv:2505.14302, table 1" },
            { "W16A4", "k=0.1004 gN=0.1816 gD=0.0331 gG=0.9812",
              "arXiv:2505.14302, table 1" },
            { "W4A4-FC2A8", "k=0.3519 gN=0.2637 gD=0.0964 gG=0.3407",
              "arXiv:2505.14302, table 1" },
            { "W16A4-FC2A8", "k=0.1273 gN=0.2347 gD=0.0827 gG=0.4491",
              "arXiv:2505.14302, table 1" },
        },
    },
    {
        .name = "epm",
        .formula = "loss = E + A/(N*eff)^alpha + B/D^beta",
        .source = "Frantar et al. 2025, arXiv:2502.16440",
        .terms = BASE_TERMS,
        .note = "eff is the effective parameter multiplier of a format; its "
                "unquantized value is 1 by definition.",
        .params = {
            BASE_PARAMS,
            { "eff", 0.05, 1, LAW_PER_FORMAT | LAW_UNITY, NULL,
              "effective share of the parameters" },
        },
        .vars = { VAR_N, VAR_D },
    },
#define KUMAR_PARTS                                                           \
    { "gw", 0.5, 6, 0, NULL, "bits scale of weights" },                       \
    { "nw", -1, 2.5, LAW_SIGNED, NULL, "offset of weights" },                 \
    { "ga", 0.5, 6, 0, NULL, "bits scale of activations" },                   \
    { "na", -1, 2.5, LAW_SIGNED, NULL, "offset of activations" },             \
    { "gkv", 0.5, 6, 0, NULL, "bits scale of the KV cache" },                 \
    { "nkv", -1, 2.5, LAW_SIGNED, NULL, "offset of the KV cache" }
#define KUMAR_FACTOR                                                          \
    "(1 - exp(nw - Pw/gw))*(1 - exp(na - Pa/ga))*(1 - exp(nkv - Pkv/gkv))"
#define KUMAR_VARS                                                            \
    { "Pw", "bits of weights", 16, true, 16 },                                \
    { "Pa", "bits of activations", 16, true, 16 },                            \
    { "Pkv", "bits of the KV cache", 16, true, 16 }
    {
        .name = "kumar-train",
        .formula = "loss = E + A/(N*" KUMAR_FACTOR ")^alpha + B/D^beta",
        .source = "Kumar et al. 2024, arXiv:2411.04330, equations 3 and 4",
        .terms = BASE_TERMS,
        .note = "The offsets n stand inside the exponent, as the paper's own "
                "optimum of 7 to 8 bits requires.",
        .params = { BASE_PARAMS, KUMAR_PARTS },
        .vars = { VAR_N, VAR_D, KUMAR_VARS },
        .sets = {
            { "kumar", "E=2.7648 A=4299 alpha=0.4965 B=18060 beta=0.4965 "
              "gw=2.6745 nw=0.3037 ga=2.2102 na=1.4072 gkv=0.9578 nkv=2.4185",
              "arXiv:2411.04330, table 2" },
        },
    },
#define KUMAR_PTQ                                                             \
    { "CT", 1e-4, 10, 0, NULL, "size of the cost after training" },           \
    { "gN", 0.02, 1, 0, NULL, "fall with model size" },                       \
    { "gD", 0.02, 1, 0, NULL, "growth with data" },                           \
    { "gpost", 0.2, 3, 0, NULL, "bits scale after training" }
    {
        .name = "kumar-ptq",
        .formula = "loss = E + A/N^alpha + B/D^beta + "
                   "CT*D^gD/N^gN*exp(-Ppost/gpost)",
        .source = "Kumar et al. 2024, arXiv:2411.04330, equation 2",
        .terms = BASE_TERMS ", quantization",
        .note = "Table 2 also lists b = 1.1277 beside CT without saying its "
                "sign; it only rescales CT and is left out here.",
        .paired = "kumar-ptq-delta",
        .params = { BASE_PARAMS, KUMAR_PTQ },
        .vars = { VAR_N, VAR_D,
                  { "Ppost", "bits after training", NEEDED, true, 16 } },
        .sets = {
            { "kumar", "E=2.7648 A=4299 alpha=0.4965 B=18060 beta=0.4965 "
              "CT=0.0598 gD=0.5068 gN=0.3439 gpost=0.5907",
              "arXiv:2411.04330, table 2" },
        },
    },
    {
        .name = "kumar-ptq-delta",
        .formula = "delta = CT*D^gD/N^gN*exp(-Ppost/gpost)",
        .source = "Kumar et al. 2024, arXiv:2411.04330, equation 2",
        .terms = "quantization",
        .note = "A model that is served as it was trained has no cost: leave "
                "such rows out.  Fitted in log space, since models that differ "
                "in their seed alone differ in their cost by a share of it; "
                "costs that vanish in the noise of a validation set are no "
                "rows of it either.",
        .params = { KUMAR_PTQ },
        .vars = { VAR_N, VAR_D,
                  { "Ppost", "bits after training", NEEDED, true, 16 } },
        .sets = {
            { "kumar", "CT=0.0598 gD=0.5068 gN=0.3439 gpost=0.5907",
              "arXiv:2411.04330, table 2" },
        },
    },
    {
        .name = "kumar-unified",
        .formula = "loss = E + A/(N*" KUMAR_FACTOR ")^alpha + B/D^beta + "
                   "CT*D^gD/(N*" KUMAR_FACTOR ")^gN*exp(-Ppost/gpost)*"
                   "(1 - exp(-Cw*(Pw - Ppost)))*(1 - exp(-Ca*(Pa - Ppost)))*"
                   "(1 - exp(-Ckv*(Pkv - Ppost)))",
        .source = "Kumar et al. 2024, arXiv:2411.04330, equations 8, 9 and 11",
        .terms = BASE_TERMS ", quantization",
        .note = "The source does not print Cw, Ca and Ckv.",
        .params = {
            BASE_PARAMS, KUMAR_PARTS, KUMAR_PTQ,
            { "Cw", 0.05, 5, 0, NULL, "robustness from weights" },
            { "Ca", 0.05, 5, 0, NULL, "robustness from activations" },
            { "Ckv", 0.05, 5, 0, NULL, "robustness from the KV cache" },
        },
        .vars = { VAR_N, VAR_D, KUMAR_VARS,
                  { "Ppost", "bits after training", NEEDED, true, 16 } },
    },
    {
        .name = "ouyang",
        .formula = "delta = k*D^beta/(N^alpha*P^gamma)",
        .source = "Ouyang et al. 2024, arXiv:2411.17691",
        .terms = "quantization",
        .note = "The paper's table 1 must use other constants at 3 and 4 bits.",
        .space = FIT_LINEAR,
        .params = {
            { "k", 1e-3, 10, 0, NULL, "size of the cost" },
            { "beta", 0.05, 1.2, 0, NULL, "growth with data" },
            { "alpha", 0.05, 1.2, 0, NULL, "fall with model size" },
            { "gamma", 0.5, 9, 0, NULL, "fall with bits" },
        },
        .vars = { VAR_N, VAR_D, { "P", "bits", NEEDED, false, 0 } },
        .sets = {
            { "ouyang", "k=0.017 beta=0.5251 alpha=0.2261 gamma=5.4967",
              "arXiv:2411.17691" },
        },
    },
    {
        .name = "capybara",
        .formula = "loss = n/N^alpha + d/D^beta + eps + D^beta/N^alpha*log2(B)"
                   "/(gamma*(E + 0.5)^delta*(M + 0.5)^nu)",
        .source = "Sun et al. 2025, arXiv:2501.02423v3, equation 18",
        .terms = "model size, data, floor, quantization",
        .note = "The source varies B at E1M1 only, so its product form rests "
                "on the held-out runs.  Channel-wise scales act as "
                "log2 B = 13.1567.",
        .params = {
            { "n", 1, 1e6, 0, NULL, "weight of model size" },
            PARAM_ALPHA,
            { "d", 1, 1e6, 0, NULL, "weight of data" },
            PARAM_BETA,
            { "eps", 0.01, 4, 0, NULL, "irreducible loss" },
            { "gamma", 10, 1e7, 0, NULL, "inverse size of the cost" },
            { "delta", 0.3, 6, 0, NULL, "worth of exponent bits" },
            { "nu", 0.3, 6, 0, NULL, "worth of mantissa bits" },
        },
        .vars = {
            VAR_N, VAR_D,
            { "E", "exponent bits", NEEDED, false, 0 },
            { "M", "mantissa bits", NEEDED, false, 0 },
            { "B", "elements that share a scale; 1 when unquantized", NEEDED,
              true, 1 },
        },
        .sets = {
            { "sun", "n=69.2343 alpha=0.2368 d=68973.0621 beta=0.5162 "
              "eps=1.9061 gamma=11334.5197 delta=3.1926 nu=2.9543",
              "arXiv:2501.02423v3, table 2" },
        },
    },
#define CAPACITY_RHO "L*tanh(-F*log2(gmse)/2)^C"
#define CAPACITY_PARAMS                                                       \
    { "L", 0.2, 1.2, 0, NULL, "capacity of a perfect format" },               \
    { "F", 0.1, 1.5, 0, NULL, "rate of saturation" },                         \
    { "C", 0.4, 3, 0, NULL, "shape of saturation" }
    {
        .name = "capacity",
        .formula = "loss = E + A/(N*(gmse > 0 ? " CAPACITY_RHO " : 1))^alpha"
                   " + B/D^beta",
        .source = "Panferov et al. 2025, arXiv:2506.01863",
        .terms = BASE_TERMS,
        .note = "gmse is the format's mean squared error on unit Gaussian "
                "data, 0 when unquantized; without such rows A and L cannot "
                "be told apart.  The source prints no A and B.",
        .params = { BASE_PARAMS, CAPACITY_PARAMS },
        .vars = { VAR_N, VAR_D,
                  { "gmse", "Gaussian mean squared error", NEEDED, true, 0 } },
    },
    {
        .name = "capacity-rho",
        .formula = "rho = " CAPACITY_RHO,
        .source = "Panferov et al. 2025, arXiv:2506.01863",
        .terms = "capacity",
        .space = FIT_LINEAR,
        .params = { CAPACITY_PARAMS },
        .vars = { { "gmse", "Gaussian mean squared error", NEEDED, false, 0 } },
        .sets = {
            { "llama", "L=1 F=0.41 C=1.39", "arXiv:2506.01863, Llama on C4" },
            { "olmo2", "L=0.84 F=0.37 C=1.24",
              "arXiv:2506.01863, OLMo2 on ClimbMix" },
        },
    },
    {
        .name = "quartet",
        .formula = "loss = E + (A/(N*effN)^alpha + B/(D*effD)^beta)^gamma",
        .source = "Castro et al. 2025, arXiv:2505.14669v4",
        .terms = "floor, model size and data",
        .params = {
            PARAM_E, PARAM_ALPHA, PARAM_BETA,
            { "gamma", 0.1, 2, 0, NULL, "how the two costs combine" },
            { "A", 0.05, 1, 0, "N^alpha*loss^(1/gamma)", "weight of size" },
            { "B", 0.05, 1, 0, "D^beta*loss^(1/gamma)", "weight of data" },
            { "effN", 0.05, 1, LAW_PER_FORMAT | LAW_UNITY, NULL,
              "effective share of the parameters" },
            { "effD", 0.05, 1, LAW_PER_FORMAT | LAW_UNITY, NULL,
              "effective share of the tokens" },
        },
        .vars = { VAR_N, VAR_D },
#define QUARTET_BASE                                                          \
    "A=1.52e5 alpha=0.589 B=5.25e5 beta=0.544 E=1.35 gamma=0.274 "
        .sets = {
            { "quartet", QUARTET_BASE "effN=0.65 effD=0.95",
              "arXiv:2505.14669v4, tables 3 and 6" },
            { "luq-int4", QUARTET_BASE "effN=0.49 effD=0.15",
              "arXiv:2505.14669v4, tables 3 and 6" },
            { "luq-fp4", QUARTET_BASE "effN=0.01 effD=0.07",
              "arXiv:2505.14669v4, tables 3 and 6" },
            { "bf16", QUARTET_BASE "effN=1 effD=1",
              "arXiv:2505.14669v4, table 6" },
        },
    },
    {
        .name = "sparsity",
        .formula = "loss = (aS*(1 - S)^bS + cS)/N^bN + (aD/D)^bD + c",
        .source = "Frantar et al. 2023, arXiv:2309.08520, equation 1",
        .terms = "model size, data, floor",
        .params = {
            { "aS", 1, 1e6, 0, NULL, "weight of density" },
            { "bS", 0.1, 2, 0, NULL, "exponent of density" },
            { "cS", 1, 1e6, 0, NULL, "weight that sparsity spares" },
            { "bN", 0.03, 1.2, 0, NULL, "exponent of model size" },
            { "bD", 0.03, 1.2, 0, NULL, "exponent of data" },
            { "aD", 0.001, 1, 0, "D*loss^(1/bD)", "scale of data" },
            { "c", 0.01, 4, 0, NULL, "irreducible loss" },
        },
        .vars = { VAR_N, VAR_D, { "S", "share of zero weights", NEEDED, false, 0 } },
    },
    {
        .name = "farseer",
        .formula = "loss = K3*exp(a3*N^gamma) + "
                   "K2*exp(a2*N^beta)/D^(K1*exp(a1*N^alpha))",
        .source = "after Li et al. 2025, arXiv:2506.10972",
        .terms = "model size, data",
        .note = "The source writes K as e^b.  Nine constants need many sizes "
                "over a wide range, and N^0 is a constant: an exponent whose "
                "interval holds 0 is not known.  It has no floor.",
        .params = {
            { "gamma", 0.05, 0.5, LAW_SIGNED, NULL, "bend of model size" },
            { "a3", -3, -0.1, LAW_SIGNED, "1/N^gamma", "fall with model size" },
            { "beta", -0.4, -0.03, LAW_SIGNED, NULL,
              "bend of the weight of data" },
            { "a2", 1, 15, LAW_SIGNED, "1/N^beta",
              "fall of the weight of data" },
            { "alpha", 0.03, 0.4, LAW_SIGNED, NULL,
              "bend of the exponent of data" },
            { "a1", -3, -0.1, LAW_SIGNED, "1/N^alpha",
              "fall of the exponent of data" },
            { "K1", 0.1, 4, 0, NULL, "size of the exponent of data" },
            { "K2", 1e-3, 1e3, 0, NULL, "size of the weight of data" },
            { "K3", 0.5, 5, 0, NULL, "size of the loss without end of data" },
        },
        .vars = { VAR_N, VAR_D },
    },
    {
        .name = "step-law",
        .formula = "lr = k*D^gD/N^gN",
        .source = "Li et al. 2025, arXiv:2503.04715",
        .terms = "learning rate",
        .note = "Rows are the best rates of each N and D (--best loss --by "
                "N,D) and as exact as the rates that were tried are close: "
                "those of the source's table alone leave gN at 0.3 to 1.6.  N "
                "is without embeddings.",
        .params = {
            { "k", 1e-3, 1e3, 0, NULL, "size of the rate" },
            { "gD", 0.05, 1, 0, NULL, "growth with data" },
            { "gN", 0.05, 1.2, 0, NULL, "fall with model size" },
        },
        .vars = { VAR_N, VAR_D },
        .sets = {
            { "step", "k=1.79 gD=0.307 gN=0.713", "arXiv:2503.04715" },
        },
    },
    {
        .name = "step-law-batch",
        .formula = "batch = k*D^gD",
        .source = "Li et al. 2025, arXiv:2503.04715",
        .terms = "batch",
        .note = "A batch is counted in tokens.  Rows are the best batches of "
                "each N and D (--best loss --by N,D).",
        .params = {
            { "k", 1e-3, 1e3, 0, NULL, "size of the batch" },
            { "gD", 0.05, 1.2, 0, NULL, "growth with data" },
        },
        .vars = { VAR_D },
        .sets = {
            { "step", "k=0.58 gD=0.571", "arXiv:2503.04715" },
        },
    },
    {
        .name = "momentum",
        .formula = "loss = L0 + A/S1^alpha - C*S2",
        .source = "after Tissue et al. 2024, arXiv:2408.11029",
        .terms = "floor, training, annealing",
        .note = "S1 adds up the learning rate over the steps, S2 its fall with "
                "a memory; --derive makes both (cumsum, docs/fitting.md).  The "
                "memory, .999 a step or so, is chosen, not fitted.  Rows of "
                "the warm-up are no part of the law.",
        .params = {
            { "L0", 0.01, 4, 0, NULL, "floor" },
            { "A", 0.01, 10, 0, NULL, "weight of training" },
            { "alpha", 0.05, 1.5, 0, NULL, "exponent of training" },
            { "C", 0.001, 100, 0, NULL, "weight of annealing" },
        },
        .vars = {
            { "S1", "sum of the learning rate", NEEDED, false, 0 },
            { "S2", "sum of its remembered fall", NEEDED, false, 0 },
        },
    },
    {
        .name = "multi-power",
        .formula = "loss = L0 + A/S1^alpha - "
                   "B*fall*(1 - (1 + C*Sf/lr^gamma)^-beta)",
        .source = "Luo et al. 2025, arXiv:2503.12811",
        .terms = "floor, training, annealing",
        .note = "For a rate that has fallen once, from lr + fall to lr, or not "
                "yet (fall = Sf = 0).  The source adds up such terms over all "
                "steps at which the rate falls; no row can hold that sum, "
                "because C, gamma and beta stand inside it.  The published L0 "
                "count the warm-up as a rise from 0: after it losses are some "
                "B*peak higher, .13 at 3e-4.  --derive makes S1 and Sf "
                "(cumsum, docs/fitting.md).",
        .params = {
            { "L0", 0.01, 4, 0, NULL, "floor" },
            { "A", 0.01, 10, 0, NULL, "weight of training" },
            { "alpha", 0.05, 1.5, 0, NULL, "exponent of training" },
            { "B", 1, 1e4, 0, NULL, "weight of annealing" },
            { "C", 0.05, 20, 0, NULL, "rate of annealing" },
            { "beta", 0.1, 2, 0, NULL, "shape of annealing" },
            { "gamma", 0.1, 1.2, 0, NULL, "slowness at high rates" },
        },
        .vars = {
            { "S1", "sum of the learning rate, warm-up included", NEEDED, false,
              0 },
            { "Sf", "sum of the learning rate since it fell", NEEDED, false,
              0 },
            { "fall", "by how much the rate fell", NEEDED, false, 0 },
            { "lr", "learning rate now", NEEDED, false, 0 },
        },
#define LUO "the authors' repository MultiPowerLaw, README"
        .sets = {
            { "25M", "L0=3.040 A=0.525 alpha=0.508 B=363.788 C=2.066 "
              "beta=0.583 gamma=0.641", LUO },
            { "100M", "L0=2.651 A=0.601 alpha=0.453 B=437.946 C=2.132 "
              "beta=0.598 gamma=0.655", LUO },
            { "400M", "L0=2.375 A=0.654 alpha=0.429 B=523.425 C=2.025 "
              "beta=0.594 gamma=0.635", LUO },
        },
    },
    {
        .name = "isoflop",
        .formula = "loss = E + k*(log(N) - m)^2",
        .source = "Hoffmann et al. 2022, arXiv:2203.15556, approach 2",
        .terms = "least loss, distance from the best size",
        .note = "Each value of a column C, the budget, has its own constants; "
                "the best size is exp(m).  --isoflop C adds its exponents and "
                "bias.  A parabola is not the law of the "
                "losses: a wide range of sizes biases m (arXiv:2603.22339).",
        .params = {
            { "E", 0.1, 10, LAW_PER_BUDGET, NULL, "least loss of the budget" },
            { "k", 1e-3, 1, LAW_PER_BUDGET, NULL, "curvature" },
            { "m", 0.9, 1.1, LAW_PER_BUDGET, "log(N)",
              "logarithm of the best size" },
        },
        .vars = { VAR_N },
    },
};

const struct law *law_at(int i)
{
    return i >= 0 && i < (int)(sizeof laws / sizeof laws[0]) ? &laws[i] : NULL;
}
