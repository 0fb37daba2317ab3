"""MQTT and Home Assistant: the same requests and the same picture as everywhere, under R18."""
