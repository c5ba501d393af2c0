/* label_picture.c - a picture of labels from stdin (each ends with a zero
 * byte), so that a test can read them back from what gnuplot drew.
 *
 *   label_picture FOLDER   writes cost.dat, cost.gp, ... there */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plots/files.h"

int main(int argc, char **argv)
{
    struct picture *p = picture_new("labels");
    struct str one = { 0 };
    struct err err = { 0 };
    enum status st;
    int c, n = 0;

    if (argc != 2)
        return 2;
    picture_panel(p, "", "x", false, "y", false);
    picture_series(p, "s", 0);
    picture_point(p, 0, 0, 0, 0, 0);
    picture_point(p, 0, 0, 1, 1, 0);
    while ((c = getchar()) != EOF) {
        if (c) {
            str_add_char(&one, (char)c);
            continue;
        }
        picture_mark(p, 0, 0, 0.5, 0.5, n++ % 2 ? 1 : -1, str_text(&one));
        str_clear(&one);
    }
    st = plot_write(p, "cost", argv[1], &err);
    if (st != OK)
        fprintf(stderr, "%s\n", err.text);
    picture_free(p);
    str_release(&one);
    return st != OK;
}
