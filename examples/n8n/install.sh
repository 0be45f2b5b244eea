#!/usr/bin/env bash
# Installs n8n, with a Node of its own, into a folder: about 2.3 GB, three to five minutes.
#
#	examples/n8n/install.sh <folder>
#
# Needs npm, and where npm finds no ready-made sqlite3, Python, make and a C++ compiler.
# What is there already is left as it is.
set -euo pipefail
version=${LEADGATE_N8N_VERSION:-2.40.7}
# Later releases of n8n's dependencies do not fit together: npm takes the ones of that day.
before=${LEADGATE_N8N_BEFORE:-2026-09-27}

folder=${1:?which folder? usage: install.sh <folder>}
if [ "$(cat "$folder/ready" 2>/dev/null)" = "$version" ]; then
	exit 0
fi
npm view "n8n@$version" version --fetch-retries=0 >/dev/null # fails at once where no registry can be reached
partial=$folder.partial
rm -rf "$folder" "$partial"
mkdir -p "$partial/node" "$partial/n8n"
quiet=(--no-audit --no-fund --loglevel=error)

cd "$partial/node"
echo '{"private":true}' >package.json
echo "installing Node 24"
npm install node@24 "${quiet[@]}"
export PATH="$partial/node/node_modules/node/bin:$PATH"

cd ../n8n
echo '{"private":true}' >package.json
echo "installing n8n $version"
npm install "n8n@$version" --before="$before" --legacy-peer-deps --ignore-scripts "${quiet[@]}"
# The one native package that is needed: ready-made, or compiled with the headers of this
# machine's Node, if there are any (it keeps to the interface that all versions share).
echo "installing sqlite3"
[ ! -f /usr/include/node/node_api.h ] || export npm_config_nodedir=/usr
npm rebuild sqlite3 "${quiet[@]}"
node node_modules/n8n/bin/n8n --version | grep -qxF "$version"

cd /
echo "$version" >"$partial/ready"
mv "$partial" "$folder"
