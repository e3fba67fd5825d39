#!/bin/sh
# pip for the image's environment, which has none itself: in the versions of constraints.txt, and compiled at once, as
# nothing can be written where the image runs.
set -eu
python=/opt/tellurion/bin/python
before=$(mktemp)
# The image's own HOME is in the image; what is kept there would be, too.
export HOME=/root PIP_CONFIG_FILE=/run/build/pip.conf
/build/tools/bin/pip --python "$python" install --quiet --no-compile \
    --no-warn-script-location --root-user-action ignore --constraint /build/constraints.txt "$@"
# Without times, so that equal sources are equal layers, and only what is new, so that no layer repeats another. Not their
# tests, which nothing imports; nor can all be compiled: some are templates, or for other Pythons.
find /opt/tellurion/lib -name tests -prune -o -name '*.py' -newer "$before" -print |
    "$python" -m compileall -qq -i - --invalidation-mode unchecked-hash || true
rm "$before"
