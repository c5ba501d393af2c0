#!/bin/sh
# Print text files as rows { "name", "text" } of a C table.
for file; do
    printf '{ "%s",\n' "${file##*/}"
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$file"
    echo '},'
done
