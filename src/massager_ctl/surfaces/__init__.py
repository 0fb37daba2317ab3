"""Who asks: control socket, terminal, MQTT."""
