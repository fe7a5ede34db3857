#!/bin/sh
# After removal. Data and keys stay, also when the package is purged: people's documents are deleted by people.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
if [ "${1:-}" = purge ] && { [ -d /var/lib/chatets ] || [ -e /etc/chatets/master.key ]; }; then
  echo "The data of ChatETS stays in /var/lib/chatets and its key in /etc/chatets/master.key."
  echo "To delete both for ever: rm -r /var/lib/chatets /etc/chatets"
fi
exit 0
