#include "harness/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

static enum status held(int fd, const char *db_path, struct err *err)
{
    char text[160] = "";
    const ssize_t n = pread(fd, text, sizeof text - 1, 0);

    if (n > 0)
        text[strcspn(text, "\n")] = '\0';
    return err_set(err, ERR_DB, "%s is in use by another qlaw run (%s)",
                   db_path, *text ? text : "it is just starting");
}

enum status lock_take(int *fd, const char *db_path, struct err *err)
{
    char *path = mem_printf("%s.lock", db_path), text[160], now[32];
    enum status st = OK;
    int n;

    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (*fd < 0) {
        st = err_errno(err, ERR_DB, "%s: cannot open", path);
    } else if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        st = errno == EWOULDBLOCK ? held(*fd, db_path, err)
                                  : err_errno(err, ERR_DB, "%s", path);
    } else {
        n = snprintf(text, sizeof text, "pid %ld since %s\n", (long)getpid(),
                     clock_iso(now));
        if (ftruncate(*fd, 0) != 0 || pwrite(*fd, text, (size_t)n, 0) != n)
            st = err_errno(err, ERR_DB, "%s: cannot write", path);
    }
    if (st != OK && *fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    free(path);
    return st;
}
