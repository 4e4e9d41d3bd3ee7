#!/usr/bin/env bash
# How is the image built on a machine that reaches package registries and nothing else? By buildah, without a daemon, on a
# Debian made from its packages; by name, so that a mirror set up for this machine serves them.
#
#   deploy/image.sh [TAG]          BASE=… takes another Debian 12 than one made here, MIRROR=… another mirror
#
# Needs buildah and mmdebstrap (Debian: apt-get install buildah mmdebstrap). Writes deploy/build/: the image as an OCI archive
# and its bill of materials.
set -euo pipefail
cd "$(dirname "$0")/.."

tag=${1:-congdoan:$(awk -F'"' '/^version = / {print $2; exit}' pyproject.toml)}
mirror=${MIRROR:-http://deb.debian.org}
made=deploy/build
for program in buildah mmdebstrap; do
    command -v "$program" > /dev/null || { echo "make image needs $program (apt-get install buildah mmdebstrap)" >&2; exit 1; }
done
export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}
mkdir -p "$made"

if [ -z "${BASE:-}" ]; then
    BASE=localhost/congdoan-base:bookworm
    if ! buildah inspect --type image "$BASE" > /dev/null 2>&1; then
        mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$made/base.tar" \
            "deb $mirror/debian bookworm main" "deb $mirror/debian bookworm-updates main" \
            "deb $mirror/debian-security bookworm-security main"
        container=$(buildah from scratch)
        buildah add --quiet "$container" "$made/base.tar" /
        buildah commit --quiet --rm "$container" "$BASE"
        rm "$made/base.tar"
    fi
fi

# A machine's own list of authorities is used where it has one: a company's proxy may be among them.
authorities=()
if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
    authorities=(--volume /etc/ssl/certs:/etc/ssl/certs:ro)
fi
written=$(git log -1 --format=%ct 2> /dev/null || date +%s)
buildah build --quiet --layers=false --timestamp "$written" --ignorefile deploy/image.ignore \
    "${authorities[@]}" --build-arg "BASE=$BASE" --tag "$tag" --file deploy/Dockerfile . > "$made/image.id"

container=$(buildah from "$tag")
root=$(buildah mount "$container")
cp "$root/usr/share/congdoan/bill-of-materials.cdx.json" "$made/"
echo "$tag: $(du -sm --apparent-size "$root" | cut -f 1) MB, $(find "$root" -type f | wc -l) files"
buildah rm "$container" > /dev/null
rm -f "$made/image.oci.tar"
buildah push --quiet "$tag" "oci-archive:$made/image.oci.tar"
echo "$made/image.oci.tar: $(du -m "$made/image.oci.tar" | cut -f 1) MB compressed"
