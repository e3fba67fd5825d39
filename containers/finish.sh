#!/bin/sh
# The last step of an image: everything that is required is there, and a bill of materials says what is: finish.sh IMAGE
set -eu
alone=/opt/tellurion/files-alone.txt
if [ ! -f "$alone" ]; then alone=/dev/null; fi
if /build/tools/bin/pip --python /opt/tellurion/bin/python check | grep -E ' (requires|has requirement) ' | grep -v -w -F -f "$alone"
then exit 1; fi
site=$(/opt/tellurion/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p /usr/share/sbom
# Triton's folder is in one image alone; in the others it adds nothing.
/build/tools/bin/python /build/sbom.py "$1" "$site" /opt/tellurion/lib/code /opt/tellurion/lib/triton \
    > "/usr/share/sbom/$1.cdx.json"
