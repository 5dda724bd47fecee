//! Boxes: enrolment, certificates, status, clock skew.
