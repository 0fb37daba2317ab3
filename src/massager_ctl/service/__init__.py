"""The service: owns devices for as long as the machine is up."""
