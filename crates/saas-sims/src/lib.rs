//! Strict stand-ins for Oracle Fusion and Pipedrive
