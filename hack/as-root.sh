#!/usr/bin/env bash
# Runs a command as root, with the caller's Go on the path: the lab makes
# network namespaces.
set -euo pipefail
if [ "$(id -u)" -eq 0 ]; then
    exec "$@"
fi
exec sudo --preserve-env=HOME,CI,GOFLAGS,GOPROXY env "PATH=$PATH" "$@"
