#!/bin/sh
# Runs the node as its own user, on a volume that may be new.
set -eu
chown -R rabbitmq:rabbitmq /var/lib/rabbitmq
exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups rabbitmq-server
