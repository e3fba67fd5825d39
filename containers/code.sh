#!/bin/sh
# Our own distributions that some folders need, as they will be in the image, and a list of what these require of
# others: code.sh services/ocean 'libs/core[otlp]'
set -eu
/build/tools/bin/python /build/requirements.py /src /build/our.txt /opt/tellurion/requirements.txt "$@"
/build/pip.sh --no-index --no-deps --find-links /wheels --target /opt/tellurion/lib/code --requirement /build/our.txt
