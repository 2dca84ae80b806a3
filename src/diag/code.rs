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

    // ---- E0201-E0249: meaning of a mapping ----
    /// An object that the platform does not have.
    UnknownObject = "E0201" "unknown-object";
    /// A field that the object does not have.
    UnknownField = "E0202" "unknown-field";
    /// A name that is no object mapping.
    UnknownStep = "E0203" "unknown-step";
    /// A path whose first name is no field, join or let, or a member that is not there.
    UnknownName = "E0204" "unknown-name";
    /// A join that the object mapping does not have.
    UnknownJoin = "E0205" "unknown-join";
    /// A parameter that the mapping does not declare.
    UnknownParam = "E0206" "unknown-param";
    /// A value map that is not declared.
    UnknownValueMap = "E0207" "unknown-value-map";
    /// An op with a wrong, missing or needless argument.
    OpArgument = "E0209" "op-argument";
    /// An op that cannot take the value before it.
    OpType = "E0210" "op-type";
    /// A value whose type the destination field does not take.
    TypeMismatch = "E0211" "type-mismatch";
    /// A field that only the server writes.
    ReadOnlyField = "E0212" "read-only-field";
    /// A destination field filled by two entries of one object mapping.
    WrittenTwice = "E0213" "field-written-twice";
    /// A text that is not among the known choices.
    NotAChoice = "E0214" "not-a-choice";
    /// A literal that is too long, too large, too small or not of the type.
    OutOfRange = "E0215" "literal-does-not-fit";
    /// A reference to records that the field does not take.
    ReferenceKind = "E0216" "reference-kind";
    /// A reference to records that no object mapping loads.
    ReferenceUnloaded = "E0217" "reference-to-unloaded";
    /// A reference by text to an object that has no single key, or to several objects.
    NoNaturalKey = "E0218" "no-natural-key";
    /// A required destination field that nothing fills.
    RequiredUnmapped = "E0219" "required-field-unmapped";
    /// A source field that is neither used nor ignored.
    Uncovered = "E0220" "uncovered-field";
    /// A source object that nothing reads and nothing ignores.
    UncoveredObject = "E0221" "uncovered-object";
    /// A source field that is ignored and used.
    IgnoredButUsed = "E0222" "ignored-but-used";
    /// Something left out without a reason.
    NoReason = "E0223" "ignore-without-reason";
    /// A split without a row for the rest.
    SplitNoElse = "E0224" "split-without-else";
    /// A split row after the one that takes the rest.
    SplitAfterElse = "E0225" "split-row-after-else";
    /// A split row that no record can reach.
    SplitDeadRow = "E0226" "split-dead-row";
    /// A split row to an object mapping that reads another object.
    SplitWrongObject = "E0227" "split-wrong-object";
    /// An object mapping that no row of the split of its object names.
    SplitMissing = "E0228" "split-missing-step";
    /// Two object mappings that would load every record of an object twice to the same place.
    SharedDestination = "E0229" "shared-destination";
    /// An order that can leave two records equal.
    OrderNotTotal = "E0230" "order-not-total";
    /// A join by fields that cannot be equal.
    JoinTypes = "E0231" "join-types";
    /// A path that takes a position or member where there is none, or misses one.
    PathMisuse = "E0233" "path-misuse";
    /// A join or let with the name of something else.
    NamesCollide = "E0234" "names-collide";
    /// A value map with two rows for one value.
    MapDuplicate = "E0235" "value-map-duplicate-key";
    /// A match by a field that the object mapping fills with something else, or not at all.
    MatchNotFilled = "E0236" "match-not-filled";
    /// `found:`, `absent:` and `match:` that contradict each other.
    FoundAbsent = "E0237" "found-absent";
    /// A created field whose name does not follow from its label.
    CreatedName = "E0238" "created-name";
    /// A created field of a type that the destination does not offer.
    TypeNotAvailable = "E0239" "custom-type-not-available";
    /// A created field that wants more than the destination's type allows.
    CreatedLimit = "E0240" "created-field-limit";
    /// More created fields than the tier allows.
    CreatedCount = "E0241" "too-many-created-fields";
    /// `create:` on a field that exists, or twice with different words.
    CreateExists = "E0242" "create-existing";
    /// A created field on an object that takes none.
    NoCustomFields = "E0243" "no-custom-fields";
    /// `after:` that leads back to itself.
    AfterCycle = "E0244" "after-cycle";
    /// A row of the compatibility table bound to nothing.
    PageRowNamesNothing = "E0245" "page-row-names-nothing";
    /// A condition that compares what cannot be compared.
    ConditionType = "E0246" "condition-type";
    /// `and` and `or` mixed without brackets.
    MixedAndOr = "E0247" "mixed-and-or";
    /// A template filter, test or function that is not on the list.
    UnknownFilter = "E0248" "unknown-filter";
    /// A test case about something that does not exist.
    TestNamesNothing = "E0249" "test-names-nothing";

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
    /// A report of what was not loaded that cannot be made.
    Report = "E0269" "report";
    /// A variant whose objects or fields are not those of its platform.
    PlatformVariant = "E0270" "platform-variant";

    // ---- E0280-E0299: meaning of a migration ----
    /// A parameter without a value.
    ParamMissing = "E0280" "param-missing";
    /// A value that is not of the parameter's type.
    ParamType = "E0281" "param-type";
    /// A tier that the destination does not have.
    UnknownTier = "E0282" "unknown-tier";
    /// A connection that does not go with the platform.
    ConnectionKind = "E0283" "connection-kind";
    /// A secret written into the file.
    LiteralSecret = "E0284" "literal-secret";
    /// A rename of something that the mapping does not create.
    RenameUnknown = "E0285" "rename-unknown";
    /// A custom column that the platform file declares already.
    ColumnKnown = "E0286" "column-known";
    /// Custom columns of an object whose export has none.
    NoCustomColumns = "E0287" "no-custom-columns";
    /// A quirk or fault that the destination does not have.
    UnknownQuirk = "E0288" "unknown-quirk";
    /// Two test cases or page rows with one name.
    DuplicateTest = "E0289" "duplicate-name";
    /// A table of a value map that cannot be read.
    MapColumns = "E0290" "value-map-table";
    /// A parameter of the connection that is missing or unknown.
    ConnectionParam = "E0291" "connection-param";
    /// A source platform that is no variant of the mapping's.
    NoVariant = "E0292" "source-platform";
    /// An object that the mapping reads and the source cannot give.
    SourceUnreadable = "E0293" "source-unreadable";

    // ---- E03xx: the plan ----
    /// References that need each other and cannot wait.
    RequiredCycle = "E0301" "required-cycle";
    /// Records that the destination has no call to write.
    NoWayToLoad = "E0302" "no-way-to-load";
    /// Records that the destination has no call to find.
    NoWayToFind = "E0303" "no-way-to-find";

    // ---- W02xx: probably wrong ----
    /// Values that may be longer than the destination field takes.
    MayNotFit = "W0201" "may-not-fit";
    /// Values with more digits than the destination field takes.
    LosesDigits = "W0202" "loses-digits";
    /// A required destination field that is filled from something that can be blank.
    RequiredMayBeBlank = "W0203" "required-may-be-blank";
    /// A match by fields that are no key at the destination.
    MatchNotKey = "W0204" "match-not-a-key";
    /// Records are created without looking for existing ones, though the object has a key.
    NoMatch = "W0205" "create-without-match";
    /// A value map that nothing uses.
    UnusedValueMap = "W0206" "unused-value-map";
    /// A join that nothing reads.
    UnusedJoin = "W0207" "unused-join";
    /// A let that nothing reads.
    UnusedLet = "W0208" "unused-let";
    /// A parameter that nothing reads.
    UnusedParam = "W0209" "unused-param";
    /// A row of a value map for a value that cannot come.
    MapDeadRow = "W0210" "value-map-dead-row";
    /// Choices of the source that will be held.
    ChoicesUncovered = "W0211" "choices-not-covered";
    /// Fields of an object mapping that never writes.
    NeverWritten = "W0212" "fields-never-written";
    /// A reference to records of which some go where it cannot follow.
    PartlyReferable = "W0213" "partly-referable";
    /// The last row of a split that no record can reach.
    ElseUnreachable = "W0214" "else-unreachable";
    /// A pace that something else holds lower anyway.
    PaceWithoutEffect = "W0215" "pace-without-effect";

    // ---- N02xx: worth knowing, or not known offline ----
    /// Records of an object that only an admin can create.
    ByHandCreation = "N0201" "created-by-hand";
    /// A blank value that holds the record, because a template needs it.
    TextHolds = "N0202" "blank-holds-text";
    /// Choices of a destination field that are not known offline.
    ChoicesUnknown = "N0203" "choices-unknown";
}
