#!/bin/sh
# Print each text file as the lines of a C string literal, with commas between.
between=
for file; do
    printf '%s' "$between"
    between=',
'
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$file"
done
