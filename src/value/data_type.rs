//! The declared types of fields (design, section 2).

/// What a field is declared to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// The record's own id in its system; kept as text.
    Id,
    /// Plain text.
    Text,
    /// Text with markup.
    Html,
    /// An e-mail address.
    Email,
    /// A telephone number, as written.
    Phone,
    /// A web address.
    Url,
    /// A whole number.
    Int,
    /// A decimal number, exact.
    Decimal,
    /// True or false.
    Bool,
    /// A calendar day without a time.
    Date,
    /// An instant.
    DateTime,
    /// A size in bytes.
    Bytes,
    /// One of a closed list of texts.
    Enum,
    /// Several of a closed list of texts.
    MultiEnum,
    /// Free labels.
    Tags,
    /// A reference to a record of another object, by its source key.
    Ref,
    /// A file: its path or address.
    File,
    /// Text that holds JSON.
    JsonText,
    /// A list of values without a declared item type.
    List,
}

impl Type {
    /// Every type with its name in YAML.
    pub const ALL: &'static [(&'static str, Type)] = &[
        ("id", Type::Id),
        ("text", Type::Text),
        ("html", Type::Html),
        ("email", Type::Email),
        ("phone", Type::Phone),
        ("url", Type::Url),
        ("int", Type::Int),
        ("decimal", Type::Decimal),
        ("bool", Type::Bool),
        ("date", Type::Date),
        ("datetime", Type::DateTime),
        ("bytes", Type::Bytes),
        ("enum", Type::Enum),
        ("multi_enum", Type::MultiEnum),
        ("tags", Type::Tags),
        ("ref", Type::Ref),
        ("file", Type::File),
        ("json_text", Type::JsonText),
        ("list", Type::List),
    ];

    /// The name used in YAML, messages and reports.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, t)| *t == self)
            .map_or("text", |(n, _)| n)
    }

    /// The type of that YAML name.
    pub fn parse(name: &str) -> Option<Type> {
        Self::ALL.iter().find(|(n, _)| *n == name).map(|(_, t)| *t)
    }

    /// True for types whose value is one piece of text.
    pub fn is_text(self) -> bool {
        matches!(
            self,
            Type::Id
                | Type::Text
                | Type::Html
                | Type::Email
                | Type::Phone
                | Type::Url
                | Type::Enum
                | Type::JsonText
                | Type::File
        )
    }

    /// True for types whose value is a list.
    pub fn is_list(self) -> bool {
        matches!(self, Type::MultiEnum | Type::Tags | Type::List)
    }
}
