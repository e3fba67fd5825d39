"""Tellurion over HTTPS: HTTP requests in, calls of the platform's gRPC services out."""
