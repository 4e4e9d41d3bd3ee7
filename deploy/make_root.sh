#!/usr/bin/env bash
# Which files of Debian does the image have? Those of the packages named, unpacked and not installed, so that no program
# of theirs is run and none is needed. What their installation would have made is made here: users, and the list of
# authorities. For each package stays what dpkg would know of it, where scanners look when there is no dpkg.
set -euo pipefail

root=$1
shift
mkdir -p "$root"/{etc/ssl/certs,tmp,var/lib/dpkg/status.d} packages
chmod 1777 "$root/tmp"
(cd packages && apt-get download -q "$@")
for package in packages/*.deb; do
    dpkg-deb --extract "$package" "$root"
    dpkg-deb --field "$package" > "$root/var/lib/dpkg/status.d/$(dpkg-deb --field "$package" Package)"
done

echo 'congdoan:x:10001:10001::/nonexistent:/nonexistent' > "$root/etc/passwd"
echo 'congdoan:x:10001:' > "$root/etc/group"
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
cat "$root"/usr/share/ca-certificates/mozilla/*.crt > "$root/etc/ssl/certs/ca-certificates.crt"

# Where OpenSSL looks by itself; the package `openssl` would have made it.
mkdir -p "$root/usr/lib/ssl"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"

# Nothing reads these: what is left beside programs and libraries is the licences.
find "$root/usr/share/doc" -type f ! -name copyright -delete
rm -rf "$root"/usr/share/{man,locale,lintian,bug,ca-certificates} "$root/usr/sbin" "$root"/usr/lib/python3.11/{idlelib,pydoc_data,lib2to3,turtledemo}
rm -rf "$root"/usr/share/zoneinfo/{posix,right}
rm -rf packages

# A shell would be the first thing that an intruder looks for.
if find "$root" \( -name sh -o -name bash -o -name dash -o -name busybox \) -type f -perm /111 | grep .; then
    echo "a shell is in the image" >&2
    exit 1
fi
