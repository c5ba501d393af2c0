#include "harness/grid/gmse.h"

#include <string.h>

double gmse_of(struct gmse *known, const struct num_format *elem)
{
    for (int i = 0; i < known->n; i++)
        if (strcmp(known->format[i].name, elem->name) == 0 &&
            known->format[i].table == elem->table)
            return known->value[i];
    if (known->n == GMSE_KEPT)
        return num_gaussian_mse(elem);
    known->format[known->n] = *elem;
    known->value[known->n] = num_gaussian_mse(elem);
    return known->value[known->n++];
}
