/* What is asked of a fit: kept as JSON, read back, and read as it was kept
 * before. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/study/options.h"
#include "tests/check.h"

static enum status read(struct fit_options *o, const char *text,
                        struct err *err)
{
    json_t *from = NULL;
    enum status st = json_parse(&from, text, "fit.selection", err);

    assert_int_equal(st, OK);
    st = fit_options_from_json(o, from, err);
    json_decref(from);
    return st;
}

static void check_text(const char *wanted, const struct fit_options *o,
                       void (*print)(struct str *, const struct fit_options *))
{
    struct str s = { 0 };

    print(&s, o);
    assert_string_equal(str_text(&s), wanted);
    str_release(&s);
}

static const char all[] =
    "{\"schema\":\"qlaw/fit-request/1\",\"grid\":\"it's\",\"law\":\"kumar\","
    "\"formula\":[\"loss = E + A/N\"],\"paired\":true,\"data\":\"x.csv\","
    "\"where\":[\"N > 1\",\"D > 2\"],\"map\":[\"N=n\"],\"derive\":[\"C=N\"],"
    "\"best\":\"loss\",\"by\":\"N,D\",\"base\":\"none\",\"n-def\":\"total\","
    "\"space\":\"log\",\"loss\":\"l1\",\"weight-sigma\":\"se\","
    "\"start\":[\"A=1\",\"A=2\"],\"start-only\":true,\"bound\":[\"E>=0\"],"
    "\"fix\":[\"a=b\"],\"group-param\":[\"k:fmt\"],\"cluster\":\"config\","
    "\"bootstrap\":1000,\"profile\":true,\"seed\":9007199254740992,"
    "\"strict\":true}";

static void every_key_comes_back(void **state)
{
    struct fit_options o;
    struct err err = { 0 };
    int n = 0;

    (void)state;
    check_ok(read(&o, all, &err), err);
    check_text(all, &o, fit_options_json);
    while (fit_option_at(n)) {
        char *key = mem_printf("\"%s\":", fit_option_at(n++)->key);

        assert_non_null(strstr(all, key)); /* a new key belongs into the text */
        free(key);
    }
    fit_options_release(&o);
    check_ok(read(&o, "{\"schema\":\"qlaw/fit-request/1\"}", &err), err);
    assert_true(isnan(o.seed) && isnan(o.bootstrap) && !o.law && !o.profile);
    check_text("{\"schema\":\"qlaw/fit-request/1\"}", &o, fit_options_json);
    fit_options_release(&o);
}

static void words_of_before_are_read(void **state)
{
    struct fit_options o;
    struct err err = { 0 };

    (void)state;
    check_ok(read(&o,
                  "{\"grid\":\"g\",\"argv\":[\"qlaw\",\"fit\",\"g\","
                  "\"--law=qat-delta\",\"--start=A=1,E=2\",\"--start=A=3\","
                  "\"--profile\",\"--seed=3\",\"--where=fmt = 'a=b'\"]}",
                  &err),
             err);
    check_text("{\"schema\":\"qlaw/fit-request/1\",\"grid\":\"g\","
               "\"law\":\"qat-delta\",\"where\":[\"fmt = 'a=b'\"],"
               "\"start\":[\"A=1,E=2\",\"A=3\"],\"profile\":true,\"seed\":3}",
               &o, fit_options_json);
    check_text("qlaw fit g --law=qat-delta '--where=fmt = '\\''a=b'\\''' "
               "--start=A=1,E=2 --start=A=3 --profile --seed=3",
               &o, fit_options_command);
    fit_options_release(&o);
}

/* Whoever wrote it: nothing but a sentence. */
static void what_is_not_a_request_is_refused(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"argv\":[]}",
        "{\"argv\":[1,2,3]}",
        "{\"argv\":[\"qlaw\",\"fit\",\"g\",7]}",
        "{\"argv\":[\"qlaw\",\"fit\",\"--lawless=1\"]}",
        "{\"argv\":[\"qlaw\",\"fit\",\"--law\"]}",
        "{\"argv\":[\"qlaw\",\"fit\",\"--profile=yes\"]}",
        "{\"argv\":[\"qlaw\",\"fit\",\"--seed=-1\"]}",
        "{\"argv\":[\"qlaw\",\"fit\",\"--\"]}",
        "{\"schema\":1}",
        "{\"schema\":\"qlaw/fit-request/2\"}",
        "{\"schema\":\"qlaw/fit-request/1\",\"law\":3}",
        "{\"schema\":\"qlaw/fit-request/1\",\"start\":\"A=1\"}",
        "{\"schema\":\"qlaw/fit-request/1\",\"start\":[1]}",
        "{\"schema\":\"qlaw/fit-request/1\",\"profile\":1}",
        "{\"schema\":\"qlaw/fit-request/1\",\"seed\":-1}",
        "{\"schema\":\"qlaw/fit-request/1\",\"bootstrap\":1e8}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct fit_options o;
        struct err err = { 0 };

        if (read(&o, texts[i], &err) != ERR_DB ||
            !strstr(err.text, "cannot be made again"))
            fail_msg("%s: %s", texts[i], err.text);
        fit_options_release(&o);
    }
}

static void numbers_have_their_range(void **state)
{
    static const char *const wrong[] = { "x", "-1", "1e8", "1m", "" };
    struct fit_options o;
    struct err err = { 0 };
    const struct fit_option *row = NULL;

    (void)state;
    for (int i = 0; !row || strcmp(row->key, "bootstrap") != 0; i++)
        row = fit_option_at(i);
    fit_options_init(&o);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(fit_options_set(&o, row, wrong[i], &err), ERR_USAGE);
    check_ok(fit_options_set(&o, row, "1k", &err), err);
    assert_true(o.bootstrap == 1000);
    fit_options_release(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_comes_back),
        cmocka_unit_test(words_of_before_are_read),
        cmocka_unit_test(what_is_not_a_request_is_refused),
        cmocka_unit_test(numbers_have_their_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
