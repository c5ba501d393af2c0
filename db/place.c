#include "db/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

/* What SQLite keeps beside a file. */
static const char *const beside[] = { "-journal", "-wal", "-shm" };
#define N_BESIDE (sizeof beside / sizeof beside[0])

static void remove_beside(const char *path)
{
    for (size_t i = 0; i < N_BESIDE; i++) {
        char *name = mem_printf("%s%s", path, beside[i]);

        unlink(name);
        free(name);
    }
}

void db_place_drop(const char *name)
{
    unlink(name);
    remove_beside(name);
}

/* "qlaw.db.HOST.PID.N.tmp" of makers that were killed. */
static void sweep(const char *path)
{
    char *copy = mem_strdup(path), *other = mem_strdup(path);
    const char *folder = dirname(copy);
    char *start = mem_printf("%s.", basename(other));
    DIR *d = opendir(folder);
    const struct dirent *e;

    while (d && (e = readdir(d))) {
        char *left = mem_printf("%s/%s", folder, e->d_name);

        if (text_has_prefix(e->d_name, start) &&
            file_temp_is_left(folder, e->d_name))
            db_place_drop(left);
        free(left);
    }
    if (d)
        closedir(d);
    free(start);
    free(copy);
    free(other);
}

enum status db_place_make(char **name, const char *path, struct err *err)
{
    sweep(path);
    return file_temp_make(name, path, err);
}

static enum status sync_file(const char *path, struct err *err)
{
    const int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    const bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return ok ? OK : err_errno(err, ERR_IO, "%s: cannot sync", path);
}

static enum status taken(const char *path, struct err *err)
{
    return err_set(err, ERR_DB, "%s is there already; it is left alone", path);
}

/* A link never replaces a file; where there are no links, a look has to do. */
static enum status rename_new(const char *name, const char *path,
                              struct err *err)
{
    if (link(name, path) == 0)
        return OK;
    if (errno == EEXIST || access(path, F_OK) == 0)
        return taken(path, err);
    return rename(name, path) == 0 ? OK : err_errno(err, ERR_IO, "%s", path);
}

static enum status take(const char *name, const char *path, bool replace,
                        struct err *err)
{
    enum status st = sync_file(name, err);

    if (st == OK && !replace && access(path, F_OK) == 0)
        st = taken(path, err);
    /* The folder is synced in between: after a power cut too, the journal is
     * gone before the name is taken. */
    if (st == OK)
        remove_beside(path);
    if (st == OK)
        st = file_sync_dir(path, err);
    if (st == OK && !replace)
        st = rename_new(name, path, err);
    else if (st == OK && rename(name, path) != 0)
        st = err_errno(err, ERR_IO, "%s", path);
    if (st == OK)
        st = file_sync_dir(path, err);
    db_place_drop(name);
    return st;
}

enum status db_place_take(const char *name, const char *path, struct err *err)
{
    return take(name, path, true, err);
}

enum status db_place_take_new(const char *name, const char *path,
                              struct err *err)
{
    return take(name, path, false, err);
}
