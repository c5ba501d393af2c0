#include "fit/table_text.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

/* Spreadsheets call it "Unicode text". */
static enum status from_utf16(struct str *text, const char *path,
                              struct err *err)
{
    iconv_t cd = iconv_open("UTF-8", "UTF-16");
    struct str out = { 0 };
    char *in = text->data, buf[1 << 14];
    size_t left = text->len, rc = 0;

    if (cd == (iconv_t)-1)
        return err_set(err, ERR_IO, "%s: UTF-16 cannot be read here", path);
    while (left > 0 && (rc != (size_t)-1 || errno == E2BIG)) {
        char *to = buf;
        size_t room = sizeof buf;

        rc = iconv(cd, &in, &left, &to, &room);
        str_add_n(&out, buf, (size_t)(to - buf));
        if (rc == (size_t)-1 && errno != E2BIG)
            break;
    }
    iconv_close(cd);
    if (left > 0) {
        str_release(&out);
        return err_set(err, ERR_CONFIG,
                       "%s: not UTF-16 all through, which its first bytes "
                       "announce",
                       path);
    }
    str_release(text);
    *text = out;
    return OK;
}

enum status table_text(struct str *text, const char *path, struct err *err)
{
    static const char marks[][2] = { { '\xff', '\xfe' }, { '\xfe', '\xff' } };
    enum status st = OK;

    if (text->len >= 2 && (memcmp(text->data, marks[0], 2) == 0 ||
                           memcmp(text->data, marks[1], 2) == 0))
        st = from_utf16(text, path, err);
    if (st == OK && strlen(str_text(text)) != text->len)
        st = err_set(err, ERR_CONFIG,
                     "%s is not text: it holds a zero byte (UTF-16 without a "
                     "byte order mark?)",
                     path);
    if (st == OK && text->len && !memchr(text->data, '\n', text->len))
        for (size_t i = 0; i < text->len; i++)
            if (text->data[i] == '\r')
                text->data[i] = '\n';
    return st;
}
