//! What is not known about version 1 (sections 1.1, 6, 8).

use super::CustomCurrency;

/// Switches of version 1. The defaults are the strict reading of the reference.
#[derive(Clone, Debug)]
pub struct V1Settings {
    /// Whether a second relationship of one type between the same two organizations is refused (section 1.1, UNVERIFIED).
    pub refuse_duplicate_relationships: bool,
    /// Whether relationships outlive the deletion of one of their organizations (section 7 says nothing of them,
    /// UNVERIFIED); otherwise they are not shown from then on.
    pub relationships_survive_deletion: bool,
    /// Whether the list of relationships has its page under `additional_data.pagination`, as in the example of the
    /// specification, rather than in `additional_data` itself, as in its schema (UNVERIFIED).
    pub nested_relationship_page: bool,
    /// Currencies besides those of ISO 4217 (section 1.7).
    pub custom_currencies: Vec<CustomCurrency>,
    /// Whether lists by offset say `data: null` rather than `[]` when they are empty (UNVERIFIED).
    pub empty_list_is_null: bool,
    /// Longest content of a note, in characters and in bytes (section 6).
    pub note_limit: usize,
    /// Tags that survive in notes: those that were seen in use (section 6, UNVERIFIED).
    pub note_tags: Vec<String>,
    /// Whether tables survive in notes (section 6, UNVERIFIED).
    pub note_tables: bool,
}

impl Default for V1Settings {
    fn default() -> Self {
        Self {
            refuse_duplicate_relationships: true,
            relationships_survive_deletion: true,
            nested_relationship_page: false,
            custom_currencies: vec![CustomCurrency {
                code: "PTS".to_owned(),
                name: "Loyalty points".to_owned(),
                decimal_points: 0,
                symbol: "pts".to_owned(),
            }],
            empty_list_is_null: false,
            note_limit: 100_000,
            note_tags: ["p", "br", "b", "i", "ul", "li", "a"].map(str::to_owned).to_vec(),
            note_tables: false,
        }
    }
}
