//! The kinds of entries: the word and the number that stand for each in the journal.

use super::entry::Entry;

macro_rules! kinds {
    ($($code:literal $name:ident $word:literal,)*) => {
        impl Entry {
            /// The entry's word in the journal.
            pub fn kind(&self) -> &'static str {
                match self { $(Entry::$name { .. } => $word,)* }
            }

            /// The number of its kind.
            pub(super) fn code(&self) -> u8 {
                match self { $(Entry::$name { .. } => $code,)* }
            }
        }

        /// The word for a number.
        pub(super) fn word(code: u8) -> Option<&'static str> {
            match code { $($code => Some($word),)* _ => None }
        }
    };
}

// A number is for ever: new kinds get the next one. 0 is no entry.
kinds! {
    1 RunStarted "run_started",
    2 RunEnded "run_ended",
    3 Approved "approved",
    4 Waived "waived",
    5 StepStarted "step_started",
    6 StepEnded "step_ended",
    7 Intended "intended",
    8 Confirmed "confirmed",
    9 FileSent "file_sent",
    10 Refused "refused",
    11 InDoubt "in_doubt",
    12 Absent "absent",
    13 Held "held",
    14 Released "released",
    15 Again "again",
    16 Merged "merged",
    17 Before "before",
    18 RolledBack "rolled_back",
    19 Kept "kept",
    20 Conflicted "conflicted",
    21 SecondPassDone "second_pass_done",
    22 JobStarted "job_started",
    23 JobEnded "job_ended",
    24 CountedBefore "counted_before",
    25 CountedAfter "counted_after",
    26 Planned "planned",
    27 Progressed "progressed",
    28 Waiting "waiting",
    29 Decided "decided",
    30 Watermark "watermark",
    31 FileWritten "file_written",
    32 BudgetUsed "budget_used",
    33 CallsReserved "calls_reserved",
}
