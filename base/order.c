#include "base/order.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"

int order_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void swap(double *a, double *b)
{
    const double x = *a;

    *a = *b;
    *b = x;
}

/* The k-th of x from below to its place, what is less before it (Hoare 1961:
 * find). */
static void put_kth(double *x, size_t n, size_t k)
{
    size_t left = 0, right = n - 1;

    while (left < right) {
        const double pivot = x[left + (right - left) / 2];
        size_t i = left, j = right;

        while (i <= j) {
            while (x[i] < pivot)
                i++;
            while (x[j] > pivot)
                j--;
            if (i > j)
                break;
            swap(&x[i++], &x[j]);
            if (j-- == 0)
                break;
        }
        if (k <= j && j < n)
            right = j;
        else if (k >= i)
            left = i;
        else
            return;
    }
}

/* The quantile of share of sign * x.  What it needs lies below cut nearly
 * always, so that few of the numbers have to be put in order; room holds n. */
static double low_quantile(double *room, const double *x, size_t n,
                           double share, double sign, double cut)
{
    const double at = share * (double)(n - 1);
    const size_t k = (size_t)at;
    double next = HUGE_VAL;
    size_t m = 0;

    for (size_t i = 0; i < n; i++) {
        room[m] = sign * x[i];
        m += room[m] < cut;
    }
    if (m < k + 2)
        for (m = 0; m < n; m++)
            room[m] = sign * x[m];
    put_kth(room, m, k);
    for (size_t i = k + 1; i < m; i++)
        next = room[i] < next ? room[i] : next;
    if (k + 1 >= m || isinf(room[k]) || next == room[k])
        return sign * room[k];
    return sign * (room[k] + (at - (double)k) * (next - room[k]));
}

/* Drop what is NaN; the number of those that stay, and their mean and sd. */
static size_t keep_numbers(double *x, size_t n, double *mean, double *sd)
{
    double sum = 0, square = 0, first;

    for (size_t i = n; i-- > 0;)
        if (isnan(x[i]))
            swap(&x[i], &x[--n]);
    first = n ? x[0] : 0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i] - first;
        square += (x[i] - first) * (x[i] - first);
    }
    *mean = first + sum / (double)n;
    *sd = sqrt(square / (double)n - sum / (double)n * (sum / (double)n));
    return n;
}

void order_limits(double *lo, double *hi, double *x, size_t n, double share)
{
    double mean, sd, *room;
    const size_t kept = keep_numbers(x, n, &mean, &sd);

    *lo = *hi = (double)NAN;
    if (kept == 0 || (n - kept) * 100 > n)
        return;
    room = mem_array(kept + 1, sizeof *room);
    *lo = low_quantile(room, x, kept, share, 1, mean - 1.2 * sd);
    *hi = low_quantile(room, x, kept, share, -1, -mean - 1.2 * sd);
    free(room);
}
