"""Messages through an MQTT broker (3.1.1 and 5), acknowledged once durable, with paho."""

from liandong.adapters.mqtt.link import MqttLink
from liandong.adapters.mqtt.topics import MqttBroker, MqttTopic

__all__ = ["MqttBroker", "MqttLink", "MqttTopic"]
