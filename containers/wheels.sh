#!/bin/sh
# Wheels of some of our folders, into /build/wheels.
set -eu
/build/tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /build/wheels "$@"
