//! The records that have custom fields, lists and a search of their own (section 1.1).

/// Kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Entity {
    Organization,
    Deal,
    Person,
}

impl Entity {
    pub(crate) const ALL: [Self; 3] = [Self::Organization, Self::Deal, Self::Person];

    /// As events, searches and filters say it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Deal => "deal",
            Self::Person => "person",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|entity| entity.name() == name)
    }

    /// As "not found" says it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Organization => "Organization",
            Self::Deal => "Deal",
            Self::Person => "Person",
        }
    }

    /// The entity of its field definitions in events.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Organization => "organizationField",
            Self::Deal => "dealField",
            Self::Person => "personField",
        }
    }

    /// Its labels: option id and text (section 7: ids are those of the label field, per account).
    pub(crate) fn labels(self) -> &'static [(i64, &'static str)] {
        match self {
            Self::Organization => &super::values::LABELS,
            Self::Deal => &[(21, "Hot"), (22, "Warm"), (23, "Cold")],
            Self::Person => &[(1, "Customer"), (2, "Hot lead"), (3, "Warm lead"), (4, "Cold lead")],
        }
    }
}
