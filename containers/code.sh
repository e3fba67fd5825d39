#!/bin/sh
# Our distributions that some folders need, as they will be in the image, and a list of what these require of others:
# code.sh services/ocean 'libs/core[otlp]'. The wheels of what is in every image are there already.
set -eu
cd /opt/tellurion
/build/tools/bin/python /build/requirements.py /src /build/our.txt requirements.txt files-alone.txt "$@"
for folder in /src/libs/* /src/services/*; do
    if [ "$folder" != /src/libs/core ]; then /build/wheels.sh "$folder"; fi
done
/build/pip.sh --no-index --no-deps --find-links /build/wheels --target /opt/tellurion/lib/code -r /build/our.txt
