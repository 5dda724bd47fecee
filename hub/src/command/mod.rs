//! What is asked of boxes, by whom and why, and what they answered.
