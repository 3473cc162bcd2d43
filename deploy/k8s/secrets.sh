#!/bin/sh
# secrets.sh FOLDER [NAMESPACE]: the secrets of an installation (as made or demanded by deploy.compose.secret_files) as Kubernetes
# objects, for `… | kubectl apply --namespace NAMESPACE --filename -`. Nothing is sent anywhere by this script itself.
set -eu
folder=$1
namespace=${2:-baton}

secret() {
  name=$1
  shift
  kubectl create secret generic "$name" --dry-run=client --output=yaml "$@"
  echo ---
}

for service in person_registry drug_testing detention_intake release_notification community_handover oversight \
  notification; do
  # KEDA asks the broker from a namespace of its own.
  sed "s/@rabbitmq:/@rabbitmq.$namespace.svc:/" "$folder/$service/amqp-uri" |
    secret "$(echo "$service" | tr _ -)" --from-file="$folder/$service" --from-file=scaler-uri=/dev/stdin
done
secret topology --from-file=amqp-uri="$folder/topology/amqp-uri"
for name in identity console sign-in; do
  secret "$name" --from-file="$folder/$name"
done
secret rabbitmq-definitions --from-file=definitions.json="$folder/rabbitmq/definitions.json"
secret postgres-superuser --type=kubernetes.io/basic-auth --from-literal=username=postgres \
  --from-file=password="$folder/postgres/superuser-password"
secret postgres-keys-superuser --type=kubernetes.io/basic-auth --from-literal=username=postgres \
  --from-file=password="$folder/postgres-keys/superuser-password"
secret postgres-exporter --from-file=password="$folder/postgres-exporter/password"
kubectl create secret tls front-door-tls --dry-run=client --output=yaml \
  --cert="$folder/proxy/tls.crt" --key="$folder/proxy/tls.key"
echo ---
kubectl create configmap public --dry-run=client --output=yaml --from-file=public.jwks="$folder/public/public.jwks"
