"""Small models of what the firmware drives and senses, in SI units unless a name says otherwise."""
