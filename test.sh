#!/bin/sh
# Runs all tests, none skipped; installs redis-server, which they start and kill, where it is missing.
set -eu
cd "$(dirname "$0")"

if ! command -v redis-server >/dev/null 2>&1; then
	echo "redis-server is missing: installing it"
	sudo=""
	[ "$(id -u)" = 0 ] || sudo=sudo
	if command -v apt-get >/dev/null 2>&1; then
		$sudo apt-get update -qq
		# Not the service: the tests start servers of their own.
		$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server redis-sentinel >/dev/null ||
			$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server >/dev/null
	elif command -v dnf >/dev/null 2>&1; then
		$sudo dnf install -y -q redis || $sudo dnf install -y -q valkey-compat-redis
	elif command -v apk >/dev/null 2>&1; then
		$sudo apk add -q redis
	elif command -v pacman >/dev/null 2>&1; then
		$sudo pacman -S --noconfirm --quiet redis
	elif command -v brew >/dev/null 2>&1; then
		brew install -q redis
	else
		echo "install redis-server 7 or later yourself, and run this again" >&2
		exit 1
	fi
fi

# With this variable a missing redis-server fails the tests instead of skipping them.
LEADGATE_REQUIRE_REDIS=1 exec go test "$@" ./...
