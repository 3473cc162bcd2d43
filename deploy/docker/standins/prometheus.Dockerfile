# Stands in for prom/prometheus, made of Debian's packages.
FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends prometheus wget && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /prometheus && chown nobody /prometheus
USER nobody
VOLUME /prometheus
ENTRYPOINT ["/usr/bin/prometheus"]
