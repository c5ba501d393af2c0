#include "base/odd.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

/* What is pasted most; blank: it may stand around a value. */
static const struct known {
    uint32_t first, last;
    bool blank;
    const char *what;
} known[] = {
    { 0x09, 0x09, true, "a tab" },
    { 0x0d, 0x0d, true, "a carriage return" },
    { 0x20, 0x20, true, "a blank" },
    { 0x00a0, 0x00a0, true, "a no-break space" },
    { 0x00ad, 0x00ad, true, "a soft hyphen, which cannot be seen" },
    { 0x00b1, 0x00b1, false, "a plus-minus sign" },
    { 0x00b7, 0x00b7, false, "a middle dot that is no '*'" },
    { 0x00d7, 0x00d7, false, "a multiplication sign that is no '*'" },
    { 0x2000, 0x200a, true, "a space that is no blank" },
    { 0x200b, 0x200f, true, "a mark of no width, which cannot be seen" },
    { 0x2010, 0x2015, false, "a dash that is no '-'" },
    { 0x2018, 0x201b, false, "a curly quote that is no \"'\"" },
    { 0x201c, 0x201f, false, "a curly quote that is no '\"'" },
    { 0x2028, 0x2029, true, "a separator of lines" },
    { 0x202a, 0x202e, true, "a mark of direction, which cannot be seen" },
    { 0x202f, 0x202f, true, "a narrow no-break space" },
    { 0x205f, 0x2064, true, "a mark that cannot be seen" },
    { 0x2212, 0x2212, false, "a minus sign that is no '-'" },
    { 0x2264, 0x2264, false, "a sign that is no '<='" },
    { 0x2265, 0x2265, false, "a sign that is no '>='" },
    { 0x2260, 0x2260, false, "a sign that is no '!='" },
    { 0x0370, 0x03ff, false, "a Greek letter" },
    { 0x0400, 0x04ff, false, "a Cyrillic letter" },
    { 0x3000, 0x3000, true, "an ideographic space" },
    { 0xfeff, 0xfeff, true, "a byte order mark, which cannot be seen" },
    { 0xff01, 0xff5e, false, "a wide form that is not ASCII" },
};

static const struct known *find(uint32_t c)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (c >= known[i].first && c <= known[i].last)
            return &known[i];
    return NULL;
}

char *text_odd(const char *text)
{
    size_t length;

    for (int n = 1; *text; n++, text += length) {
        const uint32_t c = text_decode(text, &length);
        const struct known *k = c == TEXT_NOT_UTF8 ? NULL : find(c);

        if (c == TEXT_NOT_UTF8)
            return mem_printf(" (character %d is byte 0x%02x, which is not "
                              "UTF-8)",
                              n, (unsigned char)*text);
        if (c >= 0x80)
            return mem_printf(" (character %d is U+%04X%s%s)", n, c,
                              k ? ", " : ", not ASCII", k ? k->what : "");
    }
    return mem_strdup("");
}

size_t text_blank(const char *text)
{
    size_t length;
    const uint32_t c = text_decode(text, &length);
    const struct known *k =
        *text == '\0' || c == TEXT_NOT_UTF8 ? NULL : find(c);

    return k && k->blank ? length : 0;
}

char *text_trim_blanks(char *text)
{
    size_t n, length;
    char *end;

    while ((n = text_blank(text)) > 0)
        text += n;
    end = text;
    for (char *p = text; *p; p += length ? length : 1) {
        length = text_blank(p);
        if (length)
            continue;
        text_decode(p, &length);
        end = p + length;
    }
    *end = '\0';
    return text;
}
