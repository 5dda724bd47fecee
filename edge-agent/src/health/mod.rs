//! Heartbeat, /healthz, /readyz, /metrics.
