//! The embedded MQTT broker and the configuration of an outside one.
