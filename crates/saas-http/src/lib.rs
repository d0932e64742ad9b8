//! How any SaaS is called: endpoints, permits, tokens, classification of answers, redaction, transport
