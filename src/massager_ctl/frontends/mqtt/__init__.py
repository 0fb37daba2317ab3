"""MQTT and Home Assistant: the same requests and status as in every front end, under R18."""
