#include "trainer/weights.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "trainer/checkpoint.h"

static char *path_of(const char *dir)
{
    return mem_printf("%s/weights", dir);
}

static char *temporary(const char *dir)
{
    return mem_printf("%s/weights.tmp", dir);
}

enum status weights_write(const struct model *m, const char *dir,
                          const unsigned char id[32], int64_t steps,
                          struct err *err)
{
    const struct section params = { "params", m->params,
                                    m->tensors.values * sizeof(real) };
    char *path = path_of(dir), *tmp = temporary(dir);
    const enum status st =
        checkpoint_write_file(path, tmp, id, steps, &params, 1, err);

    free(path);
    free(tmp);
    return st;
}

enum status weights_read(struct model *m, const char *dir,
                         const unsigned char id[32], struct err *err)
{
    char *path = path_of(dir);
    struct checkpoint *k = checkpoint_open_file(path, id, err);
    size_t size = m->tensors.values * sizeof(real);
    void *to = m->params;
    enum status st = k ? checkpoint_read(k, "params", &to, &size, err) : ERR_IO;

    checkpoint_close(k);
    free(path);
    return st;
}

bool weights_there(const char *dir)
{
    char *path = path_of(dir);
    const bool there = access(path, F_OK) == 0;

    free(path);
    return there;
}

void weights_remove(const char *dir)
{
    char *path = path_of(dir), *tmp = temporary(dir);

    unlink(path);
    unlink(tmp);
    free(path);
    free(tmp);
}
