#!/usr/bin/env bash
# Runs the workflows of this folder in a real n8n behind a real edge. The first run installs n8n
# into a cache folder outside the repository, which takes a few minutes; see install.sh.
set -euo pipefail
cd "$(dirname "$0")"
cache=${LEADGATE_N8N:-${XDG_CACHE_HOME:-$HOME/.cache}/leadgate/n8n}
./install.sh "$cache"
LEADGATE_N8N=$cache exec go test -tags n8n -count=1 -timeout 20m "$@" .
