/* svg.h - one picture for light and dark pages.
 *
 * gnuplot draws a figure once for each theme.  Both texts are the same but for
 * their colours, so a page needs only the light one and a rule for each colour
 * that is another in the dark:
 *
 *   <style>@media (prefers-color-scheme: dark) {
 *   [stroke="rgb( 26,  26,  26)"] { stroke: rgb(230, 230, 230) } ... }</style>
 */
#ifndef PLOTS_SVG_H
#define PLOTS_SVG_H

/* The light picture with such rules, or NULL when the two differ in more than
 * colours, or one colour of the light one has two in the dark.  The caller
 * frees it. */
char *svg_for_both(const char *light, const char *dark);

#endif
