"""Front ends: control socket, terminal, MQTT, web, metrics, logs. They translate and decide nothing."""
