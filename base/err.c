#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const int exit_codes[] = {
#define STATUS_ROW(name, code, text) [name] = code,
    STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
};

enum status err_set(struct err *err, enum status status, const char *fmt, ...)
{
    if (err) {
        va_list ap;

        err->status = status;
        err->column = 0;
        err->about[0] = '\0';
        va_start(ap, fmt);
        vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
    }
    return status;
}

enum status err_about(struct err *err, enum status status, const char *fmt, ...)
{
    if (err) {
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(err->about, sizeof err->about, fmt, ap);
        va_end(ap);
    }
    return status;
}

enum status err_at_column(struct err *err, enum status status, int column)
{
    if (err)
        err->column = column;
    return status;
}

enum status err_errno(struct err *err, enum status status, const char *fmt, ...)
{
    const int code = errno;

    if (err) {
        va_list ap;
        size_t used;

        err->status = status;
        err->column = 0;
        err->about[0] = '\0';
        va_start(ap, fmt);
        vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
        used = strlen(err->text);
        snprintf(err->text + used, sizeof err->text - used, ": %s",
                 strerror(code));
    }
    return status;
}

void err_prefix(struct err *err, const char *fmt, ...)
{
    char text[sizeof err->text];
    va_list ap;
    size_t used;

    if (!err)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    used = strlen(text);
    snprintf(text + used, sizeof text - used, "%s", err->text);
    memcpy(err->text, text, sizeof text);
}

void err_append(struct err *err, const char *fmt, ...)
{
    const size_t used = err ? strlen(err->text) : 0;
    va_list ap;

    if (!err)
        return;
    va_start(ap, fmt);
    vsnprintf(err->text + used, sizeof err->text - used, fmt, ap);
    va_end(ap);
}

int err_exit_code(enum status status)
{
    return exit_codes[status];
}
