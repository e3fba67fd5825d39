#!/bin/sh
# Keeps a dump of the database, then whatever files are new. In this order: a row never names a file that is not kept.
#
# STATE is the folder of the platform, BACKUP where dumps and files are kept, KEEP_DAYS how long a dump is. Whom to ask for
# the database is said by libpq's own variables, PGHOST and the others.
set -eu
umask 077
mkdir -p "$BACKUP/dumps" "$BACKUP/files"
dump="$BACKUP/dumps/$(date -u +%Y-%m-%dT%H-%M-%SZ).dump"
pg_dump --format=custom --no-owner --file="$dump.part"
pg_restore --list "$dump.part" >/dev/null
mv "$dump.part" "$dump"
for folder in artifacts models jobs; do
    if [ -d "$STATE/$folder" ]; then
        # Artifacts never change: what is there already is not copied again. Folders of jobs grow: what is newer is.
        cp -Ru "$STATE/$folder" "$BACKUP/files/"
    fi
done
find "$BACKUP/dumps" -name '*.dump*' -mtime "+$KEEP_DAYS" -delete
echo "kept $dump"
