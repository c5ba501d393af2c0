#include "base/order.h"

#include <math.h>

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

/* As sorted numbers would have it, with x[0 .. from - 1] in place. */
static double quantile(double *x, size_t n, size_t from, double share)
{
    const double at = share * (double)(n - 1);
    const size_t k = (size_t)at;
    double next = HUGE_VAL;

    put_kth(x + from, n - from, k - from);
    if (k + 1 >= n)
        return x[n - 1];
    for (size_t i = k + 1; i < n; i++)
        next = x[i] < next ? x[i] : next;
    return x[k] + (at - (double)k) * (next - x[k]);
}

void order_limits(double *lo, double *hi, double *x, size_t n, double share)
{
    const size_t all = n;

    *lo = *hi = (double)NAN;
    for (size_t i = n; i-- > 0;)
        if (isnan(x[i]))
            swap(&x[i], &x[--n]);
    if (n == 0 || (all - n) * 100 > all)
        return;
    *lo = quantile(x, n, 0, share);
    *hi = quantile(x, n, (size_t)(share * (double)(n - 1)), 1 - share);
}
