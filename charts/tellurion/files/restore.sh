#!/bin/sh
# Brings back what backup.sh kept: the dump that DUMP names, or the newest, and all files. Nothing else may be running.
set -eu
umask 077
dump="${DUMP:-$(find "$BACKUP/dumps" -name '*.dump' | sort | tail -n 1)}"
if [ -z "$dump" ] || [ ! -f "$dump" ]; then
    echo "there is no dump in $BACKUP/dumps" >&2
    exit 1
fi
pg_restore --clean --if-exists --no-owner --exit-on-error --single-transaction --dbname="$PGDATABASE" "$dump"
cp -Rn "$BACKUP/files/." "$STATE/"
echo "restored $dump"
