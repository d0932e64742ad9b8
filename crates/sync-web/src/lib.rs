//! The door: health today, API, hooks and console later
