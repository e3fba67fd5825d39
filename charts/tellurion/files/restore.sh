#!/bin/sh
# Brings back what backup.sh kept: all files that are not there, then the dump that DUMP names, or the newest. Nothing else
# may be running. Where it fails, it may be run again.
set -eu
umask 077
dump="${DUMP:-$(find "$BACKUP/dumps" -name '*.dump' | sort | tail -n 1)}"
if [ -z "$dump" ] || [ ! -f "$dump" ]; then
    echo "there is no dump in $BACKUP/dumps" >&2
    exit 1
fi
part=$STATE/.restoring
rm -rf "$part" # of one that was killed
mkdir -p "$part"
trap 'rm -rf "$part"' EXIT
export part

# A file gets its name once it is whole: one that is there already is left alone, the next time too.
# shellcheck disable=SC2016 # read by the shells that find starts
bring='
set -eu
for file; do
    place=$STATE/$file
    if [ -d "$file" ]; then
        mkdir -p "$place"
    elif [ ! -e "$place" ]; then
        cp -P --preserve=timestamps "$file" "$part/file"
        sync "$part/file"
        mv -T "$part/file" "$place"
    fi
done
'
cd "$BACKUP/files"
find . \( -type d -o -type f \) -exec sh -c "$bring" sh {} +
pg_restore --clean --if-exists --no-owner --exit-on-error --single-transaction --dbname="$PGDATABASE" "$dump"
echo "restored $dump"
