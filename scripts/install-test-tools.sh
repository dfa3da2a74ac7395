#!/usr/bin/env bash
# Prometheus and Alertmanager bring the checkers of their own configuration files, which the tests of deploy/ run;
# ipmitool is asked by the contract with a BMC.
set -euo pipefail
if command -v promtool >/dev/null && command -v amtool >/dev/null && command -v ipmitool >/dev/null; then exit 0; fi
if [ "$(id -u)" -ne 0 ]; then
  echo "promtool, amtool or ipmitool is missing: install the packages prometheus, prometheus-alertmanager and ipmitool" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
install() { apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 prometheus prometheus-alertmanager ipmitool >/dev/null; }
install || { apt-get update -qq && install; }
