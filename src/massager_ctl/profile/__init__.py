"""Session profiles: the model, reading, planning, drawing."""
