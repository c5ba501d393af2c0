#include "base/json.h"

#include <string.h>

#include "tests/check.h"

static void canonical_text_ignores_order_and_spelling(void **state)
{
    static const char *const same[] = {
        "{\"b\": 1e-3, \"a\": [1, 2.0, true, null]}",
        "{ \"a\":[1,2.0,true,null],\"b\":0.001}",
    };
    struct err err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        json_t *json;
        char *text;

        check_ok(json_parse(&json, same[i], "test", &err), err);
        text = json_canonical_text(json);
        assert_string_equal(text, "{\"a\":[1,2,true,null],\"b\":0.001}");
        free(text);
        json_decref(json);
    }
}

static void large_integers_and_reals_survive_a_round_trip(void **state)
{
    const char *text = "{\"i\":9007199254740993,\"x\":0.1}";
    struct err err;
    json_t *json;
    char *again;

    (void)state;
    check_ok(json_parse(&json, text, "test", &err), err);
    again = json_canonical_text(json);
    assert_string_equal(again, text);
    free(again);
    json_decref(json);
}

static void bad_json_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text, *says;
    } table[] = {
        { "{\"a\":1,\n \"a\":2}", "run.json:2:" },
        { "{\"a\":1} x", "run.json:1:" },
        { "{\"a\":NaN}", "run.json:1:" },
        { "", "run.json:" },
    };
    struct err err;
    json_t *json;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(json_parse(&json, table[i].text, "run.json", &err),
                         ERR_CONFIG);
        check_says(err, table[i].says);
    }
}

static void text_is_quoted_whatever_it_holds(void **state)
{
    struct str out = { 0 };
    struct err err;
    json_t *json;

    (void)state;
    json_quote(&out, "a\"b\\c\n\x01<script>\x7f");
    check_ok(json_parse(&json, "[]", "test", &err), err);
    json_decref(json);
    json = json_loads(str_text(&out), JSON_DECODE_ANY, NULL);
    assert_string_equal(json_string_value(json), "a\"b\\c\n\x01<script>\x7f");
    json_decref(json);
    str_release(&out);
}

static void building_an_object_places_the_commas(void **state)
{
    struct str out = { 0 };

    (void)state;
    str_add(&out, "{");
    json_add_number(&out, "x", 0.5);
    json_add_text(&out, "t", "a");
    json_add_number(&out, "nan", NAN);
    str_add(&out, "}");
    assert_string_equal(str_text(&out), "{\"x\":0.5,\"t\":\"a\",\"nan\":null}");
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_text_ignores_order_and_spelling),
        cmocka_unit_test(large_integers_and_reals_survive_a_round_trip),
        cmocka_unit_test(bad_json_is_refused_with_its_place),
        cmocka_unit_test(text_is_quoted_whatever_it_holds),
        cmocka_unit_test(building_an_object_places_the_commas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
