"""Performance as ratios, measured in one run beside a peer or the floor of the machine."""
