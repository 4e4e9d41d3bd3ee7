#!/usr/bin/env bash
# Does the image run? Its root is taken out of the builder's store, and the pods of the dev overlay are started from it: against a
# real NATS and PostgreSQL, as user 10001 on a root that cannot be written, with a roll of every deployment under load.
#
#   deploy/try_image.sh [TAG]
#
# Needs what deploy/image.sh needs, and root or a user who may have mounts of his own.
set -euo pipefail
cd "$(dirname "$0")/.."

tag=${1:-congdoan:$(awk -F'"' '/^version = / {print $2; exit}' pyproject.toml)}
export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}
root=$(mktemp -d -p "${TMPDIR:-/tmp}" congdoan-image.XXXXXX)
container=$(buildah from --pull-never "$tag")
trap 'buildah rm "$container" > /dev/null; rm -rf "$root"' EXIT
cp -a "$(buildah mount "$container")/." "$root"
chmod 755 "$root"
IMAGE_ROOT=$root .venv/bin/pytest -q -n 0 -p no:cacheprovider tests/deploy/image_runs.py
