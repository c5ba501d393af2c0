#!/bin/sh
# Holds the include table: which room may include which.  Every quoted include
# carries its folder, so the arrows are in the text.
#
#   include_table.sh SOURCE_ROOT
set -eu
cd "$1"

allowed() {
    case $1 in
    base) echo "base" ;;
    kernels) echo "base kernels" ;;
    trainer) echo "base kernels trainer" ;;
    fit) echo "base fit" ;;
    db) echo "base db" ;;
    harness) echo "base kernels trainer fit db harness" ;;
    esac
}

bad=0
seen=0
for room in base kernels trainer fit db harness; do
    for file in "$room"/*.[ch] "$room"/*.def; do
        [ -f "$file" ] || continue
        seen=$((seen + 1))
        for to in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' \
            "$file"); do
            case " $(allowed "$room") " in
            *" ${to%%/*} "*) ;;
            *)
                echo "$file includes $to: $room may include only:" \
                    "$(allowed "$room")"
                bad=1
                ;;
            esac
        done
    done
done
if [ "$seen" -lt 10 ]; then
    echo "only $seen files read: is $1 the source root?"
    exit 1
fi
echo "$seen files read"
exit $bad
