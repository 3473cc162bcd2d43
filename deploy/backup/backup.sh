#!/bin/sh
# Backs up one PostgreSQL server with PostgreSQL's own tools; runs in its image, beside it, as a user that replicates.
#   backup.sh run         for ever: receives the write-ahead log as it is written, a base backup once in a while
#   backup.sh base        one base backup now, and what is older than wanted is removed
#   backup.sh healthy     whether there is a base backup, and the log was received up to a moment ago
#   backup.sh begin-anew  after the log was torn (the server was without us for too long): leaves what there is aside
#
# In BACKUPS there is a folder for each history of the server, named by its identifier and timeline: a server that was
# restored begins a new one. In it: base/MOMENT (complete at that moment, UTC, verified), wal, and the file `received`,
# as old as what was not received yet. A log file counts as received only when it is on the disk.
# Where: PGHOST, PGPORT, PGUSER, PGPASSWORD_FILE. How: BACKUP_EVERY_HOURS, BACKUP_KEEP_DAYS.
set -eu
BACKUPS=${BACKUPS:-/backups}
SLOT=backup
LOOK_SECONDS=${BACKUP_LOOK_SECONDS:-10}
RECEIVED_MINUTES=2
RETRY_SECONDS=300

if [ "$(id -u)" = 0 ]; then
  chown postgres: "$BACKUPS"
  exec setpriv --reuid=postgres --regid=postgres --init-groups sh "$0" "$@"
fi
if [ -n "${PGPASSWORD_FILE:-}" ]; then
  PGPASSWORD=$(cat "$PGPASSWORD_FILE")
  export PGPASSWORD
fi
umask 077

say() { echo "backup: $*"; }

asked() { psql --no-psqlrc --no-align --tuples-only --command "$1" "dbname=replication replication=true"; }

history() { asked IDENTIFY_SYSTEM | awk -F '|' '{print $1 "-" $2}'; }

written() { asked IDENTIFY_SYSTEM | cut -d '|' -f 3; }

received() { asked "READ_REPLICATION_SLOT $SLOT" | cut -d '|' -f 2; }

# A position in the log as a number.
number() { echo $(((0x${1%/*} << 32) + 0x${1#*/})); }

moment() { date -u -d "@$1" +%Y%m%dT%H%M%SZ 2>/dev/null || date -u -r "$1" +%Y%m%dT%H%M%SZ; }

now() { date +%s; }

newest_of() { ls "$1" 2>/dev/null | sort | tail -n 1; }

is_due() {
  newest=$(newest_of "$folder/base")
  [ -z "$newest" ] || [ "$newest" \< "$(moment $(($(now) - ${BACKUP_EVERY_HOURS:-24} * 3600)))" ]
}

base() {
  unfinished=$folder/unfinished
  rm -rf "$unfinished"
  pg_basebackup --pgdata "$unfinished" --checkpoint fast --no-password
  pg_verifybackup --quiet "$unfinished"
  name=$(moment "$(now)")
  mv "$unfinished" "$folder/base/$name"
  say "base backup $name is complete and verified"
}

# In the background, so that it is seen meanwhile that the log is received.
base_if_due() {
  if [ -n "$making" ] && kill -0 "$making" 2>/dev/null; then return; fi
  if is_due && [ $(($(now) - tried)) -ge $RETRY_SECONDS ]; then
    tried=$(now)
    base &
    making=$!
  fi
}

# Keeps what is needed to restore to every moment of the last days: the newest base from before them, and all since.
prune() {
  cutoff=$(moment $(($(now) - ${BACKUP_KEEP_DAYS:-14} * 86400)))
  oldest=
  for name in $(ls "$folder/base" | sort); do
    if [ "$name" \> "$cutoff" ]; then break; fi
    if [ -n "$oldest" ]; then rm -rf "$folder/base/${oldest:?}"; fi
    oldest=$name
  done
  if [ -z "$oldest" ]; then return; fi
  first=$(sed -n 's/^START WAL LOCATION: .*(file \([0-9A-F]*\))$/\1/p' "$folder/base/$oldest/backup_label")
  pg_archivecleanup "$folder/wal" "$first"
  for other in "$BACKUPS"/*/base; do # of histories that ended before
    if [ "$other" != "$folder/base" ]; then rm -rf "${other%/base}"; fi
  done
}

open_folder() {
  name=$(history)
  folder=$BACKUPS/${name:?}
  mkdir -p "$folder/base" "$folder/wal"
}

run() {
  open_folder
  pg_receivewal --directory "$folder/wal" --slot $SLOT --create-slot --if-not-exists --no-password
  pg_receivewal --directory "$folder/wal" --slot $SLOT --synchronous --no-loop --no-password &
  receiver=$!
  making=
  tried=0
  trap 'kill $receiver $making; exit 0' TERM INT
  say "receiving into $folder"
  while kill -0 $receiver 2>/dev/null; do
    before=$(written)
    began=$(now)
    base_if_due
    prune
    sleep $LOOK_SECONDS &
    wait $!
    kill -0 $receiver 2>/dev/null || break
    if [ "$(number "$(received)")" -ge "$(number "$before")" ]; then
      touch -d "@$began" "$folder/received" 2>/dev/null || touch "$folder/received"
    fi
  done
  say "the server ended the connection"
  exit 1 # whoever supervises starts it again, and it looks which server it finds
}

healthy() {
  for folder in "$BACKUPS"/*/; do
    if [ -n "$(find "$folder" -maxdepth 1 -name received -mmin -$RECEIVED_MINUTES)" ] &&
      [ -n "$(newest_of "$folder/base")" ]; then return; fi
  done
  exit 1
}

begin_anew() {
  open_folder
  mv "$folder" "$folder.until-$(moment "$(now)")"
  pg_receivewal --slot $SLOT --drop-slot --no-password
  say "left aside what there was; start again"
}

case ${1:-run} in
run) run ;;
base)
  open_folder
  base
  prune
  ;;
healthy) healthy ;;
begin-anew) begin_anew ;;
*)
  say "what is $1?"
  exit 2
  ;;
esac
