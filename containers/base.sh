#!/bin/sh
# Makes a small Debian as a base image, where none can be pulled: containers/base.sh localhost/debian:bookworm-slim
#
# With mmdebstrap from Debian's packages; as root, or as a user who has a range in /etc/subuid. An image that is there
# already is kept. MIRROR=https://snapshot.debian.org/archive/debian/DATE/ makes the same one again on another day.
set -eu
image=${1:?the name of the image}
engine=${ENGINE:-podman}
mirror=${MIRROR:-http://deb.debian.org/debian}
security=${SECURITY_MIRROR:-http://deb.debian.org/debian-security}

if "$engine" image exists "$image"; then exit 0; fi
archive=$(mktemp --suffix .tar)
trap 'rm -f "$archive"' EXIT
# Left out as in Debian's own small images: manuals, translations, documentation other than licences.
mmdebstrap --quiet --variant=minbase \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    bookworm "$archive" "deb $mirror bookworm main" "deb $mirror bookworm-updates main" \
    "deb $security bookworm-security main"
"$engine" import --quiet --change 'CMD ["/bin/sh"]' "$archive" "$image"
