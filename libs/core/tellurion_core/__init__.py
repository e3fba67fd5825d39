"""What every service of Tellurion stands on, and nothing of any science; see the modules."""

import os

# gRPC reads this when it is first imported. Its own lines on stderr would stand between ours, which are JSON, and tell
# nothing that does not come to us as an error.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
