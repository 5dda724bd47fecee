//! Sizes both sides hold to.

/// Largest event, command or receipt in bytes of JSON. Larger ones are refused at the sender, by name.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// MQTT packet limit set on every client and broker, in bytes (rumqttc's own default of 10 KiB is too small).
pub const MAX_PACKET_BYTES: usize = 256 * 1024;

/// Largest file of evidence in bytes (one clip or one recording).
pub const MAX_EVIDENCE_BYTES: u64 = 512 * 1024 * 1024;

/// Largest number of evidence rows on one incident.
pub const MAX_EVIDENCE_PER_INCIDENT: usize = 32;

/// Longest name of a camera, a place or a rule in characters: every message about it carries them.
pub const MAX_NAME_CHARS: usize = 200;
