"""identity: the embedded OpenID provider. Who somebody is, and tokens that say so; it knows no other service."""
