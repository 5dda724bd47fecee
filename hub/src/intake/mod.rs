//! Station 8: bytes become rows; receipt and MQTT ack after commit.
