"""Every RPC of every service over REST: routes, bodies and the OpenAPI document, all derived from the protos."""
