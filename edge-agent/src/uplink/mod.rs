//! Station 7: rows to the hub over MQTT, gone only on the hub's receipt.
