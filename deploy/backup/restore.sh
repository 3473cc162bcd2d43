#!/bin/sh
# restore.sh [MOMENT]: fills an empty PGDATA with a server as it was at a moment ("2026-11-24 09:00:00+08"), or as new as
# the backups are. Needs what backup.sh left in BACKUPS. The server it starts for that is reached by nobody, and ended.
# Ends with status 0 only when the server has come to that moment.
set -eu
BACKUPS=${BACKUPS:-/backups}
: "${PGDATA:?}"
target=${1:-}

if [ "$(id -u)" = 0 ]; then
  chown postgres: "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups sh "$0" "$@"
fi
umask 077

say() { echo "restore: $*"; }

compact() { date -u -d "$1" +%Y%m%dT%H%M%SZ; }

# The newest base backup that was complete before then, of whatever history.
base_before() {
  for base in "$BACKUPS"/*/base/*; do
    name=${base##*/}
    if [ "$name" \< "$1" ]; then echo "$name $base"; fi
  done | sort | tail -n 1 | cut -d ' ' -f 2-
}

if [ -n "$(ls -A "$PGDATA")" ]; then
  say "$PGDATA is not empty; nothing was touched"
  exit 1
fi
latest=${target:+$(compact "$target")}
base=$(base_before "${latest:-99999999T999999Z}")
if [ -z "$base" ] || [ ! -f "$base/backup_label" ]; then
  say "there is no base backup from before ${target:-now} in $BACKUPS"
  exit 1
fi
wal=${base%/base/*}/wal
say "from ${base#"$BACKUPS/"}"
cp -R "$base/." "$PGDATA/"
chmod 0700 "$PGDATA"
own=$PGDATA/postgresql.auto.conf
cp "$own" "$own.kept"
{
  echo "restore_command = 'cp \"$wal/%f\" \"%p\" || cp \"$wal/%f.partial\" \"%p\"'"
  echo "recovery_target_timeline = 'current'"
  echo "recovery_target_action = 'promote'"
  if [ -n "$target" ]; then echo "recovery_target_time = '$target'"; fi
} >>"$own"
touch "$PGDATA/recovery.signal"
sockets=$(mktemp -d)
log=$sockets/log
alone="-c listen_addresses='' -c unix_socket_directories=$sockets -c hot_standby=off -c logging_collector=off"
failed() {
  cat "$log"
  say "it did not come to ${target:-the end of the log}; empty $PGDATA before the next try"
  exit 1
}
pg_ctl --pgdata "$PGDATA" --wait --log "$log" --options "$alone" start >/dev/null || failed
until pg_isready --quiet --host "$sockets"; do # it answers when it has come to the moment
  pg_ctl --pgdata "$PGDATA" status >/dev/null || failed
  sleep 0.2
done
pg_ctl --pgdata "$PGDATA" --mode fast --wait stop >/dev/null
mv "$own.kept" "$own"
sed -n 's/^.*LOG:  *\(recovery stopping.*\|last completed transaction.*\)/restore: \1/p' "$log"
rm -rf "$sockets"
say "done; start the server"
