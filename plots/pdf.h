/* pdf.h - a page on paper, through whichever converter is installed. */
#ifndef PLOTS_PDF_H
#define PLOTS_PDF_H

#include "base/err.h"

/* Convert an HTML file.  Tried in this order: weasyprint, chromium and its
 * relatives.  ERR_TOOL names the package when there is none. */
enum status pdf_make(const char *html, const char *pdf, struct err *err);

#endif
