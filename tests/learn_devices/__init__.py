"""Made-up massagers by seed, each with an app that uses it and a strict peer, for the tests of `learn` alone."""
