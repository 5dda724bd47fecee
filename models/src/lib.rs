//! Model manifest: which models there are, where their files lie, and whether those are the right bytes.
