"""The services through a gateway: gRPC's channels and calls over HTTPS."""
