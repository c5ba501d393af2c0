#include "base/label.h"

#include <stdlib.h>

/* Code points that change how the text around them is read, or that XML does
 * not allow. */
static bool acts(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        { 0x80, 0x9f },       { 0xad, 0xad },     { 0x61c, 0x61c },
        { 0x200b, 0x200f },   { 0x2028, 0x202e }, { 0x2060, 0x206f },
        { 0xfeff, 0xfeff },   { 0xfff9, 0xfffb }, { 0xfffe, 0xffff },
        { 0xe0000, 0xe0fff },
    };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

static void add_one(struct str *out, const char *text, size_t size, uint32_t c)
{
    if (c == TEXT_NOT_UTF8)
        str_addf(out, "\\x%02x", (unsigned char)*text);
    else if (c == '\n' || c == '\t' || c == '\r')
        str_addf(out, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
    else if (c < 0x20 || c == 0x7f)
        str_addf(out, "\\x%02x", c);
    else if (acts(c))
        str_addf(out, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
    else
        str_add_n(out, text, size);
}

void label_add(struct str *out, const char *text)
{
    size_t size;

    for (; *text; text += size) {
        const uint32_t c = text_decode(text, &size);

        add_one(out, text, size, c);
    }
}

size_t label_length(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

void label_add_cut(struct str *out, const char *text, size_t max)
{
    char *all = label_visible(text);
    size_t n = 0, end = 0;

    if (label_length(all) <= max) {
        str_add(out, all);
    } else {
        while (n < max) /* the first byte past max - 1 characters */
            n += ((unsigned char)all[end++] & 0xc0) != 0x80;
        str_add_n(out, all, end - 1);
        str_add(out, "\xe2\x80\xa6");
    }
    free(all);
}

char *label_visible(const char *text)
{
    struct str s = { 0 };

    label_add(&s, text);
    return str_steal(&s);
}

char *label_cut(const char *text, size_t max)
{
    struct str s = { 0 };

    label_add_cut(&s, text, max);
    return str_steal(&s);
}
