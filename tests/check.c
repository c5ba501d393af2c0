#include "tests/check.h"

#include <string.h>
#include <unistd.h>

#include "base/err.h"

void check_close_at(double got, double want, double tolerance, const char *what,
                    const char *file, int line)
{
    if (fabs(got - want) <= tolerance)
        return;
    print_error("%s = %.17g, expected %.17g within %g\n", what, got, want,
                tolerance);
    _fail(file, line);
}

void check_ok_at(int status, const struct err *err, const char *what,
                 const char *file, int line)
{
    if (status == OK)
        return;
    print_error("%s: %s\n", what, err->text);
    _fail(file, line);
}

void check_says_at(const struct err *err, const char *text, const char *file,
                   int line)
{
    if (strstr(err->text, text))
        return;
    print_error("the sentence is '%s', expected '%s' in it\n", err->text, text);
    _fail(file, line);
}

bool check_long_double(void)
{
    volatile long double x = 1;

    return x + 0x1p-60L > x;
}

const char *check_shared(void)
{
    const char *dir = getenv("QLAW_SHARED");

    return dir && *dir && access(dir, R_OK) == 0 ? dir : NULL;
}
