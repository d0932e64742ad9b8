//! Pipedrive behind the Crm port
