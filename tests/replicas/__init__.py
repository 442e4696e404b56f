"""Several proxies for one account: what .ci/replicas starts, asks and holds them to."""
