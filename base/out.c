#include "base/out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

struct gate {
    int fd;
    bool json, exact; /* exact: as it is */
    int lost;         /* errno of the first write that failed, or 0 */
    struct str held;  /* the start of a character whose end is to come */
};

static struct gate out = { .fd = STDOUT_FILENO };
static struct gate errors = { .fd = STDERR_FILENO };

/* write() until all is out; a descriptor that does not wait is waited for. */
static bool put(struct gate *g, const char *p, size_t size)
{
    while (size > 0 && !g->lost) {
        const ssize_t n = write(g->fd, p, size);

        if (n >= 0) {
            p += n;
            size -= (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd ready = { .fd = g->fd, .events = POLLOUT };

            poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            g->lost = errno;
        }
    }
    return !g->lost;
}

/* Bytes of the character that starts with c, as far as c tells. */
static size_t bytes_of(unsigned char c)
{
    return c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;
}

static void add_odd(struct str *to, const struct gate *g, uint32_t c)
{
    if (g->json)
        str_addf(to, "\\u%04x", c == TEXT_NOT_UTF8 ? 0xfffdu : c);
    else
        str_add_char(to, '?');
}

/* Append what may pass of text[0..size), which ends in a NUL byte; returns how
 * much of it was taken. */
static size_t add_passed(struct str *to, const struct gate *g, const char *text,
                         size_t size)
{
    size_t i = 0;

    while (i < size) {
        size_t n = 0;
        uint32_t c;

        while (i + n < size && ((text[i + n] >= ' ' && text[i + n] < 0x7f) ||
                                text[i + n] == '\n' || text[i + n] == '\t'))
            n++;
        str_add_n(to, text + i, n);
        i += n;
        if (i == size || i + bytes_of((unsigned char)text[i]) > size)
            break;
        c = text_decode(text + i, &n);
        if (c == TEXT_NOT_UTF8 || text_is_control(c))
            add_odd(to, g, c);
        else
            str_add_n(to, text + i, n);
        i += n > 0 ? n : 1;
    }
    return i;
}

static ssize_t pass(void *cookie, const char *data, size_t size)
{
    struct gate *g = cookie;
    struct str shown = { 0 }, all;
    size_t taken;
    bool ok;

    if (g->exact)
        return put(g, data, size) ? (ssize_t)size : 0;
    all = g->held;
    g->held = (struct str){ 0 };
    str_add_n(&all, data, size);
    taken = add_passed(&shown, g, str_text(&all), all.len);
    str_add_n(&g->held, str_text(&all) + taken, all.len - taken);
    ok = put(g, str_text(&shown), shown.len);
    str_release(&shown);
    str_release(&all);
    return ok ? (ssize_t)size : 0;
}

static FILE *gated(struct gate *g, FILE *plain)
{
    FILE *f = fopencookie(g, "w", (cookie_io_functions_t){ .write = pass });

    return f ? f : plain;
}

void out_open(void)
{
    static const int modes[] = { O_RDONLY, O_RDONLY, O_RDWR };

    /* Printing to a standard output that is closed fails, as it does where
     * nothing is opened in its place. */
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", modes[fd]);
    stdout = gated(&out, stdout);
    stderr = gated(&errors, stderr);
    setvbuf(stdout, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, 1 << 16);
    setvbuf(stderr, NULL, _IONBF, 0);
}

void out_json(void)
{
    fflush(stdout);
    out.json = true;
}

static void as_it_is(struct gate *g, FILE *to, const char *text)
{
    fflush(to);
    g->exact = true;
    fputs(text, to);
    fflush(to);
    g->exact = false;
}

void out_control(FILE *to, const char *sequence)
{
    as_it_is(to == stdout ? &out : &errors, to, sequence);
}

void out_path(const char *path)
{
    if (isatty(STDOUT_FILENO))
        fputs(path, stdout);
    else
        as_it_is(&out, stdout, path);
    putchar('\n');
    fflush(stdout); /* before what is said of the file */
}

bool out_is_lost(void)
{
    struct pollfd reader = { .fd = STDOUT_FILENO };

    if (!out.lost && poll(&reader, 1, 0) == 1 && (reader.revents & POLLERR))
        out.lost = EPIPE;
    return out.lost != 0;
}

enum status out_close(enum status st, struct err *err)
{
    fflush(stdout);
    if (out.held.len > 0)
        put(&out, "?", 1);
    str_release(&out.held);
    str_release(&errors.held);
    if (!out.lost || (st != OK && st != ERR_RUNS))
        return st;
    errno = out.lost;
    return out.lost == EPIPE
               ? ERR_IO
               : err_errno(err, ERR_IO, "standard output cannot be written");
}
