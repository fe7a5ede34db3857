#!/bin/sh
# After install and upgrade, for both kinds of package. Starts nothing that was not running.
set -e
systemd-sysusers chatets.conf
systemd-tmpfiles --create chatets.conf || echo "The folders of ChatETS are made at the next boot." # as where an image is built without /proc
upgrade=no
case "${1:-}" in
  configure) [ -n "${2:-}" ] && upgrade=yes ;; # deb: the version that was there
  2) upgrade=yes ;;                            # rpm: how many versions there are now
esac
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
  [ "$upgrade" = no ] || systemctl try-restart chatets.service || true
fi
if [ "$upgrade" = no ]; then
  echo "ChatETS is installed. Look at /etc/chatets/chatets.toml, then: systemctl enable --now chatets"
  echo "After that, \"chatets setup-link\" prints the link that makes the first administrator."
fi
exit 0
