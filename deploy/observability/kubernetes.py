"""The alerting rules for the Prometheus Operator: ``python -m deploy.observability.kubernetes`` writes the same rules,
in the operator's form, to ``deploy/k8s/monitoring/rules.yaml``. A test fails when what is committed is another."""

from pathlib import Path

import yaml

DEPLOY = Path(__file__).parents[1]
RULES = DEPLOY / "observability" / "prometheus" / "rules"
TARGET = DEPLOY / "k8s" / "monitoring" / "rules.yaml"
HEAD = "# Written by `python -m deploy.observability.kubernetes` from deploy/observability/prometheus/rules.\n"


def rendered() -> str:
    """The rules as one resource."""
    groups = [group for path in sorted(RULES.glob("*.yml")) for group in yaml.safe_load(path.read_text())["groups"]]
    told = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "baton"},
        "spec": {"groups": groups},
    }
    return HEAD + yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    TARGET.write_text(rendered(), encoding="utf-8")
