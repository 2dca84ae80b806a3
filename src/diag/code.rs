//! The closed list of diagnostic codes.
//!
//! A code is stable for ever; its page is `docs/codes/<ID>.md`, embedded in the binary and printed by
//! `transload explain`. E01xx: the text and shape of a spec file. E02xx: checks across files. E03xx: the
//! plan. W codes warn, N codes note what is not known offline.

use super::Severity;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $id:literal $name:literal;)*) => {
        /// A kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The number, for search: `E0103`.
            pub fn id(self) -> &'static str {
                match self { $(Code::$variant => $id,)* }
            }

            /// The name, for people: `unknown-key`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// The page that `transload explain` prints.
            pub fn page(self) -> &'static str {
                match self { $(Code::$variant => include_str!(concat!("../../docs/codes/", $id, ".md")),)* }
            }
        }
    };
}

impl Code {
    /// The severity that goes with the first letter of the number.
    pub fn severity(self) -> Severity {
        match self.id().as_bytes().first() {
            Some(b'W') => Severity::Warning,
            Some(b'N') => Severity::Note,
            _ => Severity::Error,
        }
    }

    /// The code with that number or name, in any case.
    pub fn find(text: &str) -> Option<Code> {
        Code::ALL
            .iter()
            .copied()
            .find(|c| c.id().eq_ignore_ascii_case(text) || c.name().eq_ignore_ascii_case(text))
    }
}

codes! {
    // ---- E01xx: text and shape of one file ----
    /// The file cannot be read.
    Unreadable = "E0101" "unreadable-file";
    /// The text is not YAML.
    BadYaml = "E0102" "bad-yaml";
    /// A key that this place does not know.
    UnknownKey = "E0103" "unknown-key";
    /// The same key twice.
    DuplicateKey = "E0104" "duplicate-key";
    /// A required key is missing.
    MissingKey = "E0105" "missing-key";
    /// A value of the wrong kind (text where a list belongs, and its like).
    WrongKind = "E0106" "wrong-kind";
    /// A word that is not one of the allowed words.
    UnknownWord = "E0107" "unknown-word";
    /// Keys that exclude each other, or none of which is there.
    OneOf = "E0108" "exactly-one";
    /// Anchors, aliases, merge keys or tags.
    YamlFeature = "E0109" "yaml-feature";
    /// Too large, too deep or too many nodes.
    TooLarge = "E0110" "too-large";
    /// `spec:` names no known kind or version.
    UnknownSpec = "E0111" "unknown-spec";
    /// A number, size, duration, date or name that cannot be read.
    BadLiteral = "E0112" "bad-literal";
    /// A `when:` expression that cannot be parsed.
    BadExpression = "E0113" "bad-expression";
    /// A path expression that cannot be parsed.
    BadPath = "E0114" "bad-path";
    /// A `text:` template that cannot be compiled.
    BadTemplate = "E0115" "bad-template";
    /// A file named by the spec is missing.
    MissingFile = "E0116" "missing-file";

    // ---- E0250-E0279: meaning of a platform file ----
    /// An object that the platform does not have.
    PlatformObject = "E0250" "platform-unknown-object";
    /// A field that the object does not have.
    PlatformField = "E0251" "platform-unknown-field";
    /// A shape of operations that the file does not declare.
    PlatformShape = "E0252" "platform-unknown-shape";
    /// An operation without exactly one of get, post, put, delete.
    PlatformVerb = "E0253" "platform-op-verb";
    /// A place in braces that cannot be filled, or one that is missing.
    PlatformPlace = "E0254" "platform-place";
    /// An operation that lacks a part which its kind needs.
    PlatformOp = "E0255" "platform-op-incomplete";
    /// Two fields at the same column or member.
    PlatformPath = "E0256" "platform-duplicate-path";
    /// A tier that is not declared, or one without a number.
    PlatformTier = "E0257" "platform-tier";
    /// A quirk whose value is not among its options.
    PlatformQuirk = "E0258" "platform-quirk";
    /// A key that does not go with the type of the field.
    PlatformFieldKey = "E0259" "platform-field-key";
    /// A reference field that does not say which object it points to, or a type without its counterpart.
    PlatformReference = "E0260" "platform-reference";
    /// Kinds of a polymorphic reference that do not fit its objects.
    PlatformKinds = "E0261" "platform-kinds";
    /// Rows that cannot be read: no key, or a file of unknown format.
    PlatformRows = "E0262" "platform-rows";
    /// A date format or zone that cannot be read.
    PlatformTime = "E0263" "platform-time";
    /// A connection that does not hang together.
    PlatformConnect = "E0264" "platform-connect";
    /// Limits of a field that contradict each other.
    PlatformRange = "E0265" "platform-contradiction";
    /// More objects or fields than can be numbered.
    PlatformSize = "E0266" "platform-too-many";
    /// Custom fields that cannot be.
    PlatformCustom = "E0267" "platform-custom-fields";
    /// A record of a new account that could not exist.
    PlatformInitial = "E0268" "platform-initial";
}
