"""The page and the HTTP API, for phones and scripts. They translate and decide nothing."""
