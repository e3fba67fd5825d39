#!/bin/sh
# Keeps a dump of the database, then whatever files are new. In this order: a row never names a file that is not kept.
#
# STATE is the folder of the platform, BACKUP where dumps and files are kept, KEEP_DAYS how long a dump is. Whom to ask for
# the database is said by libpq's own variables, PGHOST and the others.
#
# The platform works meanwhile. A file that goes before it is copied has expired, or its job is over: it is passed over. Of
# every other file that cannot be kept it is said why; the others are kept, old dumps too, and the end is an error.
set -eu
umask 077
export LC_ALL=C
mkdir -p "$BACKUP/dumps" "$BACKUP/files"
part=$(mktemp -d "$BACKUP/.part-XXXXXX")
trap 'rm -rf "$part"' EXIT
export part
failed=0

dump="$BACKUP/dumps/$(date -u +%Y-%m-%dT%H-%M-%SZ).dump"
pg_dump --format=custom --no-owner --file="$part/dump"
pg_restore --list "$part/dump" >/dev/null
mv "$part/dump" "$dump"

# A file gets its name once it is whole and on the disk. It keeps its time, by which it is known to have changed since:
# artifacts never do, folders of jobs grow.
# shellcheck disable=SC2016 # read by the shells that xargs starts
keep='
gone() {
    [ ! -e "$1" ] && case "$2" in *": No such file or directory" | *": Stale file handle") ;; *) false ;; esac
}
failed=0
for file; do
    place=$BACKUP/files/$file
    if [ -d "$file" ]; then
        mkdir -p "$place" || failed=1
    elif [ -e "$place" ] && [ ! "$file" -nt "$place" ]; then
        continue
    elif said=$(cp -P --preserve=timestamps "$file" "$part/file" 2>&1); then
        { sync "$part/file" && mv -T "$part/file" "$place"; } || failed=1
    elif ! gone "$file" "$said"; then
        echo "$said" >&2
        failed=1
    fi
done
exit "$failed"
'
cd "$STATE"
for folder in artifacts models jobs; do
    [ -d "$folder" ] || continue
    # What has one of these names is half written, and is finished under another or never.
    find "$folder" \( -name '.put-*' -o -name '.unfinished*' -o -name '*.part' \) -prune \
        -o \( -type d -o -type f \) -print0 >"$part/names" 2>"$part/said" || [ $? = 1 ]
    if grep -v ': No such file or directory$' "$part/said" >&2; then failed=1; fi
    xargs -0 -r sh -c "$keep" sh <"$part/names" || failed=1
done
if [ "$failed" = 1 ]; then
    echo "kept $dump, but not all files" >&2
    exit 1
fi
find "$BACKUP/dumps" -name '*.dump*' -mtime "+$KEEP_DAYS" -delete
find "$BACKUP" -maxdepth 1 -name '.part-*' -mtime "+$KEEP_DAYS" -exec rm -rf {} + # of backups that were killed
echo "kept $dump"
