#!/bin/sh
# Print a text file as the lines of a C string literal.
exec sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$1"
