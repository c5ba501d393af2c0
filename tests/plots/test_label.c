/* Texts from outside: what acts is written out, what is text stays. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/label.h"
#include "base/rng.h"
#include "plots/dat.h"
#include "plots/html.h"
#include "plots/page.h"
#include "tests/check.h"

static void shows(const char *text, const char *want)
{
    char *got = label_visible(text);

    assert_string_equal(got, want);
    free(got);
}

static void text_stays_and_what_acts_is_written_out(void **state)
{
    (void)state;
    shows("", "");
    shows("int4 W+A g32", "int4 W+A g32");
    shows("caf\u00e9 \u4e2d\u6587 \U0001f600",
          "caf\u00e9 \u4e2d\u6587 \U0001f600");
    shows("a\nb\tc\rd", "a\\nb\\tc\\rd");
    shows("\x1b[31m\x7f", "\\x1b[31m\\x7f");
    shows("left\u202eright\u2066x\u2069", "left\\u202eright\\u2066x\\u2069");
    shows("\ufeffbom\u200bzero\u2028line", "\\ufeffbom\\u200bzero\\u2028line");
    shows("\xff\xc0\xaf", "\\xff\\xc0\\xaf");          /* never in UTF-8 */
    shows("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
    shows("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* past U+10FFFF */
    shows("\xe2\x82", "\\xe2\\x82");                   /* cut off */
    shows("\U000e0041", "\\U000e0041");                /* a tag character */
}

/* The C library decides what a character is. */
static void bytes_are_characters_just_when_the_c_library_says_so(void **state)
{
    const uint64_t key = rng_key(7, RNG_TEST, 1);

    (void)state;
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    for (uint64_t i = 0; i < 200000; i++) {
        char text[8] = { 0 };
        wchar_t wide = 0;
        mbstate_t shift = { 0 };
        size_t size, want;
        uint32_t got;

        for (int k = 0; k < 4; k++) {
            const uint32_t r = rng_u32(key, 4 * i + (uint64_t)k);

            text[k] = (char)(r & 1 ? 0x80 + r / 2 % 0x40 : 0x80 + r / 2 % 0x80);
        }
        want = mbrtowc(&wide, text, 4, &shift);
        got = text_decode(text, &size);
        if (want > 4 || wide > 0x10ffff) { /* RFC 3629 ends there */
            assert_true(got == UINT32_MAX);
            assert_int_equal(size, 1);
        } else {
            assert_int_equal(got, wide);
            assert_int_equal(size, want);
        }
    }
}

static void a_cut_label_ends_in_an_ellipsis_and_no_character_is_split(
    void **state)
{
    char *got = label_cut("\u00e9\u00e9\u00e9\u00e9", 4);

    (void)state;
    assert_string_equal(got, "\u00e9\u00e9\u00e9\u00e9");
    free(got);
    got = label_cut("\u00e9\u00e9\u00e9\u00e9\u00e9", 4);
    assert_string_equal(got, "\u00e9\u00e9\u00e9\u2026");
    assert_int_equal(label_length(got), 4);
    free(got);
}

static void html_places_have_their_own_escapes(void **state)
{
    struct str s = { 0 };

    (void)state;
    html_text(&s, "<script>&amp;\"'");
    assert_string_equal(str_text(&s), "&lt;script&gt;&amp;amp;&quot;&#39;");
    str_clear(&s);
    html_attribute(&s, "alt", "\" onload=\"x");
    assert_string_equal(str_text(&s), " alt=\"&quot; onload=&quot;x\"");
    str_clear(&s);
    html_pre(&s, "a\n\t<b>\r");
    assert_string_equal(str_text(&s), "a\n\t&lt;b&gt;\\r");
    str_clear(&s);
    html_fragment(&s, "javascript:x\"y");
    assert_string_equal(str_text(&s), "#javascript%3Ax%22y");
    str_clear(&s);
    html_path(&s, "//evil.example/x");
    assert_string_equal(str_text(&s), "evil.example/x");
    str_release(&s);
}

/* RFC 4648, section 10. */
static void data_addresses_are_base64(void **state)
{
    static const struct {
        const char *text, *want;
    } published[] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        struct str s = { 0 };
        char *want = mem_printf("data:text/plain;base64,%s", published[i].want);

        html_data(&s, "text/plain", published[i].text,
                  strlen(published[i].text));
        assert_string_equal(str_text(&s), want);
        free(want);
        str_release(&s);
    }
}

static void cells_of_a_data_file_are_escaped_as_gnuplot_reads_them(void **state)
{
    struct str s = { 0 };

    (void)state;
    dat_number(&s, 0.1);
    dat_text(&s, "a \"q\" \\n");
    dat_text(&s, "");
    dat_text(&s, "  two");
    dat_tic(&s, "50 %");
    dat_number(&s, NAN);
    dat_end_line(&s);
    assert_string_equal(str_text(&s), "0.1\ta \\042q\\042 \\\\n\t\\040\t"
                                      "\\040 two\t50 %%\tNaN\n");
    str_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays_and_what_acts_is_written_out),
        cmocka_unit_test(bytes_are_characters_just_when_the_c_library_says_so),
        cmocka_unit_test(
            a_cut_label_ends_in_an_ellipsis_and_no_character_is_split),
        cmocka_unit_test(html_places_have_their_own_escapes),
        cmocka_unit_test(data_addresses_are_base64),
        cmocka_unit_test(
            cells_of_a_data_file_are_escaped_as_gnuplot_reads_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
