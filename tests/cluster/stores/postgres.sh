#!/bin/sh
# Starts PostgreSQL by the variables of docker.io's image: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and PGDATA. Like
# there, an empty PGDATA is initialised first, and a command other than options is run as it is.
set -eu
case "${1:--}" in -*) ;; *) exec "$@" ;; esac
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    echo "$POSTGRES_PASSWORD" > /tmp/password
    initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth=scram-sha-256 --encoding=UTF8
    rm /tmp/password
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    pg_ctl -w -o "-c listen_addresses=" start
    PGPASSWORD="$POSTGRES_PASSWORD" createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl -w -m fast stop
fi
exec postgres -c listen_addresses='*' "$@"
