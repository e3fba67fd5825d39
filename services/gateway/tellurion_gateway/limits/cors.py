"""What pages of allowed origins may send and see (Fetch, section 3.2); a browser lets no others."""

from __future__ import annotations

from typing import Any

CORS: dict[str, Any] = {
    "allow_methods": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    "allow_headers": [
        "Authorization",
        "Content-Type",
        "If-None-Match",
        "Range",
        "Tus-Resumable",
        "Upload-Checksum",
        "Upload-Length",
        "Upload-Metadata",
        "Upload-Offset",
        "X-Request-Id",
    ],
    "expose_headers": [
        "Content-Disposition",
        "Content-Range",
        "ETag",
        "Location",
        "Retry-After",
        "Tellurion-Artifact",
        "Tus-Resumable",
        "Upload-Expires",
        "Upload-Length",
        "Upload-Offset",
        "X-Request-Id",
    ],
    "allow_credentials": False,  # keys travel in a header that a page sets itself
    "max_age": 600,
}
