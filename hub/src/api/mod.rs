//! JSON under /api/v1 and its OpenAPI description.
