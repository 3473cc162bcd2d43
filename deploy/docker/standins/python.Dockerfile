# Stands in for python:3.13-slim, made of Debian's packages.
FROM debian:trixie-slim
RUN apt-get update -qq \
 && apt-get install -qq -y --no-install-recommends python3 python3-venv ca-certificates openssl netbase tzdata \
 && rm -rf /var/lib/apt/lists/*
# The authorities that this machine trusts, among them perhaps one of its own.
ENV PIP_CERT=/etc/ssl/machine.crt NODE_EXTRA_CA_CERTS=/etc/ssl/machine.crt
