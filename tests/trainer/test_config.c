#include "trainer/config.h"

#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "tests/check.h"
#include "trainer/size.h"

static struct config *with(const char *const *sets)
{
    struct config *c = config_new();
    struct err err;

    for (; *sets; sets++) {
        char *key = mem_strndup(*sets, strcspn(*sets, "="));

        check_ok(config_set(c, key, strchr(*sets, '=') + 1, &err), err);
        free(key);
    }
    check_ok(config_resolve(c, &err), err);
    return c;
}

#define WITH(...) with((const char *const[]){ __VA_ARGS__, NULL })

static char *identity(struct config *c)
{
    json_t *json = config_identity(c, IDENTITY_RUN);
    char *text = json_canonical_text(json);

    json_decref(json);
    config_free(c);
    return text;
}

static void every_row_has_a_default_that_its_own_reader_accepts(void **state)
{
    (void)state;
    for (int i = 0; setting_at(i); i++) {
        const struct setting *s = setting_at(i);
        char *text, *again;
        struct err err;

        check_ok(setting_canonical(&text, s, s->fallback, &err), err);
        check_ok(setting_canonical(&again, s, text, &err), err);
        assert_string_equal(again, text);
        assert_true(strlen(s->help) > 10);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(setting_at(k)->key, s->key);
        free(text);
        free(again);
    }
}

static void a_value_has_one_spelling(void **state)
{
    static const struct {
        const char *key, *text, *canonical;
    } table[] = {
        { "train.lr", "1e-3", "0.001" },
        { "train.lr", ".001", "0.001" },
        { "train.lr", "1.0E-3", "0.001" },
        { "train.tokens", "16Ki", "16384" },
        { "train.tokens", "1.5M", "1500000" },
        { "model.tied", "On", "true" },
        { "train.schedule", "WSD", "wsd" },
        { "run.checkpoint", "10m", "600" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char *text;
        struct err err;

        check_ok(setting_canonical(&text, setting_find(table[i].key),
                                   table[i].text, &err),
                 err);
        assert_string_equal(text, table[i].canonical);
        free(text);
    }
}

static void wrong_values_name_the_key_and_what_was_expected(void **state)
{
    static const struct {
        const char *key, *text, *says;
    } table[] = {
        { "train.lr", "fast", "train.lr = fast: expected a number" },
        { "train.lr", "11", "train.lr = 11 is outside 0 .. 10" },
        { "train.tokens", "1.5", "expected a whole number" },
        { "train.tokens", "12 M", "expected a whole number" },
        { "model.tied", "maybe", "expected yes or no" },
        { "train.schedule", "cosin", "did you mean 'cosine'?" },
        { "train.schedule", "linear", "not one of cosine|wsd|constant" },
        { "quant.scale", "e8m1",
          "quant.scale = e8m1: not one of fp32|bf16|e8m0|e8m0-floor|"
          "e8m0-round|e4m3" },
        { "quant.scale", "e8m1", "; did you mean 'e8m0'?" },
        { "quant.round", "up",
          "quant.round = up: not one of nearest|stochastic" },
        { "run.timeout", "3x", "a duration such as 30s" },
        { "quant.w", "in4", "did you mean 'int4'" },
        { "quant.w", "forward", "unknown number format 'forward'" },
        { "quant.gruop", "32", "did you mean 'quant.group'" },
        { "modle.d_model", "32", "did you mean 'model.d_model'" },
        { "banana", "1", "unknown key 'banana'" },
        { "quant.fc3.w", "int4", "did you mean 'fc1'" },
        { "quant.fc2.gruop", "32", "did you mean 'quant.group'" },
        { "quant.0-3.fc9.w", "int4", "selects no layer" },
        { "quant.3-1.w", "int4", "selects no layer" },
        { "quant.last:0.w", "int4", "selects no layer" },
    };
    struct config *c = config_new();
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(config_set(c, table[i].key, table[i].text, &err),
                         ERR_CONFIG);
        check_says(err, table[i].says);
    }
    config_free(c);
}

static void shapes_that_cannot_be_are_refused(void **state)
{
    static const struct {
        const char *key, *text, *says;
    } table[] = {
        { "model.n_head", "3",
          "model.n_head = 3 does not divide "
          "model.d_model = 64" },
        { "model.n_head", "64", "is odd: rotary embedding needs pairs" },
        { "model.n_kv_head", "3",
          "model.n_kv_head = 3 does not divide "
          "model.n_head = 2" },
        { "quant.w", "int4/g48",
          "quant.w of qkv in block 0: a group of 48 does not divide the "
          "reduction axis of 64" },
        { "quant.dy_g", "int4/g768", "quant.dy_g of qkv in block 0" },
        { "quant.last:1.fc2.x", "int4/g100", "quant.x of fc2 in block 3" },
        { "quant.group", "many", NULL },
        { "train.warmup", "5000", "longer than the run" },
        { "quant.4.fc2.w", "int4",
          "quant.4.fc2.w selects no layer: "
          "model.n_layer = 4" },
        { "quant.head.x", "int4/g48", "quant.x of the head: a group" },
        { "train.batch", "65536", "tokens a step: with rows of 384" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct config *c = config_new();
        struct err err = { 0 };

        check_ok(config_set(c, table[i].key, table[i].text, &err), err);
        if (table[i].says) {
            assert_int_equal(config_resolve(c, &err), ERR_CONFIG);
            check_says(err, table[i].says);
        } else { /* a group nobody uses is still a wrong group */
            assert_int_equal(config_resolve(c, &err), ERR_CONFIG);
            check_says(err, "group 'many'");
        }
        config_free(c);
    }
}

/* arXiv 2505.14302 table 3 and 2501.02423 table 1, exact counts of block
 * linear weights. */
static void parameter_counts_agree_with_both_papers(void **state)
{
    static const struct {
        const char *sets[6];
        int64_t body;
    } table[] = {
        { { "model.n_layer=12", "model.d_model=768", "model.d_ff=2048",
            "model.n_head=16", "model.n_kv_head=4" },
          74317824 },
        { { "model.n_layer=12", "model.d_model=1024", "model.d_ff=3072",
            "model.n_head=16", "model.n_kv_head=4" },
          144703488 },
        { { "model.n_layer=24", "model.d_model=1536", "model.d_ff=4096",
            "model.n_head=24", "model.n_kv_head=6" },
          594542592 },
        { { "model.n_layer=12", "model.d_model=512", "model.d_ff=1536",
            "model.n_head=8" },
          40894464 },
        { { "model.n_layer=24", "model.d_model=2048", "model.d_ff=5632",
            "model.n_head=32" },
          1233125376 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct config *c = with(table[i].sets);

        assert_int_equal(config_size(c).body, table[i].body);
        config_free(c);
    }
}

/* 6 N D + 6 L T d per token, by hand: L 2, d 64, ff 192, V 256, T 128. */
static void flops_count_products_and_the_causal_half(void **state)
{
    struct config *c = WITH("model.n_layer=2");
    const double body = 2 * (4 * 64 * 64 + 3 * 64 * 192);
    const struct model_size s = config_size(c);

    (void)state;
    check_close(s.flops_per_token, 6 * (body + 256 * 64) + 6.0 * 2 * 128 * 64,
                0);
    assert_int_equal(s.steps, 977); /* 1 M tokens in steps of 1024, up */
    assert_int_equal(s.tokens, 977 * 1024);
    config_free(c);
}

static void equal_numerics_are_one_identity(void **state)
{
    struct {
        struct config *a, *b;
    } pairs[] = {
        { WITH("quant.w=int4", "quant.group=32"),
          WITH("quant.w=int4/g32/fp32", "quant.group=64") },
        { WITH("quant.group=64"), WITH("quant.scale=e8m0") },
        { WITH("quant.w=mxfp4"), WITH("quant.w=e2m1", "quant.scale=e8m0") },
        { WITH("train.tokens=1000000"), WITH("train.tokens=1000448") },
        { WITH("train.warmup=0.05"), WITH("train.warmup=49") },
        { WITH("model.n_kv_head=2"), WITH("model.n_kv_head=0") },
        { WITH("train.decay=0.5"), WITH("train.decay=0.1") },
        { WITH("quant.fc2.w=int8", "quant.w=int4"),
          WITH("quant.qkv.w=int4", "quant.o.w=int4", "quant.fc1.w=int4",
               "quant.0-3.fc2.w=int8") },
        { WITH("run.threads=2"), WITH("run.slots=3") },
        { WITH("quant.x_g=none"), WITH("quant.x=none") },
        { WITH("quant.dy_d=int4", "quant.grad=clip"), WITH("quant.dy_d=int4") },
        { WITH("quant.w=int4", "quant.grad=clip"),
          WITH("quant.w=int4", "quant.first:4.grad=clip",
               "quant.head.grad=clip") },
        { WITH("quant.w=int4", "quant.fc2.group=32"),
          WITH("quant.w=int4/g32") },
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char *a = identity(pairs[i].a), *b = identity(pairs[i].b);

        assert_string_equal(a, b);
        free(a);
        free(b);
    }
}

static void what_can_change_a_loss_changes_the_identity(void **state)
{
    char *base = identity(WITH("quant.w=int4"));
    struct config *others[] = {
        WITH("quant.w=int4", "quant.group=64"),
        WITH("quant.w=int4", "quant.w_d=none"),
        WITH("quant.w=int4", "quant.grad=clip"),
        WITH("quant.w=int4", "quant.2.o.grad=clip"),
        WITH("quant.w=int4", "quant.head.w=int8"),
        WITH("quant.w=int4", "quant.last:1.w=none"),
        WITH("quant.w=int4", "data.sha256=abc"),
        WITH("quant.w=int4", "train.lr=1e-3"),
        WITH("quant.w=none"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char *other = identity(others[i]);

        assert_string_not_equal(base, other);
        free(other);
    }
    free(base);
}

static void the_twin_is_the_same_without_quantization(void **state)
{
    struct config *q = WITH("quant.w=int4", "quant.fc2.x=int8");
    struct config *plain = WITH("quant.group=64");
    json_t *twin = config_identity(q, IDENTITY_TWIN);
    json_t *base = config_identity(plain, IDENTITY_RUN);

    (void)state;
    assert_true(json_equal(twin, base));
    json_decref(twin);
    json_decref(base);
    config_free(q);
    config_free(plain);
}

/* Golden vector: this text may never change for these keys, or every stored
 * identity would. */
static void the_identity_text_is_stable(void **state)
{
    char *text = identity(WITH("quant.w=int4", "quant.x=e4m3/row",
                               "quant.fc2.x=int8", "data.sha256=00ff"));

    (void)state;
    assert_string_equal(
        text,
        "{\"data\":{\"delimiter\":\"<|endoftext|>\",\"sha256\":\"00ff\","
        "\"val_fraction\":0.05,\"val_tokens\":65536},"
        "\"model\":{\"d_ff\":192,\"d_model\":64,\"init_std\":0.02,"
        "\"n_head\":2,\"n_kv_head\":2,\"n_layer\":4,\"norm_eps\":1e-05,"
        "\"rope_theta\":10000,\"seq_len\":128,\"tied\":false,\"vocab\":256},"
        "\"quant\":{\"fc1\":{\"w\":\"int4/g32/fp32/absmax/nearest\","
        "\"x\":\"e4m3/row/fp32/absmax/nearest\"},"
        "\"fc2\":{\"w\":\"int4/g32/fp32/absmax/nearest\","
        "\"x\":\"int8/g32/fp32/absmax/nearest\"},"
        "\"o\":{\"w\":\"int4/g32/fp32/absmax/nearest\","
        "\"x\":\"e4m3/row/fp32/absmax/nearest\"},"
        "\"qkv\":{\"w\":\"int4/g32/fp32/absmax/nearest\","
        "\"x\":\"e4m3/row/fp32/absmax/nearest\"}},"
        "\"stop\":{\"loss\":0},"
        "\"train\":{\"batch\":8,\"beta1\":0.9,\"beta2\":0.95,\"decay\":0.2,"
        "\"eps\":1e-08,\"grad_clip\":1,\"lr\":0.003,\"lr_final\":0.1,"
        "\"schedule\":\"cosine\",\"tokens\":1000448,\"warmup\":49,"
        "\"weight_decay\":0.1}}");
    free(text);
}

static void a_configuration_survives_json(void **state)
{
    struct config *c = WITH("quant.w=int4", "quant.last:1.fc2.x=int8/row",
                            "train.lr=1e-4", "model.tied=yes",
                            "data.path=a b.txt\n/c/*.zst", "run.checkpoint=5m"),
                  *again;
    json_t *json = config_json(c), *json2;
    struct err err;

    (void)state;
    check_ok(config_from_json(&again, json, "test", &err), err);
    assert_string_equal(config_data_path(again), "a b.txt\n/c/*.zst");
    check_ok(config_resolve(again, &err), err);
    json2 = config_json(again);
    assert_true(json_equal(json, json2));
    json_decref(json);
    json_decref(json2);
    config_free(c);
    config_free(again);
}

static void overrides_reach_exactly_the_layers_they_name(void **state)
{
    static const struct {
        const char *selector;
        int from, to;     /* blocks */
        const char *kind; /* NULL: all four */
    } table[] = {
        { "fc2", 0, 3, "fc2" },   { "1", 1, 1, NULL },
        { "1-2", 1, 2, NULL },    { "first:1", 0, 0, NULL },
        { "last:2", 2, 3, NULL }, { "last:1.qkv", 3, 3, "qkv" },
        { "0-1.o", 0, 1, "o" },
    };
    static const char *const kinds[] = { "qkv", "o", "fc1", "fc2", "head" };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char *set = mem_printf("quant.%s.w=int8", table[i].selector);
        struct config *c = WITH(set);

        for (int layer = 0; layer < 4; layer++)
            for (int k = 0; k < 5; k++) {
                struct quant_spec s;
                bool reuse;
                const bool hit =
                    k < 4 && layer >= table[i].from && layer <= table[i].to &&
                    (!table[i].kind || strcmp(table[i].kind, kinds[k]) == 0);

                config_quant(&s, &reuse, c, layer, layer_find(kinds[k]),
                             OPERAND_W);
                assert_int_equal(s.on, hit);
            }
        config_free(c);
        free(set);
    }
}

static void copies_do_not_share_what_is_changed(void **state)
{
    struct config *a = WITH("quant.w=int4", "quant.fc2.x=int8"),
                  *b = config_copy(a);
    struct err err;

    (void)state;
    check_ok(config_set(b, "quant.w", "int8", &err), err);
    check_ok(config_set(b, "quant.fc2.x", "int4", &err), err);
    assert_string_equal(config_quant_w(a), "int4");
    assert_string_equal(config_get(a, "quant.fc2.x"), "int8");
    assert_string_equal(config_get(b, "quant.fc2.x"), "int4");
    config_free(a);
    config_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_a_default_that_its_own_reader_accepts),
        cmocka_unit_test(a_value_has_one_spelling),
        cmocka_unit_test(wrong_values_name_the_key_and_what_was_expected),
        cmocka_unit_test(shapes_that_cannot_be_are_refused),
        cmocka_unit_test(parameter_counts_agree_with_both_papers),
        cmocka_unit_test(flops_count_products_and_the_causal_half),
        cmocka_unit_test(equal_numerics_are_one_identity),
        cmocka_unit_test(what_can_change_a_loss_changes_the_identity),
        cmocka_unit_test(the_twin_is_the_same_without_quantization),
        cmocka_unit_test(the_identity_text_is_stable),
        cmocka_unit_test(a_configuration_survives_json),
        cmocka_unit_test(overrides_reach_exactly_the_layers_they_name),
        cmocka_unit_test(copies_do_not_share_what_is_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
