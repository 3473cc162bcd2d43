# Stands in for prom/alertmanager, made of Debian's packages.
FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends prometheus-alertmanager wget \
 && rm -rf /var/lib/apt/lists/* && mkdir -p /alertmanager && chown nobody /alertmanager
USER nobody
VOLUME /alertmanager
ENTRYPOINT ["/usr/bin/prometheus-alertmanager"]
