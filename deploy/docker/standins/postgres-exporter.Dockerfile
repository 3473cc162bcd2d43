# Stands in for prometheuscommunity/postgres-exporter, made of Debian's packages.
FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends prometheus-postgres-exporter wget \
 && rm -rf /var/lib/apt/lists/*
USER nobody
ENTRYPOINT ["/usr/bin/prometheus-postgres-exporter"]
