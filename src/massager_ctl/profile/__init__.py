"""Session profiles: model, load, plan."""
