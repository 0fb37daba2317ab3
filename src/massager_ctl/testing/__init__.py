"""For tests of your own: impairments of a link, and conformance checks for transports and drivers."""
