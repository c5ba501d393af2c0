#include "fit/table_text.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

/* Text in another encoding as UTF-8; false when it is not that all through. */
static bool convert(struct str *text, const char *from)
{
    iconv_t cd = iconv_open("UTF-8", from);
    struct str out = { 0 };
    char *in = text->data, buf[1 << 14];
    size_t left = text->len, rc = 0;

    if (cd == (iconv_t)-1)
        return false;
    do {
        char *to = buf;
        size_t room = sizeof buf;

        rc = iconv(cd, &in, &left, &to, &room);
        str_add_n(&out, buf, (size_t)(to - buf));
    } while (rc == (size_t)-1 && errno == E2BIG);
    iconv_close(cd);
    if (left > 0) {
        str_release(&out);
        return false;
    }
    str_release(text);
    *text = out;
    return true;
}

/* The line of the first byte that is not UTF-8; 0: all of it is. */
static int64_t find_odd(const struct str *text)
{
    int64_t line = 1;
    size_t length;

    for (const char *p = str_text(text); *p; p += length) {
        if (text_decode(p, &length) == TEXT_NOT_UTF8)
            return line;
        line += *p == '\n';
    }
    return 0;
}

enum status table_text(int64_t *odd_line, struct str *text, const char *path,
                       struct err *err)
{
    static const char marks[][2] = { { '\xff', '\xfe' }, { '\xfe', '\xff' } };
    enum status st = OK;

    *odd_line = 0;
    if (text->len >= 2 && (memcmp(text->data, marks[0], 2) == 0 ||
                           memcmp(text->data, marks[1], 2) == 0))
        st = convert(text, "UTF-16")
                 ? OK
                 : err_set(err, ERR_CONFIG,
                           "%s: not UTF-16 all through, which its first bytes "
                           "announce",
                           path);
    if (st == OK && strlen(str_text(text)) != text->len)
        st = err_set(err, ERR_CONFIG,
                     "%s is not text: it holds a zero byte (UTF-16 without a "
                     "byte order mark?)",
                     path);
    if (st == OK && text->len && !memchr(text->data, '\n', text->len))
        for (size_t i = 0; i < text->len; i++)
            if (text->data[i] == '\r')
                text->data[i] = '\n';
    *odd_line = st == OK ? find_odd(text) : 0;
    if (*odd_line && !convert(text, "WINDOWS-1252") &&
        !convert(text, "ISO-8859-1"))
        st = err_set(err, ERR_CONFIG, "%s:%lld: a byte that is not UTF-8", path,
                     (long long)*odd_line);
    return st;
}
