#!/bin/sh
# Fills an empty data folder as the official image does, then runs the server as its own user.
set -eu
mkdir -p "$PGDATA" /run/postgresql
chown -R postgres:postgres "$PGDATA" /run/postgresql
as_postgres="setpriv --reuid=postgres --regid=postgres --init-groups"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  $as_postgres initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust \
    --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >/dev/null
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  $as_postgres pg_ctl --wait -o "-c listen_addresses=''" start >/dev/null
  $as_postgres createdb --username=postgres "$POSTGRES_DB"
  $as_postgres pg_ctl --wait -m fast stop >/dev/null
fi
exec $as_postgres "$@" -c listen_addresses='*'
