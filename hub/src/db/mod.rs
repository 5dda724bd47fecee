//! Two databases, one SQL text.
