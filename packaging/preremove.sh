#!/bin/sh
# Before removal, not before an upgrade.
set -e
case "${1:-}" in
  upgrade|1) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
  systemctl disable --now chatets.service || true
fi
exit 0
