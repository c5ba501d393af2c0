#include "plots/html.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/label.h"

static void escape(struct str *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            str_add(out, "&amp;");
            break;
        case '<':
            str_add(out, "&lt;");
            break;
        case '>':
            str_add(out, "&gt;");
            break;
        case '"':
            str_add(out, "&quot;");
            break;
        case '\'':
            str_add(out, "&#39;");
            break;
        default:
            str_add_char(out, *text);
        }
}

void html_text(struct str *out, const char *text)
{
    char *shown = label_visible(text);

    escape(out, shown);
    free(shown);
}

void html_attribute(struct str *out, const char *name, const char *value)
{
    str_addf(out, " %s=\"", name);
    html_text(out, value);
    str_add(out, "\"");
}

void html_pre(struct str *out, const char *text)
{
    while (*text) {
        const size_t n = strcspn(text, "\n\t");
        char *piece = mem_strndup(text, n);

        html_text(out, piece);
        free(piece);
        text += n;
        if (*text)
            str_add_char(out, *text++);
    }
}

/* RFC 3986: what is not unreserved is encoded. */
static void encode(struct str *out, const char *text, const char *also)
{
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;

        if (isalnum(c) || strchr("-._~", c) || strchr(also, c))
            str_add_char(out, *text);
        else
            str_addf(out, "%%%02X", c);
    }
}

void html_fragment(struct str *out, const char *id)
{
    str_add(out, "#");
    encode(out, id, "");
}

void html_path(struct str *out, const char *path)
{
    encode(out, path + strspn(path, "/"), "/");
}

void html_base64(struct str *out, const void *data, size_t size)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *s = data;

    for (size_t i = 0; i < size; i += 3) {
        const unsigned b = i + 1 < size ? s[i + 1] : 0;
        const unsigned c = i + 2 < size ? s[i + 2] : 0;
        const unsigned v = (unsigned)s[i] << 16 | b << 8 | c;

        str_add_char(out, digit[v >> 18]);
        str_add_char(out, digit[v >> 12 & 63]);
        str_add_char(out, i + 1 < size ? digit[v >> 6 & 63] : '=');
        str_add_char(out, i + 2 < size ? digit[v & 63] : '=');
    }
}

void html_data(struct str *out, const char *type, const void *data, size_t size)
{
    str_addf(out, "data:%s;base64,", type);
    html_base64(out, data, size);
}
